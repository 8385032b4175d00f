import { deliverUnasked } from "../delivery/documents";
import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { ApiError, invalidFields } from "../kit/errors";
import { dayAfter, dayOf, startOfDay } from "../kit/localTime";
import { createInvoice, inputOf, mergedInput } from "./invoiceRules";
import type { RecurringInvoiceCreation, RecurringInvoiceUpdate } from "./recurringInput";
import type { ObjectDoc, Properties } from "./registry";
import { contentOf, type InvoicingContext } from "./salesContent";
import { nextRun } from "./schedule";
import type { Schedule } from "./scheduleTerms";

type RecurringInvoice = ObjectDoc<"recurring_invoice">;
type Run = Pick<Properties<"recurring_invoice">, "nextDay" | "nextRunAt">;

export async function createRecurringInvoice(
  context: InvoicingContext,
  input: RecurringInvoiceCreation,
): Promise<RecurringInvoice> {
  const { title, type, delivery = "draft", paymentTerms = "net30", notes } = input;
  const content = await contentOf(context, input);
  const schedule = { interval: 1, ...input.schedule };
  const run = runFrom(context, schedule, firstDay(context, schedule, input.backfill), 0);
  if (run.nextDay === undefined) throw neverRuns();
  return await context.store.insert("recurring_invoice", {
    subtype: type,
    status: "active",
    customProperties: {
      title,
      type,
      paymentTerms,
      delivery,
      schedule,
      ...run,
      runs: 0,
      ...content,
      ...(notes === undefined ? {} : { notes }),
      customFields: packCustomFields(input.customFields ?? {}),
    },
  });
}

const MAX_BACKFILL = 12;

/**
 * From where a new template runs: from today where its start lies in the past, unless the days before
 * are to be made up for. @throws VALIDATION_ERROR for more of those than are ever made at once
 */
function firstDay(
  { organization }: InvoicingContext,
  schedule: Schedule,
  backfill: boolean | undefined,
): string {
  const today = dayOf(Date.now(), organization.timeZone);
  if (!backfill) return later(schedule.startDay, today);
  let next = nextRun(schedule, schedule.startDay, 0);
  for (let runs = 1; next !== null && next < today; runs++) {
    if (runs > MAX_BACKFILL) {
      const message = `would make more than ${MAX_BACKFILL} invoices for days before today`;
      throw invalidFields([{ field: "backfill", message }]);
    }
    next = nextRun(schedule, dayAfter(next), runs);
  }
  return schedule.startDay;
}

function later(one: string, other: string): string {
  return one > other ? one : other;
}

/**
 * Given fields change, from the next run on. A new schedule goes on after the last run, from today at
 * the earliest: it makes up for nothing.
 */
export async function changeRecurringInvoice(
  context: InvoicingContext,
  recurring: RecurringInvoice,
  { notes, customFields, ...changes }: RecurringInvoiceUpdate,
): Promise<RecurringInvoice> {
  requireStatus(recurring, ["active", "paused"], "changed");
  const { customProperties: before } = recurring;
  const { title, type, delivery, paymentTerms, schedule: given, ...contentChanges } = changes;
  const content = await contentOf(context, mergedInput(inputOf(before), contentChanges));
  const schedule = given === undefined ? undefined : { interval: 1, ...given };
  return await context.store.update(recurring, {
    ...(type === undefined ? {} : { subtype: type }),
    customProperties: {
      projectId: undefined,
      discountPercent: undefined,
      discountInCents: undefined,
      ...content,
      ...(title === undefined ? {} : { title }),
      ...(type === undefined ? {} : { type }),
      ...(delivery === undefined ? {} : { delivery }),
      ...(paymentTerms === undefined ? {} : { paymentTerms }),
      ...(schedule === undefined ? {} : rescheduled(context, recurring, schedule)),
      ...(notes === undefined ? {} : { notes: notes ?? undefined }),
      ...(customFields === undefined ? {} : { customFields: packCustomFields(customFields) }),
    },
  });
}

/** No runs until it is resumed. @throws INVALID_STATE */
export async function pauseRecurringInvoice(
  { store }: InvoicingContext,
  recurring: RecurringInvoice,
): Promise<RecurringInvoice> {
  requireStatus(recurring, ["active"], "paused");
  return await store.update(recurring, { status: "paused" }, "paused");
}

