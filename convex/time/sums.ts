import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/** What the entries of a project add up to, kept with each write of them: nobody scans for it. */
export type TimeEntry = Doc<"timeEntries">;
/** What became of an entry: null before it was there, and when it is there no more. */
export type Turn = { before: TimeEntry | null; after: TimeEntry | null };

type Sum = { currency: string; sixtieths: bigint };
type Sums = { minutes: number; unbilled: Sum[] };

/** One write per project, however many entries have changed. */
export async function addToSums(ctx: MutationCtx, turns: readonly Turn[]): Promise<void> {
  const projects = new Map<Id<"objects">, Turn[]>();
  for (const turn of turns) {
    const entry = turn.after ?? turn.before;
    if (!entry) continue;
    projects.set(entry.projectId, [...(projects.get(entry.projectId) ?? []), turn]);
  }
  for (const [projectId, ofProject] of projects) {
    const entry = ofProject[0]?.after ?? ofProject[0]?.before;
    if (entry) await addToProject(ctx, { ...entry, projectId }, ofProject);
  }
}

async function addToProject(
  ctx: MutationCtx,
  { organizationId, projectId }: Pick<TimeEntry, "organizationId" | "projectId">,
  turns: readonly Turn[],
): Promise<void> {
  const more = turns.map(({ before, after }) => (after?.minutes ?? 0) - (before?.minutes ?? 0));
  const minutes = more.reduce((a, b) => a + b, 0);
  const unbilled = added(
    turns.flatMap(({ before, after }) => [...unbilledOf(before, -1n), ...unbilledOf(after, 1n)]),
  );
  if (minutes === 0 && unbilled.length === 0) return;
  const row = await timeOfProject(ctx, { organizationId, projectId });
  const total: Sums = {
    minutes: (row?.minutes ?? 0) + minutes,
    unbilled: added([...(row?.unbilled ?? []), ...unbilled]),
  };
  if (row) await ctx.db.patch("projectTimes", row._id, total);
  else await ctx.db.insert("projectTimes", { organizationId, projectId, ...total });
}

function unbilledOf(entry: TimeEntry | null, sign: bigint): Sum[] {
  if (!entry?.isUnbilled) return [];
  const { currency, minutes, rateInCents } = entry;
  return [{ currency, sixtieths: sign * BigInt(minutes) * BigInt(rateInCents) }];
}

/** Per currency, without those that come to nothing. */
function added(sums: readonly Sum[]): Sum[] {
  const totals = new Map<string, bigint>();
  for (const { currency, sixtieths } of sums) {
    totals.set(currency, (totals.get(currency) ?? 0n) + sixtieths);
  }
  const left = [...totals].filter(([, sum]) => sum !== 0n);
  return left.map(([currency, sixtieths]) => ({ currency, sixtieths }));
}

export async function timeOfProject(
  ctx: QueryCtx,
  { organizationId, projectId }: Pick<TimeEntry, "organizationId" | "projectId">,
): Promise<Doc<"projectTimes"> | null> {
  return await ctx.db
    .query("projectTimes")
    .withIndex("by_project", (q) =>
      q.eq("organizationId", organizationId).eq("projectId", projectId),
    )
    .unique();
}
