import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { lookedAt, queuedAt } from "./job";
import type { JobKind, ListedJob } from "./kind";
import { JOB_KINDS, kindNamed } from "./kinds";
import { isAlive } from "./lease";

/**
 * What was interrupted is taken up again: jobs whose lease has ended without a word, and those that are
 * due while what should have started them was lost with its process. By a cron, for every kind.
 */
const RECOVERED_AT_ONCE = 100;
/** What is due is started by then, unless its start was lost. */
const STARTED_WITHIN_MS = 60_000;
/** One that cannot even be recovered does not hold up the others. */
const PUT_OFF_MS = 60 * 60 * 1000;

/** Each minute: sees which kinds have something to be recovered, and has each do so by itself. */
export const sweep = internalMutation({
  args: {},
  returns: v.array(v.string()),
  handler: async (ctx): Promise<string[]> => {
    const now = Date.now();
    const found: string[] = [];
    let hasMore = false;
    for (const kind of JOB_KINDS) {
      const converted = await convertOf(ctx, kind);
      hasMore ||= converted >= RECOVERED_AT_ONCE;
      if (!(await hasWork(ctx, kind, now))) continue;
      found.push(kind.name);
      await ctx.scheduler.runAfter(0, internal.jobs.recovery.recover, { kind: kind.name });
    }
    if (hasMore) await ctx.scheduler.runAfter(0, internal.jobs.recovery.sweep, {});
    return found;
  },
});

/** Rows of before are made to say of their job what today's say. */
export const convert = internalMutation({
  args: { kind: v.string() },
  returns: v.number(),
  handler: async (ctx, { kind }) => (await kindNamed(kind)?.convert(ctx, RECOVERED_AT_ONCE)) ?? 0,
});

/** Of each kind by itself: what is wrong with one holds up no other. */
async function convertOf(ctx: MutationCtx, { name: kind }: JobKind): Promise<number> {
  try {
    return await ctx.runMutation(internal.jobs.recovery.convert, { kind });
  } catch (error) {
    const message = `Rows of before could not be converted: ${errorDataOf(error)?.message ?? String(error)}`;
    console.error(JSON.stringify({ level: "ERROR", message, kind }));
    return 0;
  }
}

async function hasWork(ctx: MutationCtx, kind: JobKind, now: number): Promise<boolean> {
  if (kind.startLost) return true;
  if ((await overdue(ctx, kind, now, 1)).length > 0) return true;
  return (await lapsed(ctx, kind, now, 1)).length > 0;
}

const recovered = v.object({ interrupted: v.number(), started: v.number() });

/** Takes up what was interrupted of one kind, a hundred at a time. */
export const recover = internalMutation({
  args: { kind: v.string() },
  returns: recovered,
  handler: async (ctx, { kind: name }): Promise<typeof recovered.type> => {
    const kind = kindNamed(name);
    if (!kind) return { interrupted: 0, started: 0 };
    const now = Date.now();
    const held = await lapsed(ctx, kind, now, RECOVERED_AT_ONCE);
    let interrupted = 0;
    for (const listed of held) {
      const isOfAnotherClock = listed.job.at > latest(kind, now);
      if (!isOfAnotherClock && (await isAlive(ctx, listed.job, now))) {
        await (await kind.find(ctx, listed.id))?.write(lookedAt(listed.job, now));
      } else {
        interrupted += 1;
        await takeUp(ctx, kind, listed, now);
      }
    }
    const due = kind.startLost ? [] : await overdue(ctx, kind, now, RECOVERED_AT_ONCE);
    for (const listed of due) await takeUp(ctx, kind, listed, now);
    const started = kind.startLost ? await kind.startLost(ctx, now) : due.length;
    if (Math.max(held.length, due.length) >= RECOVERED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.jobs.recovery.recover, { kind: name });
    }
    return { interrupted, started };
  },
});

/** In a transaction of its own within that of the others. */
export const takeUpOne = internalMutation({
  args: { kind: v.string(), id: v.string() },
  returns: v.null(),
  handler: async (ctx, { kind, id }) => {
    const now = Date.now();
    const job = await kindNamed(kind)?.find(ctx, id);
    if (job?.job.state === "running") await job.interrupted(now);
    if (job?.job.state === "queued") await job.start(now);
    return null;
  },
});

async function takeUp(
  ctx: MutationCtx,
  kind: JobKind,
  { id, job }: ListedJob,
  now: number,
): Promise<void> {
  try {
    await ctx.runMutation(internal.jobs.recovery.takeUpOne, { kind: kind.name, id });
  } catch (error) {
    const message = `It could not be taken up again: ${errorDataOf(error)?.message ?? String(error)}`;
    console.error(JSON.stringify({ level: "ERROR", message, kind: kind.name, id }));
    const found = await kind.find(ctx, id);
    const later = now + Math.min(PUT_OFF_MS, kind.leaseMs);
    const next = job.state === "queued" ? queuedAt(job, later) : { ...job, at: later };
    await found?.write({ ...next, error: message.slice(0, 500).toWellFormed() });
  }
}

/** Held, and to be looked at; also under a lease that a clock gave which has since been set back. */
async function lapsed(
  ctx: MutationCtx,
  kind: JobKind,
  now: number,
  most: number,
): Promise<ListedJob[]> {
  const over = await kind.jobs(ctx, "running", { from: 0, to: now }).take(most);
  const ahead = { from: latest(kind, now) + 1, to: Infinity };
  return [...over, ...(await kind.jobs(ctx, "running", ahead).take(most))];
}

/** No lease of today's clock ends later. */
function latest({ leaseMs }: JobKind, now: number): number {
  return now + 2 * leaseMs;
}

async function overdue(
  ctx: MutationCtx,
  kind: JobKind,
  now: number,
  most: number,
): Promise<ListedJob[]> {
  return await kind.jobs(ctx, "queued", { from: 0, to: now - STARTED_WITHIN_MS }).take(most);
}
