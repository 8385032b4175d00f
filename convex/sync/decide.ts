import type { Id } from "../_generated/dataModel";
import { ApiError } from "../kit/errors";
import type { CheckedFields, SentRecord, SyncContext, SyncedType } from "../ontology/synced";
import { type SyncedDoc, syncRecordOf } from "../ontology/syncedRecord";
import { syncedTypes } from "../ontology/syncedTypes";
import { restoreRecord } from "../ontology/records";
import type { ObjectStore } from "../ontology/store";
import type { PushedChange } from "./change";
import {
  differingFields,
  editedAtOf,
  overlaid,
  recordConflict,
  requireLivingReferences,
  versionOf,
} from "./conflicts";
import { clientWins, editAt, hasChangedSince, type Written } from "./lastWrite";
import { type Aliases, missing, resolved, subjectOf, successorOf } from "./naming";

/** What has become of a change that was not refused. */
export type Decided = {
  id: Id<"objects">;
  version: number;
  winner?: "client" | "server";
  conflictId?: Id<"conflictLogs">;
};

/** A push's changes are carried out for this device, and what it calls things by then. */
export type Pushing = { device: string; aliases: Aliases; now: number };

/**
 * Carries out one change, or has it lose against what is there.
 * @throws what the rules of the type refuse, `<RESOURCE>_NOT_FOUND`, GONE
 */
export async function decide(
  context: SyncContext,
  pushing: Pushing,
  change: PushedChange,
): Promise<Decided> {
  const type = syncedTypes[change.type];
  const named = await subjectOf(context, pushing.aliases, change);
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
  const sent = await resolved(context, pushing.aliases, change, type.references);
  const checked = type.check(sent, null, context.organization.timeZone);
  const twin = await type.twin(context, checked);
  if (twin) return await updateTwin(context, pushing, type, change, twin, { sent, checked });
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
  { sent, checked }: { sent: SentRecord; checked: CheckedFields },
): Promise<Decided> {
  if (change.clientId !== undefined) await addAlias(context, change.clientId, twin._id);
  const wins = clientWins(writtenOf(twin), editOf(context));
  const after = wins ? await type.create(context, checked) : twin;
  const client = wins ? syncRecordOf(after) : overlaid(twin, sent);
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
  const sent = await resolved(context, pushing.aliases, change, type.references);
  const checked = type.check(sent, object, context.organization.timeZone);
  const wins = clientWins(writtenOf(object), editOf(context));
  const isDeleted = object.lifecycle === "deleted";
  const by = { ctx: context, store: context.store };
  const present = wins && isDeleted ? await restoreRecord(by, object) : object;
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

type Settlement = {
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
  settlement: Settlement,
): Promise<Decided> {
  const { before, after, wins } = settlement;
  const known = { baseVersion: change.baseVersion, isOwnOnly: change.id === undefined };
  const isBlind = hasChangedSince(writtenOf(before), known, editOf(context));
  if (wins && !isBlind) return { id: after._id, version: after.version };
  return await clash(context, pushing, change, settlement);
}

async function clash(
  context: SyncContext,
  { device }: Pushing,
  change: PushedChange,
  { before, after, wins, client }: Settlement,
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

/** The version that a device knew of one object says nothing of another. */
function withoutBase({ baseVersion: _version, ...change }: PushedChange): PushedChange {
  return change;
}

async function addAlias(
  { db, store }: SyncContext,
  clientId: string,
  objectId: Id<"objects">,
): Promise<void> {
  const { organizationId } = store;
  await db.insert("clientIds", { organizationId, clientId, objectId });
}

function editOf({ store }: SyncContext): NonNullable<ObjectStore["edit"]> {
  if (!store.edit) throw new Error("A change is carried out without its edit.");
  return store.edit;
}

function writtenOf(object: SyncedDoc): Written {
  const { version, pushedBy } = object;
  return { version, editedAt: editedAtOf(object), pushedBy };
}
