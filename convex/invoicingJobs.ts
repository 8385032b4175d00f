import { v } from "convex/values";
import { internal } from "./_generated/api";
import type { Doc, Id } from "./_generated/dataModel";
import { internalMutation, type MutationCtx } from "./_generated/server";
import { errorDataOf } from "./kit/errors";
import { startOfToday } from "./kit/localTime";
import { runRecurringInvoice } from "./ontology/recurringRules";
import { isOfType } from "./ontology/reader";
import type { ObjectDoc, ObjectType, Status } from "./ontology/registry";
import type { InvoicingContext } from "./ontology/salesContent";
import { ObjectStore } from "./ontology/store";
import { systemScope } from "./tenancy";

/**
 * What the calendar does to invoices, quotes and recurring invoices. One round goes through all
 * organizations, a few at a time, and does each one's due work in transactions of its own; what one
 * round leaves, the next takes up. Nothing depends on when a round runs, only that one does.
 */
const ORGANIZATIONS_AT_ONCE = 50;
const DOCUMENTS_AT_ONCE = 50;
/** An invoice with many lines is large, and each run writes one. */
const RUNS_AT_ONCE = 10;

/** The hourly round. */
export const round = internalMutation({
  args: { cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { cursor }) => {
    const now = Date.now();
    const { page, isDone, continueCursor } = await ctx.db
      .query("organizations")
      .paginate({ numItems: ORGANIZATIONS_AT_ONCE, cursor });
    for (const organization of page) {
      if (!(await hasWork(ctx, organization, now))) continue;
      const { _id: organizationId } = organization;
      await ctx.scheduler.runAfter(0, internal.invoicingJobs.catchUp, { organizationId });
    }
    if (!isDone) {
      await ctx.scheduler.runAfter(0, internal.invoicingJobs.round, { cursor: continueCursor });
    }
    return null;
  },
});

/** One organization's due work, a transaction's worth; goes on at once while there is more. */
export const catchUp = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.object({ done: v.number() }),
  handler: async (ctx, { organizationId }) => {
    const organization = await ctx.db.get("organizations", organizationId);
    if (!organization) return { done: 0 };
    const now = Date.now();
    const store = new ObjectStore(ctx, systemScope(organizationId, "invoicing"));
    const context = { ...ctx, store, organization };
    const done =
      (await markOverdue(context, now)) +
      (await expireQuotes(context, now)) +
      (await runRecurring(context, now));
    await store.finish();
    if (await hasWork(ctx, organization, now)) {
      await ctx.scheduler.runAfter(0, internal.invoicingJobs.catchUp, { organizationId });
    }
    return { done };
  },
});

const UNPAID = ["sent", "awaiting_employer_payment"] as const;

/** An invoice is overdue from the day after its due date, as the organization counts days. */
async function markOverdue(context: InvoicingContext, now: number): Promise<number> {
  const before = startOfToday(now, context.organization.timeZone);
  const due = await dueOf(context, "invoice", UNPAID, before, DOCUMENTS_AT_ONCE);
  for (const invoice of due) await context.store.update(invoice, { status: "overdue" }, "overdue");
  return due.length;
}

async function expireQuotes(context: InvoicingContext, now: number): Promise<number> {
  const before = startOfToday(now, context.organization.timeZone);
  const due = await dueOf(context, "quote", ["sent"], before, DOCUMENTS_AT_ONCE);
  for (const quote of due) await context.store.update(quote, { status: "expired" }, "expired");
  return due.length;
}

/** One run of a template, in a transaction of its own within the round's. */
export const run = internalMutation({
  args: { organizationId: v.id("organizations"), recurringInvoiceId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, { organizationId, recurringInvoiceId }) => {
    const organization = await ctx.db.get("organizations", organizationId);
    if (!organization) return null;
    const store = new ObjectStore(ctx, systemScope(organizationId, "invoicing"));
    const recurring = await store.require("recurring_invoice", recurringInvoiceId);
    await runRecurringInvoice({ ...ctx, store, organization }, recurring);
    await store.finish();
    return null;
  },
});

/** A template that cannot run is paused with what is wrong: it must not hold up the others. */
async function runRecurring(context: InvoicingContext, now: number): Promise<number> {
  const { organization, store } = context;
  const due = await dueOf(context, "recurring_invoice", ["active"], now + 1, RUNS_AT_ONCE);
  for (const recurring of due) {
    try {
      await context.runMutation(internal.invoicingJobs.run, {
        organizationId: organization._id,
        recurringInvoiceId: recurring._id,
      });
    } catch (error) {
      const problem = errorDataOf(error)?.message;
      if (problem === undefined) throw error;
      const changes = { status: "paused" as const, customProperties: { problem } };
      await store.update(recurring, changes, "failed");
    }
  }
  return due.length;
}

async function hasWork(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  now: number,
): Promise<boolean> {
  const context = { ...ctx, organization };
  const today = startOfToday(now, organization.timeZone);
  return (
    (await dueOf(context, "invoice", UNPAID, today, 1)).length > 0 ||
    (await dueOf(context, "quote", ["sent"], today, 1)).length > 0 ||
    (await dueOf(context, "recurring_invoice", ["active"], now + 1, 1)).length > 0
  );
}

/** Living documents of these statuses that became due before a time, the longest due first. */
async function dueOf<T extends ObjectType>(
  { db, organization }: Pick<InvoicingContext, "db" | "organization">,
  type: T,
  statuses: readonly Status<T>[],
  before: number,
  count: number,
): Promise<ObjectDoc<T>[]> {
  const organizationId: Id<"organizations"> = organization._id;
  const found = await Promise.all(
    statuses.map(
      async (status) =>
        await db
          .query("objects")
          .withIndex("due", (q) =>
            q
              .eq("organizationId", organizationId)
              .eq("type", type)
              .eq("lifecycle", "live")
              .eq("status", status)
              .gt("dueAt", 0)
              .lt("dueAt", before),
          )
          .take(count),
    ),
  );
  return found.flat().filter((object) => isOfType(object, type));
}
