import { ApiError } from "../kit/errors";
import { entityTag, requireVersion } from "../kit/version";
import { record } from "../ontology/effects";
import { restoreRecord } from "../ontology/records";
import type { SentRecord, SyncContext } from "../ontology/synced";
import { isSynced, type SyncedDoc, type SyncRecord, syncRecordOf } from "../ontology/syncedRecord";
import { syncedTypes } from "../ontology/syncedTypes";
import { type Conflict, requireLivingReferences, versionIn } from "./conflicts";

/** Which version is to stand, or the fields of one that is made of both. */
export type Resolution = { keep: "server" | "client" } | { fields: SentRecord };

/**
 * Writes what was decided by hand, through the rules of the type, as anybody's present write.
 * Without `If-Match` the object must be as the conflict left it, so that nothing newer is lost.
 * @throws INVALID_STATE for a conflict that is resolved; VERSION_MISMATCH; GONE; what the type refuses
 */
export async function resolveConflict(
  context: SyncContext,
  conflict: Conflict,
  resolution: Resolution,
  ifMatch: string | undefined,
): Promise<{ conflict: Conflict; object: SyncedDoc }> {
  if (conflict.resolvedAt !== undefined) {
    throw new ApiError("INVALID_STATE", "The conflict has been resolved already.", {
      details: { status: "resolved", allowed: ["open"] },
    });
  }
  const object = await context.db.get("objects", conflict.objectId);
  if (!object || !isSynced(object) || object.erasedAt !== undefined) {
    throw new ApiError("GONE", "What the conflict was about is no longer kept.");
  }
  requireVersion(ifMatch ?? entityTag(conflict.version), object.version);
  const after = await written(context, conflict, object, resolution);
  const resolvedAt = Date.now();
  const kept = "keep" in resolution ? resolution.keep : "fields";
  await context.db.patch("conflictLogs", conflict._id, { resolvedAt, resolution: kept });
  await record(context, context.store.scope, {
    action: "conflict.resolved",
    objectType: "conflict",
    objectId: conflict._id,
    changes: [{ field: "resolution", after: kept }],
  });
  return { conflict: { ...conflict, resolvedAt, resolution: kept }, object: after };
}

async function written(
  context: SyncContext,
  conflict: Conflict,
  object: SyncedDoc,
  resolution: Resolution,
): Promise<SyncedDoc> {
  const type = syncedTypes[object.type];
  const isDeleted = object.lifecycle === "deleted";
  const wanted = wantedOf(object, conflict, resolution);
  if (wanted === null) {
    if (!isDeleted) await type.remove(context, object);
    return isDeleted ? object : { ...object, version: object.version + 1 };
  }
  const checked = type.check(wanted, object, context.organization.timeZone);
  const by = { ctx: context, store: context.store };
  const present = isDeleted ? await restoreRecord(by, object) : object;
  const after = await type.change(context, present, checked);
  if (isDeleted) await requireLivingReferences(context, after);
  return after;
}

function wantedOf(
  object: SyncedDoc,
  conflict: Conflict,
  resolution: Resolution,
): SentRecord | null {
  if ("fields" in resolution) return resolution.fields;
  const { data } = versionIn(conflict, resolution.keep);
  return data && whole(object, data);
}

/** A version as a whole: what it does not have, the object is not to have either. */
function whole(object: SyncedDoc, version: SyncRecord): SentRecord {
  const present = Object.keys(syncRecordOf(object).customProperties);
  const cleared = Object.fromEntries(present.map((field) => [field, null]));
  return { ...version, customProperties: { ...cleared, ...version.customProperties } };
}
