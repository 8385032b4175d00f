import * as z from "zod";
import { SYNCED_TYPES, type SyncedObjectType } from "../ontology/syncedRecord";
import { type Conflict, versionIn } from "./conflicts";
import { once } from "../kit/once";

/** Records and conflicts as devices see them. */

export const syncRecord = once(() =>
  z
    .object({
      subtype: z.string(),
      name: z.string(),
      description: z.string().nullable().optional(),
      status: z.string(),
      customProperties: z.looseObject({}),
    })
    .meta({ id: "SyncRecord" }),
);

const conflictVersion = once(() =>
  z
    .object({
      version: z
        .number()
        .int()
        .nullable()
        .meta({ description: "Null of one that was not written." }),
      editedAt: z.number(),
      data: syncRecord().nullable().meta({ description: "Null of one that deleted the object." }),
    })
    .meta({ id: "ConflictVersion" }),
);

export const conflictRecord = once(() =>
  z
    .object({
      id: z.string(),
      type: z.enum(SYNCED_TYPES),
      objectId: z.string(),
      changeId: z.string(),
      at: z.number(),
      actor: z.object({ type: z.string(), id: z.string(), name: z.string() }),
      winner: z.enum(["client", "server"]),
      server: conflictVersion(),
      client: conflictVersion(),
      fields: z.array(z.string()).meta({ description: "In which the versions differ." }),
      baseVersion: z.number().int().nullable(),
      clientUpdatedAt: z.number(),
      version: z
        .number()
        .int()
        .meta({ description: "The object's, once the conflict was decided." }),
      resolvedAt: z.number().nullable(),
      resolution: z.enum(["server", "client", "fields"]).nullable(),
    })
    .meta({ id: "Conflict" }),
);

export function conflictView(conflict: Conflict): z.input<ReturnType<typeof conflictRecord>> {
  const { _id: id, objectId, changeId, at, actor, winner, fields } = conflict;
  const { clientUpdatedAt, version, baseVersion, resolvedAt, resolution } = conflict;
  return {
    id,
    type: conflict.objectType as SyncedObjectType,
    objectId,
    changeId,
    at,
    actor,
    winner,
    server: versionIn(conflict, "server"),
    client: versionIn(conflict, "client"),
    fields,
    baseVersion: baseVersion ?? null,
    clientUpdatedAt,
    version,
    resolvedAt: resolvedAt ?? null,
    resolution: resolution ?? null,
  };
}
