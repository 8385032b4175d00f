import { z } from "zod";
import type { Id } from "../../_generated/dataModel";
import { ok, readEndpoint } from "../../kit/endpoint";
import { invalid } from "../../kit/errors";
import { time } from "../../kit/money";
import { SYNCED_TYPES, type SyncedDoc, syncRecordOf } from "../../ontology/syncedRecord";
import { cursorOf, type Position, positionAt, positionOf, START } from "../../sync/position";
import { pullPage } from "../../sync/pull";

const tag = "Sync";

const MAX_LIMIT = 1000;

const syncRecord = z
  .object({
    subtype: z.string(),
    name: z.string(),
    description: z.string().nullable().optional(),
    status: z.string(),
    customProperties: z.looseObject({}),
  })
  .meta({ id: "SyncRecord" });

const pulledChange = z
  .object({
    type: z.enum(SYNCED_TYPES),
    id: z.string(),
    clientId: z.string().optional().meta({ description: "As the device that made it calls it." }),
    op: z.enum(["upsert", "delete"]),
    version: z.number().int(),
    updatedAt: z.number(),
    deletedAt: z.number().optional(),
    data: syncRecord.nullable().meta({ description: "Null of what was deleted." }),
  })
  .meta({ id: "PulledChange" });

export const pull = readEndpoint(
  {
    method: "GET",
    path: "/sync/pull",
    tag,
    summary: "Get what has changed",
    description:
      "In the order in which it was committed; deletions too. Begin without parameters for a full copy, then go on with `nextCursor`. The copy is consistent where `hasMore` is false; a page can be short, even empty, with more to come. 410 with `details.resync` when what was deleted since the cursor is no longer known (after 90 days): begin anew.",
    scope: "sync:read",
    query: z.strictObject({
      since: z.string().max(4000).optional().meta({
        description:
          "For a first pull: a time, in milliseconds or ISO 8601. Also takes a `nextCursor`.",
      }),
      cursor: z
        .string()
        .max(4000)
        .optional()
        .meta({ description: "`nextCursor` of the pull before." }),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(MAX_LIMIT)
        .optional()
        .meta({ description: `${MAX_LIMIT} by default.` }),
    }),
    answers: {
      200: z.object({
        changes: z.array(pulledChange),
        nextCursor: z.string(),
        hasMore: z.boolean(),
      }),
    },
    errors: ["GONE"],
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const after = positionAfter(organizationId, query);
    const page = await pullPage(ctx, organizationId, after, query.limit ?? MAX_LIMIT);
    return ok({
      changes: page.rows.map(changeOf),
      nextCursor: cursorOf(organizationId, page.end),
      hasMore: page.hasMore,
    });
  },
);

/** @throws VALIDATION_ERROR for what is neither a cursor nor, as `since`, a time */
function positionAfter(
  organizationId: Id<"organizations">,
  { since, cursor }: { since?: string | undefined; cursor?: string | undefined },
): Position {
  if (cursor !== undefined) return positionOf(organizationId, "cursor", cursor);
  if (since === undefined) return START;
  const at = /^\d+$/.test(since)
    ? Number(since)
    : z.iso.datetime({ offset: true }).safeParse(since).success
      ? Date.parse(since)
      : null;
  if (at === null) return positionOf(organizationId, "since", since);
  if (time.safeParse(at).success) return positionAt(at);
  throw invalid([{ path: "query.since", message: "must be a time" }]);
}

function changeOf(object: SyncedDoc): z.input<typeof pulledChange> {
  const { type, _id: id, clientId, version, updatedAt, deletedAt } = object;
  const isDeleted = object.lifecycle === "deleted";
  return {
    type,
    id,
    ...(clientId === undefined ? {} : { clientId }),
    op: isDeleted ? "delete" : "upsert",
    version,
    updatedAt,
    ...(deletedAt === undefined ? {} : { deletedAt }),
    data: isDeleted ? null : syncRecordOf(object),
  };
}
