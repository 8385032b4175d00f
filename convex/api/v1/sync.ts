import * as z from "zod";
import type { Id } from "../../_generated/dataModel";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { SYNCED_TYPES, syncRecordOf } from "../../ontology/syncedRecord";
import { pushedChange } from "../../sync/change";
import { conflictRecord, conflictView, syncRecord } from "../../sync/conflictView";
import { type Position, START } from "../../ontology/commitOrder";
import { devicesOf } from "../../sync/devices";
import { feedSince } from "../../kit/time";
import { cursorOf, positionAt, positionOf } from "../../sync/position";
import { isBefore, latestCommit, type PulledRow, pullPage } from "../../sync/pull";
import { push as pushChanges, pusherOf } from "../../sync/push";
import { once } from "../../kit/once";

const tag = "Sync";

const MAX_LIMIT = 1000;

const pulledChange = once(() =>
  z
    .object({
      type: z.enum(SYNCED_TYPES),
      id: z.string(),
      clientId: z.string().optional().meta({ description: "As the device that made it calls it." }),
      op: z.enum(["upsert", "delete", "remove"]).meta({
        description: "`remove`: it is there, but not for this member any more; forget it.",
      }),
      version: z.number().int().optional().meta({ description: "Not of what is to be forgotten." }),
      updatedAt: z.number().optional(),
      deletedAt: z.number().optional(),
      data: syncRecord()
        .nullable()
        .meta({ description: "Null of what was deleted or is to be forgotten." }),
    })
    .meta({ id: "PulledChange" }),
);

