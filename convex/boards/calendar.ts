import { TenantReader } from "../ontology/reader";
import type { QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { invalidIn } from "../kit/errors";
import { dayOf, type Day } from "../kit/localTime";
import { organizationOf } from "../kit/own";
import { covers } from "../kit/scopes";
import { listRequest } from "../ontology/list";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { SelectedRows } from "../ontology/selectedRows";
import { isOpen, taskType } from "../types/task/type";

export const CALENDAR_KINDS = [
  ...(["task_due", "project_start", "project_end", "invoice_issued", "invoice_due"] as const),
] as const;
export type CalendarEntry = {
  kind: (typeof CALENDAR_KINDS)[number];
  id: string;
  title: string;
  date: Day;
};

/** So many entries a calendar has at most; a shorter time is then to be asked for. */
export const MAX_ENTRIES = 1000;

/** `isCut`: of more than a calendar has, the first; otherwise they are refused. */
type Span = { from: number; to: number; isCut?: true };
type Found = { kind: CalendarEntry["kind"]; id: string; title: string; at: number };

/**
 * What falls on the days of a span, as far as the caller sees it, by day: open tasks that are due, the
 * first and last days of projects, the days on which invoices are dated and due. Days are the
 * organization's.
 * @throws VALIDATION_ERROR for a span with more entries than a calendar has
 */
export async function calendarOf(
  ctx: QueryCtx,
  caller: Caller,
  span: Span,
): Promise<CalendarEntry[]> {
  const { timeZone } = await organizationOf(ctx, caller);
  const found = [
    ...(covers(caller.grants, "projects:read") ? await ofProjects(ctx, caller, span) : []),
    ...(covers(caller.grants, "invoices:read") ? await ofInvoices(ctx, caller, span) : []),
  ];
  const entries = found.map(({ at, ...entry }) => ({ ...entry, date: dayOf(at, timeZone) }));
  return entries.sort((one, other) => compare(one.date, other.date) || compare(one.id, other.id));
}

async function ofProjects(ctx: QueryCtx, caller: Caller, span: Span): Promise<Found[]> {
  const due = { dueFrom: span.from, dueTo: span.to };
  const tasks = await openTasksDue(ctx, caller, span);
  const begun = { startDate: span.from, endDate: span.to, sort: "-startDate" };
  const starting = await all(ctx, caller, "project", begun, span);
  const ending = await all(ctx, caller, "project", { ...due, sort: "targetEndDate" }, span);
  return [
    ...tasks.map((task) => entry("task_due", task, task.dueAt)),
    ...starting.map((project) => entry("project_start", project, project.documentDate)),
    ...ending.map((project) => entry("project_end", project, project.dueAt)),
  ];
}

/** @throws VALIDATION_ERROR for more than a calendar has */
export async function openTasksDue(
  ctx: QueryCtx,
  caller: Caller,
  span: Span,
): Promise<ObjectDoc<"task">[]> {
  const status = taskType.statuses.filter(isOpen);
  const due = { dueFrom: span.from, dueTo: span.to, sort: "dueDate" };
  return await all(ctx, caller, "task", { ...due, status }, span);
}

async function ofInvoices(ctx: QueryCtx, caller: Caller, span: Span): Promise<Found[]> {
  const dated = { startDate: span.from, endDate: span.to, sort: "-issueDate" };
  const issued = await all(ctx, caller, "invoice", dated, span);
  const dueInvoices = { dueFrom: span.from, dueTo: span.to, sort: "dueDate" };
  const due = await all(ctx, caller, "invoice", dueInvoices, span);
  return [
    ...issued.map((invoice) => entry("invoice_issued", invoice, invoice.documentDate)),
    ...due.map((invoice) => entry("invoice_due", invoice, invoice.dueAt)),
  ];
}

/** What was cancelled falls on no day. */
async function all<T extends ObjectType>(
  ctx: QueryCtx,
  caller: Caller,
  type: T,
  asked: Record<string, unknown>,
  { isCut }: Span,
): Promise<ObjectDoc<T>[]> {
  // Taken and not paged: Convex pages one list in a query.
  const { selection } = listRequest(type, asked);
  const rows = await SelectedRows.seenBy(ctx, new TenantReader(ctx, caller), type, selection);
  const found = await rows.take(MAX_ENTRIES + 1);
  if (found.length > MAX_ENTRIES && !isCut) {
    const message = `has more than ${MAX_ENTRIES} entries here; ask for a shorter time`;
    throw invalidIn("query", "to", message);
  }
  return found.slice(0, MAX_ENTRIES).filter(({ status }) => status !== "cancelled");
}

function entry(
  kind: Found["kind"],
  { _id: id, name: title }: Pick<ObjectDoc, "_id" | "name">,
  at: number | undefined,
): Found {
  if (at === undefined) throw new Error(`${id} was found by a day that it does not have.`);
  return { kind, id, title, at };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