/** Runs again from today on; what fell into the pause is not made up for. @throws INVALID_STATE */
export async function resumeRecurringInvoice(
  context: InvoicingContext,
  recurring: RecurringInvoice,
): Promise<RecurringInvoice> {
  requireStatus(recurring, ["paused"], "resumed");
  const { schedule, runs, nextDay } = recurring.customProperties;
  const today = dayOf(Date.now(), context.organization.timeZone);
  const from = nextDay !== undefined && nextDay > today ? nextDay : today;
  const run = runFrom(context, schedule, from, runs);
  return await advance(context, recurring, run, { problem: undefined }, "resumed");
}

/** No more runs, ever. @throws INVALID_STATE */
export async function endRecurringInvoice(
  context: InvoicingContext,
  recurring: RecurringInvoice,
): Promise<RecurringInvoice> {
  requireStatus(recurring, ["active", "paused"], "ended");
  return await advance(context, recurring, NO_RUN);
}

/**
 * The invoice of the next run, dated on its day. The run and the step to the one after it are one
 * transaction, so that each run happens exactly once, also when several are made up for.
 */
export async function runRecurringInvoice(
  context: InvoicingContext,
  recurring: RecurringInvoice,
): Promise<void> {
  const { customProperties: template } = recurring;
  const { nextDay, schedule, type, paymentTerms, notes, customFields } = template;
  if (nextDay === undefined) return;
  const issueDate = startOfDay(nextDay, context.organization.timeZone);
  const invoice = await createInvoice(
    context,
    {
      ...inputOf(template),
      type,
      issueDate,
      paymentTerms,
      ...(notes === undefined ? {} : { notes }),
      customFields: unpackCustomFields(customFields),
    },
    { recurringInvoiceId: recurring._id },
  );
  if (template.delivery === "send") await deliverUnasked(context, invoice);
  const runs = template.runs + 1;
  const next = runFrom(context, schedule, dayAfter(nextDay), runs);
  await advance(context, recurring, next, { runs, lastDay: nextDay });
}

const NO_RUN: Run = { nextDay: undefined, nextRunAt: undefined };

function runFrom(
  { organization }: InvoicingContext,
  schedule: Schedule,
  from: string,
  runs: number,
): Run {
  const nextDay = nextRun(schedule, from, runs);
  if (nextDay === null) return NO_RUN;
  return { nextDay, nextRunAt: startOfDay(nextDay, organization.timeZone) };
}

function rescheduled(
  context: InvoicingContext,
  { status, customProperties: { runs, lastDay, nextDay } }: RecurringInvoice,
  schedule: Schedule,
): Run & { schedule: Schedule } {
  const today = dayOf(Date.now(), context.organization.timeZone);
  // A run whose day has come is still to be made; what fell into a pause is not.
  const isDue = status === "active" && nextDay !== undefined && nextDay < today;
  const after = lastDay === undefined ? schedule.startDay : dayAfter(lastDay);
  const from = later(later(after, schedule.startDay), isDue ? nextDay : today);
  const run = runFrom(context, schedule, from, runs);
  if (run.nextDay === undefined) throw neverRuns();
  return { schedule, ...run };
}

/** A template without a next run has ended. */
async function advance(
  { store }: InvoicingContext,
  recurring: RecurringInvoice,
  run: Run,
  more: Partial<Properties<"recurring_invoice">> = {},
  verb = "advanced",
): Promise<RecurringInvoice> {
  const hasEnded = run.nextDay === undefined;
  return await store.update(
    recurring,
    { status: hasEnded ? "ended" : "active", customProperties: { ...run, ...more } },
    hasEnded ? "ended" : verb,
  );
}

function requireStatus(
  { status }: RecurringInvoice,
  allowed: RecurringInvoice["status"][],
  verb: string,
): void {
  if (allowed.includes(status)) return;
  const message = `A recurring invoice that is ${status} cannot be ${verb}.`;
  throw new ApiError("INVALID_STATE", message, { details: { status, allowed } });
}

function neverRuns(): Error {
  return invalidFields([{ field: "schedule", message: "has no day on which it would run" }]);
}
