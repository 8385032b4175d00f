import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { ApiError, notFound } from "../kit/errors";
import { type Grant, isGrant } from "../kit/scopes";
import { mergeTargetOf } from "../ontology/contactMerge";
import { definitionOf } from "../ontology/derived";
import type { WriteScope } from "../ontology/effects";
import { isOfType } from "../ontology/reader";
import type { CheckedFields, SentRecord, SyncContext, SyncedType } from "../ontology/synced";
import { type SyncedDoc, type SyncedObjectType, syncRecordOf } from "../ontology/syncedRecord";
import { syncedTypes } from "../ontology/syncedTypes";
import { ObjectStore } from "../ontology/store";
import { jobScope } from "../schemas/crmSchemas";
import { isUuid, type PushedChange, resolveReferences } from "./change";
import {
  differingFields,
  editedAtOf,
  overlaid,
  recordConflict,
  requireLivingReferences,
  versionOf,
} from "./conflicts";
import { clientWins, editAt, hasChangedSince, type Written } from "./lastWrite";

/** What has become of a change that was not refused. */
export type Decided = {
  id: Id<"objects">;
  version: number;
  winner?: "client" | "server";
  conflictId?: Id<"conflictLogs">;
};

const decided = v.object({
  id: v.id("objects"),
  version: v.number(),
  winner: v.optional(v.union(v.literal("client"), v.literal("server"))),
  conflictId: v.optional(v.id("conflictLogs")),
});

/** What devices call objects, as far as a push needs to know. */
export type Aliases = Record<string, Id<"objects">>;

/** A push's changes are carried out for this device, by someone who may do so much. */
type Pushing = { device: string; grants: readonly Grant[]; aliases: Aliases; now: number };

/** One nested transaction: each of the changes is decided, or one is refused and none is. */
export const run = internalMutation({
  args: {
    scope: jobScope,
    device: v.string(),
    grants: v.array(v.string()),
    /** JSON text: a caller's keys may be any Unicode. */
    changes: v.string(),
    aliases: v.record(v.string(), v.id("objects")),
  },
  returns: v.array(decided),
  handler: async (ctx, { scope, device, grants, changes, aliases }): Promise<Decided[]> => {
    const store = new ObjectStore(ctx, scope);
    const organization = await ctx.db.get("organizations", scope.organizationId);
    if (!organization) throw new Error(`Organization ${scope.organizationId} is missing.`);
    const context = { ...ctx, store, organization, grants: grants.filter(isGrant) };
    const pushing = { device, grants: context.grants, aliases: { ...aliases }, now: Date.now() };
    const results: Decided[] = [];
    for (const change of JSON.parse(changes) as PushedChange[]) {
      const result = await decide(context, pushing, change);
      await remember(ctx, scope, device, change, result);
      if (change.clientId !== undefined) pushing.aliases[change.clientId] = result.id;
      results.push(result);
    }
    await store.finish();
    return results;
  },
});

/** @throws what the rules of the type refuse, `<RESOURCE>_NOT_FOUND`, GONE */
async function decide(
  context: SyncContext,
  pushing: Pushing,
  change: PushedChange,
): Promise<Decided> {
  const type = syncedTypes[change.type];
  const named = await subjectOf(context, pushing, change);
  const target = named && change.op === "upsert" ? await successorOf(context, named) : null;
  const object = target ?? named;
  const { store } = context;
  store.edit = editAt(pushing.device, change.clientUpdatedAt, pushing.now);
  if (!object) return await create(context, pushing, type, change);
  if (object.erasedAt !== undefined) {
    throw new ApiError("GONE", "The person whom it was about has been erased.");
  }
  return change.op === "delete"
    ? await remove(context, pushing, type, change, object)
    : await update(
        context,
        pushing,
        type,
        target ? withoutBase(change) : change,
        object,
        target !== null,
      );
}

async function create(
  context: SyncContext,
  pushing: Pushing,
  type: SyncedType,
  change: PushedChange,
): Promise<Decided> {
  const { clientId } = change;
  if (change.op === "delete" || clientId === undefined) throw missing(change.type);
  const checked = type.check(resolved(change, type, pushing.aliases), null);
  const twin = await type.twin(context, checked);
  if (twin) return await updateTwin(context, pushing, type, change, twin, checked);
  const { store } = context;
  if (store.edit) store.edit.creates = { type: change.type, clientId };
  const made = await type.create(context, checked);
  await addAlias(context, clientId, made._id);
  return { id: made._id, version: made.version };
}

/** A creation of what there is already becomes an update of that, and is a conflict whoever wins. */
async function updateTwin(
  context: SyncContext,
  pushing: Pushing,
  type: SyncedType,
  change: PushedChange,
  twin: SyncedDoc,
  checked: CheckedFields,
): Promise<Decided> {
  if (change.clientId !== undefined) await addAlias(context, change.clientId, twin._id);
  const wins = clientWins(writtenOf(twin), editOf(context));
  const after = wins ? await type.create(context, checked) : twin;
  const client = wins
    ? syncRecordOf(after)
    : overlaid(twin, resolved(change, type, pushing.aliases));
  return await clash(context, pushing, change, { before: twin, after, wins, client });
}

