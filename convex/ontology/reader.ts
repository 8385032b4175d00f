import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { notFound } from "../kit/errors";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/**
 * Reads of one tenant. An id from outside is resolved here and nowhere else: a malformed one, a
 * deleted object's, another type's and another organization's all are "not found".
 */
export class TenantReader {
  constructor(
    protected readonly ctx: QueryCtx,
    readonly organizationId: Id<"organizations">,
  ) {}

  async find<T extends ObjectType>(type: T, id: string): Promise<ObjectDoc<T> | null> {
    const objectId = this.ctx.db.normalizeId("objects", id);
    const object = objectId && (await this.ctx.db.get("objects", objectId));
    if (!object || object.organizationId !== this.organizationId) return null;
    if (object.lifecycle === "deleted" || !isOfType(object, type)) return null;
    return object;
  }

  /** @throws `<RESOURCE>_NOT_FOUND` */
  async require<T extends ObjectType>(type: T, id: string): Promise<ObjectDoc<T>> {
    const object = await this.find(type, id);
    if (!object) throw notFound(objectTypes[type].resource);
    return object;
  }

  /** The first living object with this look-up key (a contact's e-mail, an organization's name). */
  async findByKey<T extends ObjectType>(type: T, lookupKey: string): Promise<ObjectDoc<T> | null> {
    const object = await this.ctx.db
      .query("objects")
      .withIndex("list_lookupKey", (q) =>
        q
          .eq("organizationId", this.organizationId)
          .eq("type", type)
          .eq("lifecycle", "live")
          .eq("lookupKey", lookupKey),
      )
      .first();
    return object && isOfType(object, type) ? object : null;
  }
}

export function isOfType<T extends ObjectType>(object: ObjectDoc, type: T): object is ObjectDoc<T> {
  return object.type === type;
}
