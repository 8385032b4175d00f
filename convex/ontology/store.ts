import { compareValues, type Value } from "convex/values";
import type { WithoutSystemFields } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { internal } from "../_generated/api";
import { type Farewell, keepComments } from "../comments/keeping";
import { announce } from "../delivery/following";
import { releaseTime } from "../time/release";
import { ApiError, FieldError } from "../kit/errors";
import { organizationOf } from "../kit/own";
import { keepSight } from "../team/sightRows";
import { auditedFields, type Change, changesBetween, definedOnly } from "./changes";
import { CountBuffer, WRITES_PER_FOLD } from "./counts";
import { type Happening, record, type WriteScope } from "./effects";
import { changeDataOf, eventDataOf } from "./eventData";
import { eventTypeOf } from "./eventTypes";
import { followUp } from "./followUps";
import { freeze, isIssuing } from "./issuing";
import { indexColumns } from "./indexColumns";
import { addLinks, replaceLinks, requireUnreferenced } from "./links";
import { type MatchAccess, remakeMatchKeys, replaceMatchKeys } from "./matchKeys";
import type { Region } from "../kit/phone";
import { phoneRegionOf } from "./phoneRegion";
import { ObjectMemory } from "./memory";
import { isChangeableByPortal } from "./portalRules";
import { TenantReader } from "./reader";
import {
  type NewObject,
  objectTypes,
  type ObjectDoc,
  type ObjectType,
  type Properties,
} from "./registry";
import { addTerms, replaceTerms } from "./terms";
import { columnsOf, definitionOf, isSummed, summedFrom, talliesOf } from "./derived";

/** Given fields change; in `customProperties`, an explicit `undefined` removes. */
export type ObjectChanges<T extends ObjectType> = Partial<
  Omit<NewObject<T>, "customProperties"> & { customProperties: Partial<Properties<T>> }
>;

/**
 * A write that happened elsewhere before it came here: when, by whose clock. Without one, a write
 * happens now.
 */
export type Edit = {
  device: string;
  /** By the device's own clock. */
  at: number;
  /** The same, but not further ahead of ours than it may be. */
  editedAt: number;
  /** What the device calls the object of this type that it makes. */
  creates?: { type: ObjectType; clientId: string };
};

type ObjectFields = WithoutSystemFields<Doc<"objects">>;
type Stamp = Pick<ObjectFields, "version" | "updatedAt" | "commitTs" | "editedAt" | "pushedBy">;
type ObjectPatch = { [Field in keyof ObjectFields]?: ObjectFields[Field] | undefined };
/**
 * The only writer of business objects, one for all writes of a transaction. Every write stamps
 * version, times and commit timestamp, derives the index columns from the type, keeps links and
 * counts in step, and leaves an audit entry and an event, all in the caller's transaction.
 */
export class ObjectStore extends TenantReader {
  protected override readonly memory = new ObjectMemory();
  private readonly counts = new CountBuffer();
  /** Set while writes are carried out that a device has made before. */
  edit: Edit | null = null;
  private readonly eventTypes = new Set<string>();

  constructor(
    protected override readonly ctx: MutationCtx,
    readonly scope: WriteScope,
    /** The tenant, where the transaction has read it. */
    private organization: Doc<"organizations"> | null = null,
  ) {
    super(ctx, scope);
  }

  /** @throws EMAIL_EXISTS or CONFLICT when the type's unique key is taken. */
  async insert<T extends ObjectType>(type: T, input: NewObject<T>): Promise<ObjectDoc<T>> {
    this.requireChangeable(type);
    const now = Date.now();
    const columns = columnsOf(type, input);
    await this.requireFreeKey(type, columns.lookupKey, null);
    const id = await this.ctx.db.insert("objects", {
      ...input,
      ...indexColumns(columns),
      organizationId: this.organizationId,
      type,
      lifecycle: "live",
      ...summedFrom(type),
      version: 1,
      createdBy: this.scope.actor.id,
      createdAt: now,
      updatedAt: now,
      commitTs: this.ctx.db.vars.commitTs,
      ...this.origin(null),
      ...(this.edit?.creates?.type === type ? { clientId: this.edit.creates.clientId } : {}),
    } as ObjectFields);
    const object = await this.inserted<T>(id);
    await addLinks(this.ctx, object, columns.links);
    await addTerms(this.ctx, object);
    await replaceMatchKeys(this.matchAccess, null, object);
    this.count(object, 1);
    await this.recordWrite("created", object, changesBetween({}, auditedFields(object)), null);
    await followUp(this, object);
    await keepSight(this.ctx, this.scope, null, object);
    return object;
  }

