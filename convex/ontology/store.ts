import { compareValues, type Value } from "convex/values";
import type { WithoutSystemFields } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { internal } from "../_generated/api";
import { ApiError } from "../kit/errors";
import { CountBuffer, DELTAS_PER_FOLD, groupOf } from "./counts";
import type { ObjectColumns, ObjectTypeDefinition } from "./definition";
import { type Change, record, type WriteScope } from "./effects";
import { TenantReader } from "./reader";
import {
  objectTypes,
  type ObjectDoc,
  type ObjectType,
  type Properties,
  type Status,
  type Subtype,
} from "./registry";

/** What a caller decides of a new object; the rest is derived. */
export type NewObject<T extends ObjectType> = {
  subtype: Subtype<T>;
  status: Status<T>;
  description?: string;
  customProperties: Properties<T>;
};

/** Given fields change; in `customProperties`, an explicit `undefined` removes. */
export type ObjectChanges<T extends ObjectType> = Partial<
  Omit<NewObject<T>, "customProperties"> & { customProperties: Partial<Properties<T>> }
>;

type ObjectFields = WithoutSystemFields<Doc<"objects">>;
type LinkTarget = ObjectColumns["links"][number];

/**
 * The only writer of business objects. Every write stamps version, times and commit timestamp,
 * derives the index columns from the type, keeps links and counts in step, and leaves an audit
 * entry and an event, all in the caller's transaction.
 */
export class ObjectStore extends TenantReader {
  private readonly counts = new CountBuffer();

  constructor(
    protected override readonly ctx: MutationCtx,
    readonly scope: WriteScope,
  ) {
    super(ctx, scope.organizationId);
  }

  /** @throws EMAIL_EXISTS or CONFLICT when the type's unique key is taken. */
  async insert<T extends ObjectType>(type: T, input: NewObject<T>): Promise<ObjectDoc<T>> {
    const now = Date.now();
    const columns = columnsOf(type, input);
    await this.requireFreeKey(type, columns.lookupKey, null);
    const id = await this.ctx.db.insert("objects", {
      ...input,
      ...indexColumns(columns),
      organizationId: this.organizationId,
      type,
      lifecycle: "live",
      version: 1,
      createdBy: this.scope.actor.id,
      createdAt: now,
      updatedAt: now,
      commitTs: this.ctx.db.vars.commitTs,
    } as ObjectFields);
    const object = await this.written<T>(id);
    await this.addLinks(object, columns.links);
    this.count(object, 1);
    await this.recordWrite("created", object, changesBetween({}, auditedFields(object)));
    return object;
  }

  /**
   * Applies the changes; an update that changes nothing writes nothing and keeps the version.
   * @throws INVALID_STATE for a status that must not follow the present one; EMAIL_EXISTS or CONFLICT when the type's unique key is taken.
   */
  async update<T extends ObjectType>(
    object: ObjectDoc<T>,
    changes: ObjectChanges<T>,
  ): Promise<ObjectDoc<T>> {
    const type = object.type;
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

    requireTransition(type, object.status, next.status);
    if (columns.lookupKey !== object.lookupKey) {
      await this.requireFreeKey(type, columns.lookupKey, object._id);
    }
    await this.ctx.db.patch("objects", object._id, {
      ...next,
      ...indexColumns(columns),
      ...this.stamp(object),
    } as Partial<ObjectFields>);
    const updated = await this.written<T>(object._id);
    await this.replaceLinks(object, columns.links);
    this.count(object, -1);
    this.count(updated, 1);
    await this.recordWrite("updated", updated, audited);
    return updated;
  }

  /**
   * Leaves a tombstone, which lists and gets no longer show and sync still delivers.
   * @throws CONFLICT with the links when living objects point to it.
   */
  async remove<T extends ObjectType>(object: ObjectDoc<T>): Promise<void> {
    await this.requireUnreferenced(object);
    await this.ctx.db.patch("objects", object._id, {
      lifecycle: "deleted",
      deletedAt: Date.now(),
      searchText: "",
      lookupKey: undefined,
      ...this.stamp(object),
    });
    await this.replaceLinks(object, []);
    this.count(object, -1);
    await this.recordWrite("deleted", await this.written<T>(object._id), []);
  }

  /** Something that happened to an object without changing it, such as an event registration. */
  async recordHappening(object: ObjectDoc, verb: string, details: Value): Promise<void> {
    await record(this.ctx, this.scope, {
      action: eventType(object.type, verb),
      objectType: object.type,
      objectId: object._id,
      changes: [],
      event: { data: { ...eventData(object), details } },
    });
  }

  /** Ends a transaction's writes: call once, after the last of them. */
  async finish(): Promise<void> {
    const deltas = await this.counts.flush(this.ctx, this.organizationId);
    // Chance stands in for a "fold is due" flag, which would be one row that every write reads.
    if (deltas > 0 && Math.random() < deltas / DELTAS_PER_FOLD) {
      await this.ctx.scheduler.runAfter(0, internal.maintenance.foldCounts, {});
    }
  }