export const pull = readEndpoint(
  {
    method: "GET",
    path: "/sync/pull",
    tag,
    summary: "Get what has changed",
    description:
      "In the order in which it was committed; deletions too. Of projects and what belongs to them a member gets what they see: what becomes visible comes again, what does not any more comes once as `remove`. Begin without parameters for a full copy, then go on with `nextCursor`. The copy is consistent where `hasMore` is false; a page can be short, even empty, with more to come. 410 with `details.resync` when what was deleted since the cursor is no longer known (after 90 days): begin anew.",
    scope: "sync:read",
    notesPull: true,
    query: () =>
      z.strictObject({
        since: z
          .union([feedSince(), z.string().max(4000)])
          .optional()
          .meta({
            description:
              "For a first pull: a time, in milliseconds or ISO 8601; a date is that day of the organization's time zone. Also takes a `nextCursor`.",
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
      200: () =>
        z.object({
          changes: z.array(pulledChange()),
          nextCursor: z.string(),
          hasMore: z.boolean(),
        }),
    },
    errors: ["GONE"],
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const after = positionAfter(organizationId, query);
    const page = await pullPage(ctx, ctx.caller, after, query.limit ?? MAX_LIMIT);
    return ok({
      changes: page.rows.map(changeOf),
      nextCursor: cursorOf(organizationId, page.end),
      hasMore: page.hasMore,
    });
  },
);

const MAX_CHANGES = 200;

const pushResult = once(() =>
  z
    .object({
      changeId: z.string(),
      status: z.enum(["applied", "conflict", "refused", "duplicate"]),
      id: z.string().optional(),
      version: z.number().int().optional(),
      winner: z.enum(["client", "server"]).optional(),
      conflictId: z.string().optional(),
      error: z.object({ code: z.string(), message: z.string(), details: z.unknown() }).optional(),
    })
    .meta({ id: "PushResult" }),
);

const pushBody = once(() =>
  z.strictObject({
    deviceId: z.string().trim().min(1).max(100),
    changes: z
      .array(z.looseObject({ changeId: z.string().min(1).max(100) }))
      .max(MAX_CHANGES, `must have at most ${MAX_CHANGES} changes`),
  }),
);

export const push = writeEndpoint(
  {
    method: "POST",
    path: "/sync/push",
    tag,
    summary: "Send what was changed",
    description: `Up to ${MAX_CHANGES} changes, each applied or refused for itself, in one transaction. What was applied before is answered as a duplicate; what was refused can be sent again. The later edit wins (\`clientUpdatedAt\`, cut to five minutes ahead of the server's clock); where the object changed since \`baseVersion\`, a conflict keeps both versions. \`data\` is the ontology record: fields that are absent stay as they are, null clears. An integration pushes under a \`deviceId\` of its own choosing; a person's device must be activated.`,
    scope: "sync:write",
    body: pushBody,
    bodyLimit: 8 * 1024 * 1024,
    documentedBody: () => pushBody().extend({ changes: z.array(pushedChange()).max(MAX_CHANGES) }),
    example: {
      deviceId: "pixel-9-jonas",
      changes: [
        {
          changeId: "2f1c7a90-0001",
          op: "upsert",
          type: "crm_contact",
          clientId: "0c9e4a2e-8d4f-4a52-9a3e-6a3f2c1b0d01",
          clientUpdatedAt: "2026-10-14T08:30:00Z",
          data: {
            subtype: "lead",
            customProperties: { firstName: "Milan", lastName: "Novák" },
          },
        },
      ],
    },
    answers: {
      200: () =>
        z.object({
          results: z.array(pushResult()).meta({ description: "In the order of the changes." }),
          applied: z.number().int(),
          conflicts: z.array(conflictRecord()),
        }),
    },
    errors: ["NOT_FOUND", "FORBIDDEN"],
  },
  async (ctx, { body }) => {
    const { caller, scope } = ctx;
    const pusher = await pusherOf(ctx, caller, body.deviceId);
    const results = await pushChanges(
      ctx,
      scope,
      caller,
      pusher,
      body.changes,
      ctx.organization.timeZone,
    );
    const ids = results.flatMap(({ status, conflictId }) =>
      status === "conflict" && conflictId ? [conflictId] : [],
    );
    const conflicts = await Promise.all(ids.map((id) => ctx.store.own("conflictLogs", id)));
    const isApplied = ({ status, winner }: (typeof results)[number]): boolean =>
      status === "applied" || (status === "conflict" && winner === "client");
    return ok({
      results,
      applied: results.filter(isApplied).length,
      conflicts: conflicts.map(conflictView),
    });
  },
);

const standing = once(() =>
  z.object({
    cursor: z.string().meta({ description: "Where the changes end at present." }),
    pending: z.boolean().nullable().meta({ description: "Null without `cursor`." }),
    devices: z.array(
      z.object({
        id: z.string(),
        deviceId: z.string(),
        name: z.string(),
        lastSeenAt: z.number(),
        lastPushAt: z.number().nullable(),
        lastPullAt: z.number().nullable(),
      }),
    ),
  }),
);

export const status = readEndpoint(
  {
    method: "GET",
    path: "/sync/status",
    tag,
    summary: "Get where sync stands",
    description:
      "The server's clock, by which a device corrects its own; whether there is something to pull after `cursor`; the caller's devices.",
    scope: "sync:read",
    query: () => z.strictObject({ cursor: z.string().max(4000).optional() }),
    answers: { 200: () => standing().extend({ serverTime: z.number() }) },
    finishes: "serverTime",
  },
  async (ctx, { query }) => {
    const { caller } = ctx;
    const { organizationId } = caller;
    const latest = await latestCommit(ctx, organizationId);
    const known =
      query.cursor === undefined ? null : positionOf(organizationId, "cursor", query.cursor);
    const devices = caller.kind === "user" ? await devicesOf(ctx, caller) : [];
    return ok({
      cursor: cursorOf(organizationId, latest),
      pending: known && isBefore(known, latest),
      devices: devices.map(({ _id, deviceId, name, lastSeenAt, lastPushAt, lastPullAt }) => ({
        id: _id,
        deviceId,
        name,
        lastSeenAt,
        lastPushAt: lastPushAt ?? null,
        lastPullAt: lastPullAt ?? null,
      })),
    });
  },
);

/** @throws VALIDATION_ERROR for what is neither a cursor nor, as `since`, a time */
function positionAfter(
  organizationId: Id<"organizations">,
  { since, cursor }: { since?: string | number | undefined; cursor?: string | undefined },
): Position {
  if (cursor !== undefined) return positionOf(organizationId, "cursor", cursor);
  if (since === undefined) return START;
  return typeof since === "number" ? positionAt(since) : positionOf(organizationId, "since", since);
}

function changeOf({ object, isSeen }: PulledRow): z.input<ReturnType<typeof pulledChange>> {
  const { type, _id: id, clientId, version, updatedAt, deletedAt } = object;
  const named = clientId === undefined ? {} : { clientId };
  if (!isSeen) return { type, id, ...named, op: "remove", data: null };
  const isDeleted = object.lifecycle === "deleted";
  return {
    type,
    id,
    ...named,
    op: isDeleted ? "delete" : "upsert",
    version,
    updatedAt,
    ...(deletedAt === undefined ? {} : { deletedAt }),
    data: isDeleted ? null : syncRecordOf(object),
  };
}
