import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { notFound } from "../kit/errors";
import { type AskedTable, findOwn, idOfAnyTenant, own } from "../kit/own";
import type { ObjectMemory } from "./memory";
import type { MatchKey } from "./definition";
import { definitionOf } from "./derived";
import { matchRows } from "./matchRows";
import { asShownTo, isShownTo, type PortalViewer } from "./portalRules";
import { isAboutTheirs } from "./portalAbout";
import { Sight } from "./sight";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";
import { membershipOf } from "../kit/memberships";

/** Whose objects are read: an organization's, and of those what a portal user or a member may see. */
export type Tenant = {
  organizationId: Id<"organizations">;
  viewer?: PortalViewer | undefined;
  /** A member of staff whose sight goes by teams (sight.ts). */
  member?: Id<"users"> | undefined;
};

/**
 * Reads of one tenant. An id from outside is resolved here and nowhere else: a malformed one, a
 * deleted object's, another type's and another organization's all are "not found". So is, to a
 * portal user, whatever the rule of its type does not show them, and to a member a project whose team
 * they are not in.
 */
export class TenantReader {
  readonly organizationId: Id<"organizations">;
  readonly viewer: PortalViewer | undefined;
  readonly member: Id<"users"> | undefined;
  private made: Sight | undefined;
  /** What a writer has read and written; who only reads has no use for one. */
  protected readonly memory: ObjectMemory | null = null;

  constructor(
    protected readonly ctx: QueryCtx,
    { organizationId, viewer, member }: Tenant,
  ) {
    this.organizationId = organizationId;
    this.viewer = viewer;
    this.member = member;
  }

  async find<T extends ObjectType>(type: T, id: string): Promise<ObjectDoc<T> | null> {
    const object = await this.findObject(id);
    return object && isOfType(object, type) ? object : null;
  }

  /** The living object of whatever type. */
  async findObject(id: string): Promise<ObjectDoc | null> {
    const object = await this.findDeletedToo(id);
    if (!object || object.lifecycle === "deleted") return null;
    return await this.shown(object);
  }

  /** What they see of projects and of what belongs to them; nothing is remembered beside writes. */
  get sight(): Sight {
    this.made ??= new Sight(this.ctx, this, this.memory === null);
    return this.made;
  }

  /** The object of whatever type, living or deleted: for those who may see all of the tenant's. */
  async findDeletedToo(id: string): Promise<ObjectDoc | null> {
    return await findOwn(this.ctx, this, "objects", id, async (objectId, read) =>
      this.memory ? await this.memory.object(objectId, read) : await read(),
    );
  }

  /** Whether they see what something is about; what is about nothing, or about what is gone, is everybody's. */
  async seesWhatIsAbout(id: Id<"objects"> | undefined): Promise<boolean> {
    if (id === undefined || !(await this.sight.narrows("project"))) return true;
    const object = await this.findDeletedToo(id);
    return object === null || (await this.sight.sees(object));
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

  /** The id of a user who is a member now. */
  async findMember(id: string): Promise<Id<"users"> | null> {
    const userId = idOfAnyTenant(this.ctx, "users", id);
    if (!userId) return null;
    const membership = await membershipOf(this.ctx, userId, this.organizationId);
    return membership?.status === "active" ? userId : null;
  }

  /** The tenant's row of another table, see own.ts. @throws `<RESOURCE>_NOT_FOUND` */
  async own<Table extends AskedTable, Row extends Doc<Table> = Doc<Table>>(
    table: Table,
    id: string,
    isThere?: ((row: Doc<Table>) => row is Row) | ((row: Doc<Table>) => boolean),
  ): Promise<Row> {
    return await own<Table, Row>(this.ctx, this, table, id, isThere);
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
    return object && isOfType(object, type) ? await this.shown(object) : null;
  }

  /** The living object that is known by a look-up key which is another's, or nobody's, own. */
  async findByOtherKey<T extends ObjectType>(
    type: T,
    lookupKey: string,
  ): Promise<ObjectDoc<T> | null> {
    const keys = definitionOf(type).otherKeys?.(lookupKey);
    if (!keys || (await this.firstMatch(type, keys.among)) === null) return null;
    const [holder = null] = await this.holdersOf(type, keys.is, 1);
    return holder;
  }

  /** One of the rows of those who have this in common (matchKeys.ts). */
  protected async firstMatch(
    type: ObjectType,
    matchKey: MatchKey,
  ): Promise<Doc<"objectMatchKeys"> | null> {
    const read = async (): Promise<Doc<"objectMatchKeys"> | null> =>
      await matchRows(this.ctx, this.organizationId, type, matchKey).first();
    return await (this.memory ? this.memory.match(type, matchKey, read) : read());
  }

  /** The first living objects that have this in common, if any. */
  async holdersOf<T extends ObjectType>(
    type: T,
    matchKey: MatchKey,
    limit: number,
  ): Promise<ObjectDoc<T>[]> {
    const rows = await matchRows(this.ctx, this.organizationId, type, matchKey).take(limit);
    const found = await Promise.all(rows.map(({ objectId }) => this.find(type, objectId)));
    return found.filter((object) => object !== null);
  }

  private async shown<T extends ObjectType>(object: ObjectDoc<T>): Promise<ObjectDoc<T> | null> {
    if (!(await this.sight.sees(object))) return null;
    if (this.viewer === undefined) return object;
    const isTheirs =
      isShownTo(this.viewer, object) && (await isAboutTheirs(this.ctx, this.viewer, object));
    return isTheirs ? asShownTo(this.viewer, object) : null;
  }
}

export function isOfType<T extends ObjectType>(object: ObjectDoc, type: T): object is ObjectDoc<T> {
  return object.type === type;
}
