import { v } from "convex/values";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import {
  type ActionCtx,
  internalAction,
  internalMutation,
  internalQuery,
  type QueryCtx,
} from "./_generated/server";
import { type Position, START } from "./ontology/commitOrder";
import {
  addGroup,
  checkObjects,
  type CountGroup,
  countDifferences,
  type Difference,
  newFindings,
  numberDifferences,
} from "./ontology/integrity";
import { difference } from "./schemas/invoicingSchemas";

/**
 * The daily check of all books, of any size. An action goes through an organization's objects page by
 * page and adds up what counts and sums should be. Writes in between would make that sum of several
 * moments, so it starts again when there were any, and says so when there is no quiet moment.
 */
const ATTEMPTS = 3;
const DIFFERENCES_KEPT = 100;
const ORGANIZATIONS_AT_ONCE = 100;
const GROUPS_AT_ONCE = 2000;
/** After every name of a group. */
const LAST = "\uffff";

const position = v.object({ commitTs: v.int64(), creationTime: v.number(), id: v.string() });
const cells = v.array(
  v.object({
    key: v.array(v.string()),
    count: v.number(),
    sums: v.optional(v.record(v.string(), v.int64())),
  }),
);
const groups = v.array(v.object({ group: v.string(), period: v.optional(v.string()), cells }));
const serials = v.array(v.object({ series: v.string(), used: v.array(v.number()) }));
const pageFindings = v.object({
  checked: v.number(),
  differences: v.array(difference),
  groups,
  serials,
  next: v.union(position, v.null()),
});

export const checkAll = internalAction({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    let cursor: string | null = null;
    do {
      const page: { ids: Id<"organizations">[]; next: string | null } = await ctx.runQuery(
        internal.integrityJobs.organizations,
        { cursor },
      );
      for (const organizationId of page.ids) {
        await ctx.scheduler.runAfter(0, internal.integrityJobs.check, { organizationId });
      }
      cursor = page.next;
    } while (cursor !== null);
    return null;
  },
});

export const check = internalAction({
  args: { organizationId: v.id("organizations") },
  returns: v.object({ found: v.number() }),
  handler: async (ctx, { organizationId }): Promise<{ found: number }> => {
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt++) {
      const pass = await passThrough(ctx, organizationId);
      const ofTheWhole = await compareWhole(ctx, organizationId, pass);
      if (ofTheWhole === null && attempt < ATTEMPTS) continue;
      const differences = [...pass.differences, ...(ofTheWhole ?? [])];
      const found = differences.length;
      if (found > 0) console.error("The books do not add up", organizationId, differences[0]);
      await ctx.runMutation(internal.integrityJobs.report, {
        organizationId,
        startedAt,
        checked: pass.checked,
        differences: differences.slice(0, DIFFERENCES_KEPT),
        found,
        comparedCounts: ofTheWhole !== null,
      });
      return { found };
    }
  },
});

export const organizations = internalQuery({
  args: { cursor: v.union(v.string(), v.null()) },
  handler: async (
    ctx,
    { cursor },
  ): Promise<{ ids: Id<"organizations">[]; next: string | null }> => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("organizations")
      .paginate({ numItems: ORGANIZATIONS_AT_ONCE, cursor });
    return { ids: page.map(({ _id }) => _id), next: isDone ? null : continueCursor };
  },
});

/** The moment from which on nothing may change while a pass lasts. */
export const now = internalQuery({
  args: {},
  returns: v.int64(),
  handler: async (ctx) => ctx.meta.getSnapshotTs(),
});

export const page = internalQuery({
  args: { organizationId: v.id("organizations"), start: position },
  returns: pageFindings,
  handler: async (ctx, { organizationId, start }) => {
    const findings = newFindings();
    const next = await checkObjects(ctx, organizationId, start, findings);
    return {
      checked: findings.checked,
      differences: findings.differences,
      groups: [...findings.groups.values()],
      serials: [...findings.serials].map(([series, used]) => ({ series, used: [...used] })),
      next,
    };
  },
});

