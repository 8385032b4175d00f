import * as z from "zod";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { notFound, placing } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { inRecord, sentRecord } from "../../sync/change";
import { conflictRecord, conflictView } from "../../sync/conflictView";
import { resolveConflict } from "../../sync/resolve";
import { feedSince } from "../../kit/time";

const tag = "Conflicts";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/conflicts",
    tag,
    summary: "List conflicts, newest first",
    description: "Both versions whole, and the fields in which they differ.",
    scope: "sync:read",
    query: () =>
      z.strictObject({
        ...pageParameters(),
        since: feedSince().optional(),
        open: z.enum(["true"]).optional().meta({ description: "Only those that nobody resolved." }),
      }),
    list: true,
    answers: { 200: () => z.array(conflictRecord()) },
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const { since = 0 } = query;
    const conflicts = query.open
      ? ctx.db
          .query("conflictLogs")
          .withIndex("by_state", (q) =>
            q.eq("organizationId", organizationId).eq("resolvedAt", undefined).gte("at", since),
          )
      : ctx.db
          .query("conflictLogs")
          .withIndex("by_at", (q) => q.eq("organizationId", organizationId).gte("at", since));
    const name = `conflicts:${query.open ?? ""}:${since}`;
    const { rows, meta } = await pageThrough(name, pagingOf(query), conflicts.order("desc"));
    const seen = await Promise.all(
      rows.map(async (row) => await ctx.tenant.seesWhatIsAbout(row.objectId)),
    );
    return ok(rows.filter((_row, at) => seen[at]).map(conflictView), { meta });
  },
);

export const resolve = writeEndpoint(
  {
    method: "POST",
    path: "/conflicts/:id/resolve",
    tag,
    summary: "Resolve a conflict",
    description:
      "`keep` brings one version back whole; `fields` are those of a version made of both. Refused with `VERSION_MISMATCH` when the object has changed since the conflict, unless `If-Match` names its present version.",
    scope: "sync:write",
    params: () => z.object({ id: z.string() }),
    body: () =>
      z
        .union([
          z.strictObject({ keep: z.enum(["server", "client"]) }),
          z.strictObject({ fields: sentRecord() }),
        ])
        .meta({ id: "ConflictResolution" }),
    example: { keep: "client" },
    answers: { 200: conflictRecord },
    errors: ["NOT_FOUND", "INVALID_STATE", "VERSION_MISMATCH", "GONE", "CONFLICT"],
  },
  async (ctx, { params, body }) => {
    const known = await ctx.store.own("conflictLogs", params.id);
    if (!(await ctx.store.seesWhatIsAbout(known.objectId))) throw notFound("conflict");
    const context = { ...ctx, grants: ctx.caller.grants };
    // `fields` are sent; a version that is to stand is where the conflict shows it.
    const record = "keep" in body ? `${body.keep}.data` : "body.fields";
    const { conflict, object } = await placing(inRecord(record), () =>
      resolveConflict(context, known, body, ctx.ifMatch),
    );
    return ok(conflictView(conflict), { version: object.version });
  },
);
