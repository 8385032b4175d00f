import * as z from "zod";
import { ok, readEndpoint } from "../../kit/endpoint";
import { badCursor, openCursor, sealCursor } from "../../kit/page";
import { type Position, START } from "../../ontology/commitOrder";
import {
  checkObjects,
  countDifferences,
  newFindings,
  numberDifferences,
} from "../../ontology/integrity";
import { type Rekeying, rekeyingOf } from "../../ontology/rekeying";
import { once } from "../../kit/once";

const tag = "Integrity";
const LIST = "integrity";

const differences = once(() =>
  z.array(
    z.object({
      of: z
        .string()
        .meta({ description: "An object's id, a group of counts, a series of numbers." }),
      what: z.string(),
    }),
  ),
);
const positionText = once(() => z.tuple([z.string().regex(/^\d+$/), z.number(), z.string()]));

export const check = readEndpoint(
  {
    method: "GET",
    path: "/integrity",
    tag,
    summary: "Check the books",
    description:
      "Re-derives every total, balance, link, count, sum and number sequence and lists what differs. Organizations too large for one answer are checked object by object in pages by `meta.nextCursor`; their counts, sums and numbers are compared by a daily job, whose findings stand in `lastRun`.",
    scope: "admin:read",
    query: () => z.strictObject({ cursor: z.string().max(4000).optional() }),
    list: true,
    answers: {
      200: () =>
        z
          .object({
            checked: z.number().int(),
            differences: differences(),
            complete: z.boolean().meta({ description: "Whether this answer covers everything." }),
            lastRun: z
              .object({
                startedAt: z.number(),
                finishedAt: z.number(),
                checked: z.number().int(),
                found: z.number().int(),
                differences: differences(),
                comparedCounts: z.boolean(),
              })
              .nullable(),
            keys: z
              .object({
                status: z.enum(["running", "completed"]),
                checked: z.number().int(),
                changed: z.number().int(),
                collided: z.number().int(),
                collisions: z
                  .array(z.object({ type: z.string(), key: z.string(), ids: z.array(z.string()) }))
                  .meta({
                    description:
                      "The first hundred of those that had different keys and have one by today's rules, such as two spellings of one e-mail: nothing was merged; contacts stand among their duplicates too.",
                  }),
                failed: z
                  .array(z.string())
                  .meta({ description: "Objects that could not be written." }),
                startedAt: z.number(),
                finishedAt: z.number().nullable(),
              })
              .nullable()
              .meta({
                description:
                  "The last job that made keys and search text anew, after an update or a change of the organization's country; null where none was needed.",
              }),
          })
          .meta({ id: "Integrity" }),
    },
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const start = query.cursor === undefined ? START : positionIn(query.cursor);
    const findings = newFindings();
    const next = await checkObjects(ctx, organizationId, start, findings);
    const complete = query.cursor === undefined && next === null;
    const ofTheWhole = complete
      ? [
          ...(await countDifferences(ctx, organizationId, findings.groups.values())),
          ...(await numberDifferences(ctx, organizationId, findings.serials)),
        ]
      : [];
    const report = await ctx.db
      .query("integrityReports")
      .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
      .unique();
    const rekeying = await rekeyingOf(ctx, organizationId);
    const data = {
      checked: findings.checked,
      differences: [...findings.differences, ...ofTheWhole],
      complete,
      lastRun: report && {
        startedAt: report.startedAt,
        finishedAt: report.finishedAt,
        checked: report.checked,
        found: report.found,
        differences: report.differences,
        comparedCounts: report.comparedCounts,
      },
      keys: rekeying && keysOf(rekeying),
    };
    const nextCursor = next === null ? null : sealCursor(LIST, textOf(next));
    return ok(data, { meta: { total: null, limit: findings.checked, nextCursor } });
  },
);

function keysOf({ status, checked, changed, collided, collisions, failed, ...times }: Rekeying) {
  const { startedAt, finishedAt = null } = times;
  return { status, checked, changed, collided, collisions, failed, startedAt, finishedAt };
}

function textOf({ commitTs, creationTime, id }: Position): string {
  return JSON.stringify([String(commitTs), creationTime, id]);
}

function positionIn(cursor: string): Position {
  try {
    const position = positionText().parse(JSON.parse(openCursor(LIST, cursor)));
    const [commitTs, creationTime, id] = position;
    return { commitTs: BigInt(commitTs), creationTime, id };
  } catch {
    throw badCursor();
  }
}
