import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { notFound } from "../kit/errors";
import type { ObjectMemory } from "./memory";
import { asShownTo, isShownTo, type PortalViewer } from "./portalRules";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** Whose objects are read: an organization's, and of those what a portal user may see. */
export type Tenant = { organizationId: Id<"organizations">; viewer?: PortalViewer };

/**
 * Reads of one tenant. An id from outside is resolved here and nowhere else: a malformed one, a
 * deleted object's, another type's and another organization's all are "not found". So is, to a
 * portal user, whatever the rule of its type does not show them.
 */
export class TenantReader {
  readonly organizationId: Id<"organizations">;
  readonly viewer: PortalViewer | undefined;
  /** What a writer has read and written; who only reads has no use for one. */
  protected readonly memory: ObjectMemory | null = null;

  constructor(
    protected readonly ctx: QueryCtx,
    { organizationId, viewer }: Tenant,
  ) {
    this.organizationId = organizationId;
    this.viewer = viewer;
  }

  async find<T extends ObjectType>(type: T, id: string): Promise<ObjectDoc<T> | null> {
    const object = await this.findObject(id);
    return object && isOfType(object, type) ? object : null;
  }

  /** The living object of whatever type. */
  async findObject(id: string): Promise<ObjectDoc | null> {
    const object = await this.findDeletedToo(id);
    if (!object || object.lifecycle === "deleted") return null;
    return this.shown(object);
  }

  /** The object of whatever type, living or deleted: for those who may see all of the tenant's. */
  async findDeletedToo(id: string): Promise<ObjectDoc | null> {
    const objectId = this.ctx.db.normalizeId("objects", id);
    if (!objectId) return null;
    const read = async (): Promise<ObjectDoc | null> => await this.ctx.db.get("objects", objectId);
    const object = await (this.memory ? this.memory.object(objectId, read) : read());
    return object?.organizationId === this.organizationId ? object : null;
  }

  /** The object if it is of one of these types. */
  async findAny<T extends ObjectType>(
    types: readonly T[],
    id: Id<"objects">,
  ): Promise<ObjectDoc<T> | null> {
    for (const type of types) {
      const object = await this.find(type, id);
      if (object) return object;
    }
    return null;
  }

  /** @throws `<RESOURCE>_NOT_FOUND` */
  async require<T extends ObjectType>(type: T, id: string): Promise<ObjectDoc<T>> {
    const object = await this.find(type, id);
    if (!object) throw notFound(objectTypes[type].resource);
    return object;
  }

  /** The first living object with this look-up key (a contact's e-mail, an organization's name). */
  async findByKey<T extends ObjectType>(type: T, lookupKey: string): Promise<ObjectDoc<T> | null> {
    const read = async (): Promise<ObjectDoc | null> =>
      await this.ctx.db
        .query("objects")
        .withIndex("list_lookupKey", (q) =>
          q
            .eq("organizationId", this.organizationId)
            .eq("type", type)
            .eq("lifecycle", "live")
            .eq("lookupKey", lookupKey),
        )
        .first();
    const object = await (this.memory ? this.memory.holder(type, lookupKey, read) : read());
    return object && isOfType(object, type) ? this.shown(object) : null;
  }

  private shown<T extends ObjectType>(object: ObjectDoc<T>): ObjectDoc<T> | null {
    if (this.viewer === undefined) return object;
    return isShownTo(this.viewer, object) ? asShownTo(object) : null;
  }
}

export function isOfType<T extends ObjectType>(object: ObjectDoc, type: T): object is ObjectDoc<T> {
  return object.type === type;
}
