import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { definitionOf } from "../ontology/derived";
import type { WriteScope } from "../ontology/effects";
import { fieldsOf, isSame, type SentRecord } from "../ontology/synced";
import { type SyncedDoc, type SyncRecord, syncRecordOf } from "../ontology/syncedRecord";

/** One side of a conflict, whole; `data` is null of a side that deleted the object. */
export type ConflictVersion = {
  version: number | null;
  editedAt: number;
  data: SyncRecord | null;
};
export type Conflict = Doc<"conflictLogs">;

export function versionOf(object: SyncedDoc): ConflictVersion {
  const { version, lifecycle } = object;
  const data = lifecycle === "deleted" ? null : syncRecordOf(object);
  return { version, editedAt: editedAtOf(object), data };
}

/** Rows from before there was sync were last edited when they were last written. */
export function editedAtOf({ editedAt, updatedAt }: SyncedDoc): number {
  return editedAt ?? updatedAt;
}

/** What the object would be had the device's change won: what it sent, over what there is. */
export function overlaid(object: SyncedDoc, sent: SentRecord): SyncRecord {
  const present = syncRecordOf(object);
  const { customProperties, name: _name, ...fields } = sent;
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const properties = { ...present.customProperties, ...customProperties };
  const kept = Object.entries(properties).filter(([, value]) => value !== null);
  return {
    ...present,
    ...(Object.fromEntries(given) as Partial<SyncRecord>),
    customProperties: Object.fromEntries(kept),
  };
}

/** The fields in which two versions differ; all of them where one side is deleted. */
export function differingFields(a: SyncRecord | null, b: SyncRecord | null): string[] {
  if (!a || !b) return a === b ? [] : ["deletedAt"];
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  const fields = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...fields].filter((field) => !isSame(left[field], right[field])).sort();
}

export type Clash = {
  object: SyncedDoc;
  device: string;
  changeId: string;
  baseVersion: number | undefined;
  clientUpdatedAt: number;
  winner: "client" | "server";
  server: ConflictVersion;
  client: ConflictVersion;
  fields: string[];
};

export async function recordConflict(
  ctx: MutationCtx,
  { organizationId, actor }: WriteScope,
  { object, baseVersion, server, client, ...clash }: Clash,
): Promise<Id<"conflictLogs">> {
  return await ctx.db.insert("conflictLogs", {
    ...clash,
    organizationId,
    actor,
    at: Date.now(),
    objectId: object._id,
    objectType: object.type,
    version: object.version,
    server: JSON.stringify(server),
    client: JSON.stringify(client),
    ...(baseVersion === undefined ? {} : { baseVersion }),
  });
}

export function versionIn(conflict: Conflict, side: "server" | "client"): ConflictVersion {
  return JSON.parse(conflict[side]) as ConflictVersion;
}

/** What comes back must not belong to what is gone. @throws CONFLICT with the ids */
export async function requireLivingReferences({ db }: QueryCtx, object: SyncedDoc): Promise<void> {
  const gone: string[] = [];
  for (const { to } of definitionOf(object.type).columns(object).links) {
    const target = await db.get("objects", to);
    if (!target || target.lifecycle === "deleted") gone.push(to);
  }
  if (gone.length === 0) return;
  const message = "It cannot come back: what it belongs to is deleted.";
  throw new ApiError("CONFLICT", message, { details: { deleted: gone } });
}
