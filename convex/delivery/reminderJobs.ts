import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { ended, isOpen, succeeded } from "../jobs/job";
import { begun, begunAnew, isTurn, nextStep } from "../jobs/steps";
import type { Job } from "../schemas/jobSchemas";
import { reminderPosition } from "../schemas/notificationSchemas";
import { daysAfter, isWithinHours, startOfToday } from "../kit/localTime";
import type { BusinessHours, ReminderSettings } from "../kit/reminderSettings";
import { isOfType } from "../ontology/reader";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import { REMINDABLE } from "./letterData";
import { continueRunAt, type Position } from "./reminderKind";
import { remindByRule } from "./reminders";

/**
 * The reminders that an organization's rules send. A rule goes through the invoices by due date, each
 * day's once: it keeps until which due date it has reminded, and an invoice keeps which rules have
 * reminded of it. The latest rule goes first, so that what was missed is made up for by the highest.
 */
const ORGANIZATIONS_AT_ONCE = 50;
const INVOICES_AT_ONCE = 20;
/** What was missed longer ago than this is not made up for. */
const CATCH_UP_DAYS = 7;
const START: Position = { rule: 0, status: 0, cursor: null };
const DEFAULT_HOURS: BusinessHours = { from: 9, to: 17, weekdays: [1, 2, 3, 4, 5] };

/** The hourly round: organizations that remind, in whose business hours it is. */
export const round = internalMutation({
  args: { cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { cursor }) => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("organizations")
      .paginate({ numItems: ORGANIZATIONS_AT_ONCE, cursor });
    for (const organization of page) {
      if (activeRules(organization, Date.now()).length === 0) continue;
      await beginRun(ctx, organization._id, Date.now());
    }
    if (!isDone) {
      const rest = { cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.delivery.reminderJobs.round, rest);
    }
    return null;
  },
});

/** One that goes on still, or is to be taken up again, is left alone. */
async function beginRun(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  now: number,
): Promise<void> {
  const before = await runOf(ctx, organizationId);
  if (before?.job && isOpen(before.job)) return;
  const job = before?.job ? begunAnew(before.job, now) : begun(now);
  const run = { organizationId, position: START, startedAt: now, job };
  if (before) await ctx.db.replace("reminderRuns", before._id, run);
  else await ctx.db.insert("reminderRuns", run);
  await continueRunAt(ctx, run, job, now);
}

/** A page of one rule's invoices of one status; then the next status, then the next rule. */
export const step = internalMutation({
  args: {
    organizationId: v.id("organizations"),
    ...reminderPosition.fields,
    /** Of the organization's run; without one it is no step of a run, and what follows is none. */
    lease: v.optional(v.number()),
  },
  returns: v.object({ reminded: v.number() }),
  handler: async (ctx, { organizationId, lease, ...position }): Promise<{ reminded: number }> => {
    const now = Date.now();
    const run = lease === undefined ? null : await runOf(ctx, organizationId);
    const job = run?.job;
    if (lease !== undefined && !(job && isTurn(job, lease))) return { reminded: 0 };
    const organization = await ctx.db.get("organizations", organizationId);
    // Also between two pages: the working day may have ended.
    const rule = organization && activeRules(organization, now)[position.rule];
    const status = REMINDABLE[position.status];
    if (!organization || !rule || !status || job?.isCancelled) {
      if (run && job) await endRun(ctx, run, job, now);
      return { reminded: 0 };
    }
    const range = position.range ?? (await rangeOf(ctx, organization, rule.days, now));
    let reminded = 0;
    const next = async (place: Position): Promise<void> => {
      if (run && job) await moveRun(ctx, run, job, place, reminded);
      else {
        const following = { organizationId, ...place };
        await ctx.scheduler.runAfter(0, internal.delivery.reminderJobs.step, following);
      }
    };
    const nextRule = { rule: position.rule + 1, status: 0, cursor: null };
    if (range.from >= range.until) {
      await next(nextRule);
      return { reminded };
    }
    const { page, isDone, continueCursor } = await ctx.db
      .query("objects")
      .withIndex("due", (q) =>
        q
          .eq("organizationId", organizationId)
          .eq("type", "invoice")
          .eq("lifecycle", "live")
          .eq("status", status)
          .gte("dueAt", range.from)
          .lt("dueAt", range.until),
      )
      .paginate({ numItems: INVOICES_AT_ONCE, cursor: position.cursor });
    const store = new ObjectStore(ctx, systemScope(organizationId, "reminders"));
    const context = { ...ctx, store, organization };
    const { channels = ["email" as const] } = organization.reminders ?? {};
    for (const invoice of page) {
      if (!isOfType(invoice, "invoice")) continue;
      if (await remindByRule(context, invoice, rule, channels)) reminded += 1;
    }
    await store.finish();
    if (!isDone) await next({ ...position, range, cursor: continueCursor });
    else if (position.status + 1 < REMINDABLE.length) {
      await next({ ...position, range, status: position.status + 1, cursor: null });
    } else {
      await keepRange(ctx, organizationId, rule.days, range.until);
      await next(nextRule);
    }
    return { reminded };
  },
});

async function runOf(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<Doc<"reminderRuns"> | null> {
  return await ctx.db
    .query("reminderRuns")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
}

async function moveRun(
  ctx: MutationCtx,
  run: Doc<"reminderRuns">,
  before: Job,
  position: Position,
  reminded: number,
): Promise<void> {
  const now = Date.now();
  const job = nextStep(before, now, { done: (before.progress?.done ?? 0) + reminded });
  await ctx.db.patch("reminderRuns", run._id, { position, job });
  await continueRunAt(ctx, { ...run, position }, job, now);
}

async function endRun(
  ctx: MutationCtx,
  { _id }: Doc<"reminderRuns">,
  job: Job,
  now: number,
): Promise<void> {
  const end = job.isCancelled ? ended(job, "cancelled", now) : succeeded(job, now);
  await ctx.db.patch("reminderRuns", _id, { job: end });
}

/** The rules that may remind now, the latest first; none outside business hours. */
function activeRules(
  { reminders, timeZone }: Doc<"organizations">,
  now: number,
): ReminderSettings["rules"] {
  if (!reminders?.enabled) return [];
  if (!isWithinHours(now, timeZone, reminders.businessHours ?? DEFAULT_HOURS)) return [];
  return [...reminders.rules].sort((a, b) => b.days - a.days);
}

/** Due dates whose day for this rule has come since the last time. */
async function rangeOf(
  ctx: MutationCtx,
  { _id, timeZone }: Doc<"organizations">,
  days: number,
  now: number,
): Promise<{ from: number; until: number }> {
  const startOfDue = (daysAgo: number): number =>
    startOfToday(daysAfter(now, -days - daysAgo, timeZone), timeZone);
  const kept = await roundOf(ctx, _id, days);
  const from = kept ? Math.max(kept.remindedUpTo, startOfDue(CATCH_UP_DAYS)) : startOfDue(0);
  return { from, until: startOfDue(-1) };
}

async function keepRange(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  days: number,
  remindedUpTo: number,
): Promise<void> {
  const kept = await roundOf(ctx, organizationId, days);
  if (kept) await ctx.db.patch("reminderRounds", kept._id, { remindedUpTo });
  else await ctx.db.insert("reminderRounds", { organizationId, days, remindedUpTo });
}

async function roundOf(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  days: number,
): Promise<Doc<"reminderRounds"> | null> {
  return await ctx.db
    .query("reminderRounds")
    .withIndex("by_rule", (q) => q.eq("organizationId", organizationId).eq("days", days))
    .unique();
}