  /**
   * Applies the changes; an update that changes nothing writes nothing and keeps the version. The
   * verb names the audit entry and the event (`invoice.paid`).
   * @throws INVALID_STATE for a status that must not follow the present one; EMAIL_EXISTS or CONFLICT when the type's unique key is taken.
   */
  async update<T extends ObjectType>(
    object: ObjectDoc<T>,
    changes: ObjectChanges<T>,
    verb = "updated",
    lifecycle: ObjectFields["lifecycle"] = object.lifecycle,
  ): Promise<ObjectDoc<T>> {
    const type = object.type;
    this.requireChangeable(type);
    const customProperties = definedOnly({
      ...object.customProperties,
      ...changes.customProperties,
    }) as Properties<T>;
    const { subtype, status, description } = object;
    const next = { subtype, status, description, ...changes, customProperties } as NewObject<T>;
    const columns = columnsOf(type, next);
    const before = auditedFields(object);
    const audited = changesBetween(before, auditedFields({ ...next, name: columns.name }));
    if (audited.length === 0) return object;

    // Archiving ends an object from any status.
    if (lifecycle === object.lifecycle) requireTransition(type, object.status, next.status, verb);
    // By today's rule for both: what an earlier version let in stays, and its other fields can change.
    const keyBefore = columnsOf(type, object as unknown as NewObject<T>).lookupKey;
    if (columns.lookupKey !== keyBefore) {
      await this.requireFreeKey(type, columns.lookupKey, object._id);
    }
    const updated = await this.patch(object, { ...next, ...indexColumns(columns), lifecycle });
    await replaceLinks(this.ctx, object, columns.links);
    await replaceTerms(this.ctx, object, updated);
    await replaceMatchKeys(this.matchAccess, object, updated);
    this.recount(object, updated);
    await this.recordWrite(verb, updated, audited, object);
    if (updated.lookupKey !== object.lookupKey) await followUp(this, updated);
    await keepSight(this.ctx, this.scope, object, updated);
    await releaseTime(this.ctx, this.scope, object, updated);
    await keepComments(this.ctx, this.scope, object, updated);
    return updated;
  }

  /** Applies the changes and takes the object out of the lists that do not ask for archived ones. */
  async archive<T extends ObjectType>(
    object: ObjectDoc<T>,
    changes: ObjectChanges<T>,
  ): Promise<ObjectDoc<T>> {
    return await this.update(object, changes, "archived", "archived");
  }

  /**
   * Leaves a tombstone, which lists and gets no longer show and sync still delivers.
   * @throws CONFLICT with the links when living objects point to it.
   */
  async remove<T extends ObjectType>(
    object: ObjectDoc<T>,
    {
      isReferenced = false,
      comments = "removed",
    }: { isReferenced?: boolean; comments?: Farewell } = {},
  ): Promise<void> {
    this.requireChangeable(object.type);
    if (!isReferenced) await requireUnreferenced(this.ctx, object);
    const deletion = { lifecycle: "deleted", deletedAt: Date.now() } as const;
    const deleted = await this.patch(object, { ...deletion, searchText: "", lookupKey: undefined });
    const { organizationId, _id: objectId } = object;
    await this.ctx.db.insert("tombstones", { organizationId, objectId, deletedAt: Date.now() });
    await replaceLinks(this.ctx, object, []);
    await replaceTerms(this.ctx, object, null);
    await replaceMatchKeys(this.matchAccess, object, null);
    this.count(object, -1);
    await this.recordWrite("deleted", deleted, []);
    await keepSight(this.ctx, this.scope, object, deleted);
    await releaseTime(this.ctx, this.scope, object, deleted);
    await keepComments(this.ctx, this.scope, object, deleted, comments);
  }

  /**
   * Brings a tombstone back to life, as it was.
   * @throws EMAIL_EXISTS or CONFLICT when its unique key has been taken since.
   */
  async restore<T extends ObjectType>(tombstone: ObjectDoc<T>): Promise<ObjectDoc<T>> {
    this.requireChangeable(tombstone.type);
    const columns = columnsOf(tombstone.type, tombstone as unknown as NewObject<T>);
    await this.requireFreeKey(tombstone.type, columns.lookupKey, tombstone._id);
    const life = { lifecycle: "live", deletedAt: undefined } as const;
    const object = await this.patch(tombstone, { ...indexColumns(columns), ...life });
    await this.forgetTombstone(tombstone._id);
    await addLinks(this.ctx, object, columns.links);
    await addTerms(this.ctx, object);
    await replaceMatchKeys(this.matchAccess, null, object);
    this.count(object, 1);
    await this.recordWrite("restored", object, []);
    await keepSight(this.ctx, this.scope, tombstone, object);
    return object;
  }