async function update(
  context: SyncContext,
  pushing: Pushing,
  type: SyncedType,
  change: PushedChange,
  object: SyncedDoc,
  isForAnother: boolean,
): Promise<Decided> {
  const sent = resolved(change, type, pushing.aliases);
  const checked = type.check(sent, object);
  const wins = clientWins(writtenOf(object), editOf(context));
  const isDeleted = object.lifecycle === "deleted";
  const present = wins && isDeleted ? await context.store.restore(object) : object;
  const after = wins ? await type.change(context, present, checked) : object;
  if (present !== object) await requireLivingReferences(context, after);
  const client = wins ? syncRecordOf(after) : overlaid(object, sent);
  const outcome = { before: object, after, wins, client };
  return isForAnother
    ? await clash(context, pushing, change, outcome)
    : await settled(context, pushing, change, outcome);
}

async function remove(
  context: SyncContext,
  pushing: Pushing,
  type: SyncedType,
  change: PushedChange,
  object: SyncedDoc,
): Promise<Decided> {
  if (object.lifecycle === "deleted") return { id: object._id, version: object.version };
  const wins = clientWins(writtenOf(object), editOf(context));
  if (wins) await type.remove(context, object);
  const after = wins ? { ...object, version: object.version + 1 } : object;
  return await settled(context, pushing, change, { before: object, after, wins, client: null });
}

type Outcome = {
  before: SyncedDoc;
  after: SyncedDoc;
  wins: boolean;
  client: ReturnType<typeof syncRecordOf> | null;
};

/** A change that was made knowing what there was is no conflict, unless it lost all the same. */
async function settled(
  context: SyncContext,
  pushing: Pushing,
  change: PushedChange,
  outcome: Outcome,
): Promise<Decided> {
  const { before, after, wins } = outcome;
  const isBlind = hasChangedSince(writtenOf(before), change.baseVersion, editOf(context));
  if (wins && !isBlind) return { id: after._id, version: after.version };
  return await clash(context, pushing, change, outcome);
}

async function clash(
  context: SyncContext,
  { device }: Pushing,
  change: PushedChange,
  { before, after, wins, client }: Outcome,
): Promise<Decided> {
  const server = versionOf(before);
  const fields = differingFields(server.data, client);
  const winner = wins ? "client" : "server";
  const outcome = { id: after._id, version: after.version };
  if (fields.length === 0) return outcome;
  const { changeId, baseVersion, clientUpdatedAt } = change;
  const conflictId = await recordConflict(context, context.store.scope, {
    ...{ object: after, device, changeId, baseVersion, clientUpdatedAt, winner, server, fields },
    client: {
      version: wins ? after.version : null,
      editedAt: editOf(context).editedAt,
      data: client,
    },
  });
  return { ...outcome, winner, conflictId };
}

/** The object that a change names, deleted or not; null for one that the device has just made. */
async function subjectOf(
  { db, store }: SyncContext,
  { aliases }: Pushing,
  { id, clientId, type }: PushedChange,
): Promise<SyncedDoc | null> {
  const alias = clientId === undefined ? undefined : aliases[clientId];
  if (id === undefined && alias === undefined) return null;
  const objectId = id === undefined ? alias : db.normalizeId("objects", id);
  const object = objectId ? await db.get("objects", objectId) : null;
  const isOurs = object?.organizationId === store.organizationId;
  if (!object || !isOurs || !isOfType(object, type)) throw missing(type);
  return object;
}

/** A contact that was merged into another goes on as that one; what is said of it is said there. */
async function successorOf(context: SyncContext, object: SyncedDoc): Promise<SyncedDoc | null> {
  const isGone = object.lifecycle === "deleted" && object.erasedAt === undefined;
  return isGone && isOfType(object, "crm_contact") ? await mergeTargetOf(context, object) : null;
}

/** The version that a device knew of one object says nothing of another. */
function withoutBase({ baseVersion: _version, ...change }: PushedChange): PushedChange {
  return change;
}

/** @throws REFERENCE_NOT_FOUND for a `clientId` that no push has made anything of yet */
function resolved(change: PushedChange, { references }: SyncedType, aliases: Aliases): SentRecord {
  return resolveReferences(change.data ?? {}, references, (value, path) => {
    if (!isUuid(value)) return value;
    const id = aliases[value];
    if (id !== undefined) return id;
    const message = "Nothing has been pushed under the clientId that it refers to.";
    throw new ApiError("NOT_FOUND", message, {
      as: "REFERENCE_NOT_FOUND",
      details: { path: `data.customProperties.${path}`, clientId: value },
    });
  });
}

async function addAlias(
  { db, store }: SyncContext,
  clientId: string,
  objectId: Id<"objects">,
): Promise<void> {
  const { organizationId } = store;
  await db.insert("clientIds", { organizationId, clientId, objectId });
}

async function remember(
  ctx: MutationCtx,
  { organizationId }: Pick<WriteScope, "organizationId">,
  device: string,
  { changeId }: PushedChange,
  { id: objectId, ...result }: Decided,
): Promise<void> {
  const decidedAt = Date.now();
  const row = { organizationId, device, changeId, objectId, decidedAt };
  await ctx.db.insert("syncedChanges", { ...row, ...result });
}

function editOf({ store }: SyncContext): NonNullable<ObjectStore["edit"]> {
  if (!store.edit) throw new Error("A change is carried out without its edit.");
  return store.edit;
}

function writtenOf(object: SyncedDoc): Written {
  const { version, pushedBy } = object;
  return { version, editedAt: editedAtOf(object), pushedBy };
}

function missing(type: SyncedObjectType): ApiError {
  return notFound(definitionOf(type).resource);
}