  private stamp(object: ObjectDoc): Pick<ObjectFields, "version" | "updatedAt" | "commitTs"> {
    return {
      version: object.version + 1,
      updatedAt: Date.now(),
      commitTs: this.ctx.db.vars.commitTs,
    };
  }

  private async written<T extends ObjectType>(id: Id<"objects">): Promise<ObjectDoc<T>> {
    const object = await this.ctx.db.get("objects", id);
    if (!object) throw new Error(`Object ${id} vanished within its own transaction.`);
    return object as ObjectDoc<T>;
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
    const { path, message, errorCode } = uniqueKeyIs;
    throw new ApiError(errorCode, message, { details: { path, id: holder._id } });
  }

  private async requireUnreferenced(object: ObjectDoc): Promise<void> {
    const links = await this.ctx.db
      .query("objectLinks")
      .withIndex("by_to", (q) => q.eq("organizationId", this.organizationId).eq("to", object._id))
      .take(20);
    if (links.length === 0) return;
    throw new ApiError("CONFLICT", "Other objects point to it; unlink or delete those first.", {
      details: {
        links: links.map(({ from, fromType, linkType }) => ({
          id: from,
          type: fromType,
          linkType,
        })),
      },
    });
  }

  private async addLinks(object: ObjectDoc, links: LinkTarget[]): Promise<void> {
    for (const link of links) {
      await this.ctx.db.insert("objectLinks", {
        organizationId: this.organizationId,
        from: object._id,
        fromType: object.type,
        ...link,
      });
    }
  }

  private async replaceLinks(object: ObjectDoc, links: LinkTarget[]): Promise<void> {
    if (compareValues(linksOf(object), links) === 0) return;
    const stored = await this.ctx.db
      .query("objectLinks")
      .withIndex("by_from", (q) =>
        q.eq("organizationId", this.organizationId).eq("from", object._id),
      )
      .collect();
    for (const link of stored) await this.ctx.db.delete("objectLinks", link._id);
    await this.addLinks(object, links);
  }

  private count(object: ObjectDoc, delta: 1 | -1): void {
    const { type, status, subtype, facet, parentId } = object;
    const cell = { status, subtype, ...(facet === undefined ? {} : { facet }) };
    this.counts.add(groupOf(type), cell, delta);
    if (parentId !== undefined) this.counts.add(groupOf(type, parentId), cell, delta);
  }

  private async recordWrite(verb: string, object: ObjectDoc, changes: Change[]): Promise<void> {
    const previous = Object.fromEntries(changes.map(({ field, before }) => [field, before]));
    await record(this.ctx, this.scope, {
      action: eventType(object.type, verb),
      objectType: object.type,
      objectId: object._id,
      changes,
      event: {
        data: eventData(object),
        ...(verb === "updated" ? { previous: definedOnly(previous) } : {}),
      },
    });
  }
}

/** The registry's entry without its exact type: what is generic over all types works on this. */
function definitionOf(type: ObjectType): ObjectTypeDefinition {
  return objectTypes[type];
}

function requireTransition(type: ObjectType, from: string, to: string): void {
  const { transitions, resource } = definitionOf(type);
  if (from === to || transitions === undefined) return;
  const allowed = transitions[from] ?? [];
  if (allowed.includes(to)) return;
  throw new ApiError("INVALID_STATE", `A ${from} ${resource} cannot become ${to}.`, {
    details: { status: from, allowed: [...allowed] },
  });
}

function columnsOf<T extends ObjectType>(type: T, input: NewObject<T>): ObjectColumns {
  return definitionOf(type).columns(input);
}

function linksOf(object: ObjectDoc): LinkTarget[] {
  return definitionOf(object.type).columns(object).links;
}

function indexColumns(
  columns: ObjectColumns,
): Pick<ObjectFields, "name" | "sortName" | "searchText" | "lookupKey" | "facet" | "parentId"> {
  const { name, searchText, lookupKey, facet, parentId } = columns;
  return { name, sortName: name.toLowerCase(), searchText, lookupKey, facet, parentId };
}

function eventType(type: ObjectType, verb: string): string {
  return `${definitionOf(type).resource.replaceAll(" ", "_")}.${verb}`;
}

function eventData(object: ObjectDoc): { [field: string]: Value } {
  const { _id, type, version, createdAt, updatedAt, deletedAt } = object;
  const identity = { id: _id, type, version, createdAt, updatedAt, deletedAt };
  return definedOnly({ ...identity, ...auditedFields(object) });
}

/** What an audit entry compares: everything that a caller can change, property by property. */
function auditedFields(
  object: Pick<ObjectDoc, "name" | "subtype" | "status" | "description" | "customProperties">,
): Record<string, Value> {
  const { name, subtype, status, description, customProperties } = object;
  return definedOnly({ name, subtype, status, description, ...customProperties });
}

function changesBetween(before: Record<string, Value>, after: Record<string, Value>): Change[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields]
    .filter((field) => compareValues(before[field], after[field]) !== 0)
    .map((field) => definedOnly({ field, before: before[field], after: after[field] }) as Change);
}

function definedOnly(fields: Record<string, Value | undefined>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}