  /** Overwrites what a tombstone still says; the audit entry and the event do not say it either. */
  async blank<T extends ObjectType>(
    tombstone: ObjectDoc<T>,
    properties: Properties<T>,
  ): Promise<void> {
    const { _id, type } = tombstone;
    // Its removal may have been in this transaction, after the caller read it.
    const removed = await this.findDeletedToo(_id);
    if (!removed) throw new Error(`Object ${_id} vanished before it was blanked.`);
    const left = { customProperties: properties, name: "", sortName: "", description: undefined };
    await this.patch(removed, { ...left, erasedAt: Date.now() });
    const happening = { action: eventTypeOf(type, "erased"), objectType: type, objectId: _id };
    const event = { data: { id: _id, type, erased: true } };
    await this.record({ ...happening, changes: [], event });
  }

  /**
   * A figure of a tombstone that is derived from elsewhere, and has changed there: it is right should the
   * object come back to life. Nobody is shown it meanwhile, so its version stays.
   */
  async amendTombstone<T extends ObjectType>(
    tombstone: ObjectDoc<T>,
    derived: Partial<Properties<T>>,
  ): Promise<void> {
    const amended = {
      customProperties: { ...tombstone.customProperties, ...derived },
    } as Partial<ObjectFields>;
    await this.ctx.db.patch("objects", tombstone._id, amended);
    this.memory.wrote(tombstone, { ...tombstone, ...amended });
  }

  /**
   * Makes anew what is derived from an object for being found, where an earlier version derived it by
   * other rules: what the object says, its version and its place in a pull stay. Answers whether anything
   * differed.
   */
  async rederive(object: ObjectDoc): Promise<boolean> {
    const columns = indexColumns(columnsOf(object.type, object));
    const { searchText, lookupKey, documentDate, dueAt } = columns;
    const derived = { searchText, lookupKey, documentDate, dueAt };
    const isOld =
      searchText !== object.searchText ||
      lookupKey !== object.lookupKey ||
      documentDate !== object.documentDate ||
      dueAt !== object.dueAt;
    if (isOld) {
      await this.ctx.db.patch("objects", object._id, derived);
      this.memory.wrote(object, { ...object, ...derived });
    }
    const isCounted = await this.beginSums(object);
    if (definitionOf(object.type).matchKeys === undefined) return isOld || isCounted;
    return (await remakeMatchKeys(this.matchAccess, object)) || isOld || isCounted;
  }

  /** The sums of an object of before its type had any. */
  private async beginSums(object: ObjectDoc): Promise<boolean> {
    if (isSummed(object)) return false;
    const summed = { isSummed: true } as const;
    await this.ctx.db.patch("objects", object._id, summed);
    const present = (await this.findDeletedToo(object._id)) ?? object;
    this.memory.wrote(present, { ...present, ...summed });
    this.recount(object, { ...object, ...summed });
    return true;
  }

  /** Lets devices pull the object once more, as it is: its place among the commits is new, no more. */
  async handOutAgain(object: ObjectDoc): Promise<void> {
    const again = { commitTs: this.ctx.db.vars.commitTs };
    await this.ctx.db.patch("objects", object._id, again);
    this.memory.wrote(object, { ...object, ...again });
  }

  /** Something that happened to an object without changing it, such as an event registration. */
  async recordHappening(object: ObjectDoc, verb: string, details: Value): Promise<void> {
    await this.record({
      action: eventTypeOf(object.type, verb),
      objectType: object.type,
      objectId: object._id,
      changes: [],
      event: { data: eventDataOf(object, details) },
    });
  }

  /** Ends a transaction's writes: call once, after the last of them. */
  async finish(): Promise<void> {
    const deltas = await this.counts.flush(this.ctx, this.organizationId);
    // Chance stands in for a "fold is due" flag, which would be one row that every write reads.
    if (deltas > 0 && Math.random() < 1 / WRITES_PER_FOLD) {
      await this.ctx.scheduler.runAfter(0, internal.maintenance.foldCounts, {});
    }
    await announce(this.ctx, this.organization ?? this.organizationId, this.eventTypes);
    this.eventTypes.clear();
  }

  /** Where phone numbers without a country code are dialled. */
  async phoneRegion(): Promise<Region | null> {
    return phoneRegionOf(await this.settings());
  }

  private get matchAccess(): MatchAccess {
    return {
      ctx: this.ctx,
      regionOf: async () => await this.phoneRegion(),
      first: async (type, matchKey) => await this.firstMatch(type, matchKey),
      changed: (type, matchKey) => {
        this.memory.matched(type, matchKey);
      },
    };
  }

  /** The audit entry and the event of what is no object, such as an attachment. */
  async record(happening: Happening): Promise<Id<"auditLogs">> {
    const entryId = await record(this.ctx, this.scope, happening);
    if (happening.event) this.eventTypes.add(happening.action);
    return entryId;
  }