/** What differs in some of the groups, or null when an object changed since the pass began. */
export const compareCounts = internalQuery({
  args: {
    organizationId: v.id("organizations"),
    since: v.int64(),
    groups,
    after: v.string(),
    upTo: v.string(),
  },
  returns: v.union(v.array(difference), v.null()),
  handler: async (ctx, { organizationId, since, groups: expected, after, upTo }) => {
    if (await hasChanged(ctx, organizationId, since)) return null;
    return await countDifferences(ctx, organizationId, expected, { after, upTo });
  },
});

export const compareNumbers = internalQuery({
  args: { organizationId: v.id("organizations"), since: v.int64(), serials },
  returns: v.union(v.array(difference), v.null()),
  handler: async (ctx, { organizationId, since, serials: expected }) => {
    if (await hasChanged(ctx, organizationId, since)) return null;
    const used = new Map(expected.map((one) => [one.series, new Set(one.used)]));
    return await numberDifferences(ctx, organizationId, used);
  },
});

export const report = internalMutation({
  args: {
    organizationId: v.id("organizations"),
    startedAt: v.number(),
    checked: v.number(),
    differences: v.array(difference),
    found: v.number(),
    comparedCounts: v.boolean(),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    const row = { ...args, finishedAt: Date.now() };
    const { organizationId } = args;
    const last = await ctx.db
      .query("integrityReports")
      .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
      .unique();
    if (last) await ctx.db.replace("integrityReports", last._id, row);
    else await ctx.db.insert("integrityReports", row);
    return null;
  },
});

type Pass = {
  startedAt: bigint;
  checked: number;
  differences: Difference[];
  groups: CountGroup[];
  serials: { series: string; used: number[] }[];
};

async function passThrough(ctx: ActionCtx, organizationId: Id<"organizations">): Promise<Pass> {
  const startedAt = await ctx.runQuery(internal.integrityJobs.now, {});
  const groupsByName = new Map<string, CountGroup>();
  const serialsByName = new Map<string, number[]>();
  const differences: Difference[] = [];
  let checked = 0;
  let start: Position | null = START;
  do {
    const found: typeof pageFindings.type = await ctx.runQuery(internal.integrityJobs.page, {
      organizationId,
      start,
    });
    checked += found.checked;
    differences.push(...found.differences);
    for (const group of found.groups) addGroup(groupsByName, group);
    for (const { series, used } of found.serials) {
      serialsByName.set(series, [...(serialsByName.get(series) ?? []), ...used]);
    }
    start = found.next;
  } while (start !== null);
  return {
    startedAt,
    checked,
    differences,
    groups: [...groupsByName.values()],
    serials: [...serialsByName].map(([series, used]) => ({ series, used })),
  };
}

/** Compares what a pass added up, some groups at a time; null when something changed meanwhile. */
async function compareWhole(
  ctx: ActionCtx,
  organizationId: Id<"organizations">,
  { startedAt: since, groups: all, serials: used }: Pass,
): Promise<Difference[] | null> {
  const differences = await ctx.runQuery(internal.integrityJobs.compareNumbers, {
    organizationId,
    since,
    serials: used,
  });
  if (differences === null) return null;
  let after = "";
  for (const { groups: batch, upTo } of batchesOf(all)) {
    const found = await ctx.runQuery(internal.integrityJobs.compareCounts, {
      organizationId,
      since,
      groups: batch,
      after,
      upTo,
    });
    if (found === null) return null;
    differences.push(...found);
    after = upTo;
  }
  return differences;
}

/** In the order of their names, all periods of a group in one batch; the last one reaches to the end. */
function batchesOf(all: readonly CountGroup[]): { groups: CountGroup[]; upTo: string }[] {
  const batches: { groups: CountGroup[]; upTo: string }[] = [];
  let batch: CountGroup[] = [];
  for (const group of [...all].sort((a, b) => (a.group < b.group ? -1 : 1))) {
    const last = batch.at(-1);
    if (last && batch.length >= GROUPS_AT_ONCE && last.group !== group.group) {
      batches.push({ groups: batch, upTo: last.group });
      batch = [];
    }
    batch.push(group);
  }
  return [...batches, { groups: batch, upTo: LAST }];
}

async function hasChanged(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  since: bigint,
): Promise<boolean> {
  const changed = await ctx.db
    .query("objects")
    .withIndex("by_commit", (q) => q.eq("organizationId", organizationId).gt("commitTs", since))
    .first();
  return changed !== null;
}