  /** The object as it is then: what a patch leaves needs not be read again. */
  private async patch<T extends ObjectType>(
    object: ObjectDoc<T>,
    changes: ObjectPatch,
  ): Promise<ObjectDoc<T>> {
    const stamped = {
      ...{ ...changes, ...summedFrom(object.type), ...this.stamp(object) },
    } as Partial<ObjectFields>;
    await this.ctx.db.patch("objects", object._id, stamped);
    const patched = definedOnly({ ...object, ...stamped }) as unknown as ObjectDoc<T>;
    this.memory.wrote(object, patched);
    return patched;
  }

  private stamp(object: ObjectDoc): Stamp {
    return {
      version: object.version + 1,
      updatedAt: Date.now(),
      commitTs: this.ctx.db.vars.commitTs,
      ...this.origin(object),
    };
  }

  /** Since when the object has this content, and whose it is. */
  private origin(before: ObjectDoc | null): Pick<Stamp, "editedAt" | "pushedBy"> {
    if (!this.edit) return { editedAt: Date.now(), pushedBy: undefined };
    const { device, at, editedAt } = this.edit;
    if (!before) return { editedAt, pushedBy: { device, editedAt: at, since: 0 } };
    const known = before.editedAt ?? before.updatedAt;
    const run = before.pushedBy?.device === device ? before.pushedBy : undefined;
    // What an edit entails for other objects, such as a payment for its invoice, may be older than
    // what was written there: it does not make that content older.
    if (!run && editedAt <= known) return { editedAt: known, pushedBy: undefined };
    const latest = Math.max(at, run?.editedAt ?? at);
    return {
      editedAt: Math.max(editedAt, known),
      pushedBy: { device, editedAt: latest, since: run?.since ?? before.version },
    };
  }

  private async forgetTombstone(id: Id<"objects">): Promise<void> {
    const rows = this.ctx.db
      .query("tombstones")
      .withIndex("by_object", (q) => q.eq("objectId", id));
    for (const { _id } of await rows.collect()) await this.ctx.db.delete("tombstones", _id);
  }

  /** A new object with the fields that only the database gives it. */
  private async inserted<T extends ObjectType>(id: Id<"objects">): Promise<ObjectDoc<T>> {
    const object = await this.ctx.db.get("objects", id);
    if (!object) throw new Error(`Object ${id} vanished within its own transaction.`);
    this.memory.wrote(null, object);
    return object as ObjectDoc<T>;
  }

  /** @throws FORBIDDEN when a portal user may only see objects of the type. */
  private requireChangeable(type: ObjectType): void {
    if (this.viewer === undefined || isChangeableByPortal(type)) return;
    throw new ApiError(
      "FORBIDDEN",
      `A portal user may not change a ${objectTypes[type].resource}.`,
    );
  }

  private async requireFreeKey(
    type: ObjectType,
    lookupKey: string | undefined,
    self: Id<"objects"> | null,
  ): Promise<void> {
    const { uniqueKeyIs } = definitionOf(type);
    if (!uniqueKeyIs || lookupKey === undefined) return;
    const holder = await this.findByKey(type, lookupKey);
    if (!holder || holder._id === self) return;
    const { field, message, errorCode } = uniqueKeyIs;
    throw new FieldError(errorCode, message, field, { id: holder._id });
  }

  private count(object: ObjectDoc, sign: 1 | -1): void {
    for (const tally of talliesOf(object)) this.counts.add(tally, sign);
  }

  private recount(before: ObjectDoc, after: ObjectDoc): void {
    if (compareValues(talliesOf(before), talliesOf(after)) === 0) return;
    this.count(before, -1);
    this.count(after, 1);
  }

  /** @param before what the write changes, null of a new object; undefined where that is all the same */
  private async recordWrite(
    verb: string,
    object: ObjectDoc,
    changes: Change[],
    before?: ObjectDoc | null,
  ): Promise<void> {
    const issued = before !== undefined && isIssuing(before, object) ? object : null;
    const entryId = await this.record({
      action: eventTypeOf(object.type, verb),
      objectType: object.type,
      objectId: object._id,
      changes,
      event: before ? changeDataOf(object, before) : { data: eventDataOf(object) },
      awaitsFiles: issued !== null,
    });
    if (issued) await freeze(this.ctx, await this.settings(), issued, entryId);
  }

  /** The tenant itself, read once. */
  async settings(): Promise<Doc<"organizations">> {
    this.organization ??= await organizationOf(this.ctx, this);
    return this.organization;
  }
}

/** What keeps its status changes otherwise; but it does not become once more what it is already. */
function requireTransition(type: ObjectType, from: string, to: string, verb: string): void {
  const { transitions, resource } = definitionOf(type);
  if (transitions === undefined || (from === to && verb !== to)) return;
  const allowed = transitions[from] ?? [];
  if (allowed.includes(to)) return;
  throw new ApiError("INVALID_STATE", `A ${from} ${resource} cannot become ${to}.`, {
    details: { status: from, allowed: [...allowed] },
  });
}
