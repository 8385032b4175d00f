import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError, invalidFields } from "../kit/errors";
import type { Day } from "../kit/localTime";
import { createInvoice } from "../ontology/invoiceRules";
import type { ObjectDoc } from "../ontology/registry";
import type { InvoicingContext } from "../ontology/salesContent";
import type { InvoiceCreation, LineItemInput } from "../ontology/salesInput";
import type { ObjectStore } from "../ontology/store";
import { amountOf, hoursOf, roundedUp } from "./hours";
import { MAX_BILLED } from "./release";
import { writeRows } from "./rows";
import type { TimeEntry } from "./sums";

export const GROUPS = ["task", "member", "day", "entry"] as const;
export type Billing = {
  from: Day;
  to: Day;
  groupBy: (typeof GROUPS)[number];
  roundToMinutes: number;
  /** Time in this one alone. */
  currency?: string | undefined;
};
/** All descriptions of an invoice, in characters: its lines have 400 KiB, at up to three bytes each. */
const MAX_TEXT = 80_000;
const MAX_DESCRIPTION = 1000;

/**
 * A draft for all time of a project in these days that no invoice bills: a line per group and rate, whose
 * hours times the rate are the exact amount. Rounding is the invoice's: the entries stay as they are.
 * @throws CONFLICT where there is nothing to bill, too much, or time in several currencies
 */
export async function invoiceTime(
  context: InvoicingContext,
  project: ObjectDoc<"project">,
  billing: Billing,
): Promise<ObjectDoc<"invoice">> {
  const entries = await unbilledIn(context, project, billing);
  const currency = currencyOf(entries);
  const lineItems = await linesOf(context, entries, billing);
  const invoice = await createInvoice(context, {
    ...addresseeOf(project),
    ...{ currency, projectId: project._id, lineItems },
  });
  const writer = { ctx: context, scope: context.store.scope };
  await writeRows(writer, entries, { invoiceId: invoice._id }, "billed");
  return invoice;
}

async function unbilledIn(
  ctx: QueryCtx,
  { organizationId, _id }: ObjectDoc<"project">,
  { from, to, currency }: Billing,
): Promise<TimeEntry[]> {
  if (to < from) throw invalidFields([{ field: "to", message: "must not lie before from" }]);
  const entries = await ctx.db
    .query("timeEntries")
    .withIndex("by_unbilled", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("projectId", _id)
        .eq("isUnbilled", true)
        .gte("date", from)
        .lte("date", to),
    )
    .filter((q) => currency === undefined || q.eq(q.field("currency"), currency))
    .take(MAX_BILLED + 1);
  if (entries.length === 0) {
    throw new ApiError("CONFLICT", "There is no time to bill in these days.", {
      details: { from, to },
    });
  }
  // Of one day the first are billed, and the next request bills the others.
  if (from === to) return entries.slice(0, MAX_BILLED);
  if (entries.length > MAX_BILLED) {
    const message = `An invoice bills at most ${MAX_BILLED} entries: take fewer days (from, to).`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_BILLED } });
  }
  return entries;
}

function currencyOf(entries: readonly TimeEntry[]): string {
  const [currency = "", ...others] = new Set(entries.map((entry) => entry.currency));
  if (others.length === 0) return currency;
  const message = "The time is in several currencies: make an invoice of each (currency).";
  throw new ApiError("CONFLICT", message, { details: { currencies: [currency, ...others] } });
}

/** The project's client, and its first contact; of a project without any, the draft is in its name. */
function addresseeOf({
  name,
  customProperties: { clientOrgId, contactIds },
}: ObjectDoc<"project">): Pick<InvoiceCreation, "type" | "billTo"> {
  const [contactId] = contactIds;
  if (clientOrgId !== undefined) {
    return { type: "b2b_single", billTo: { crmOrganizationId: clientOrgId } };
  }
  return { type: "b2c_single", billTo: contactId === undefined ? { name } : { contactId } };
}

type Group = { description: string; rateInCents: number; minutes: number };

async function linesOf(
  context: InvoicingContext,
  entries: readonly TimeEntry[],
  { groupBy, roundToMinutes }: Billing,
): Promise<LineItemInput[]> {
  const words = new Words(context, context.store);
  const groups = new Map<string, Group>();
  for (const entry of entries) {
    const { rateInCents } = entry;
    const { key, description } = await words.of(groupBy, entry);
    const name = `${rateInCents} ${key}`;
    const group = groups.get(name) ?? { description, rateInCents, minutes: 0 };
    group.minutes += roundedUp(entry.minutes, roundToMinutes);
    groups.set(name, group);
  }
  const most = Math.min(MAX_DESCRIPTION, Math.floor(MAX_TEXT / groups.size));
  return [...groups.values()].map((group) => lineOf(group, most));
}

/** At a rate so high that no hours of six decimals come to the amount, the line is the amount itself. */
function lineOf({ description, rateInCents, minutes }: Group, most: number): LineItemInput {
  const quantity = hoursOf(minutes, rateInCents);
  const words = description.slice(0, most - 12).toWellFormed();
  if (quantity !== null) {
    return { description: words, quantity, unit: "hours", unitPriceInCents: rateInCents };
  }
  const hours = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
  return {
    description: `${words} (${hours})`,
    ...{ quantity: 1, unitPriceInCents: amountOf(minutes, rateInCents) },
  };
}

type Described = { key: string; description: string };

/** What a line says of its group. */
class Words {
  private readonly titles = new Map<Id<"objects">, string>();
  private readonly people = new Map<Id<"users">, Described>();

  constructor(
    private readonly ctx: QueryCtx,
    private readonly store: ObjectStore,
  ) {}

  async of(groupBy: Billing["groupBy"], entry: TimeEntry): Promise<Described> {
    const { _id, taskId, userId, date, note } = entry;
    if (groupBy === "task") return { key: taskId, description: await this.titleOf(taskId) };
    if (groupBy === "member") return await this.personOf(userId);
    if (groupBy === "day") return { key: date, description: date };
    const description = `${date} ${await this.titleOf(taskId)}${note ? `: ${note}` : ""}`;
    return { key: _id, description };
  }

  /** Also of a task that was deleted: the work was done. */
  private async titleOf(taskId: Id<"objects">): Promise<string> {
    const known = this.titles.get(taskId);
    if (known !== undefined) return known;
    const title = (await this.store.findDeletedToo(taskId))?.name ?? "Work";
    this.titles.set(taskId, title);
    return title;
  }

  /** Of accounts that were joined, the one that stays, also while their time is handed on. */
  private async personOf(userId: Id<"users">): Promise<Described> {
    const known = this.people.get(userId);
    if (known !== undefined) return known;
    const user: Doc<"users"> | null = await this.ctx.db.get("users", userId);
    // An account that was deleted keeps its name.
    const person = user?.mergedInto
      ? await this.personOf(user.mergedInto)
      : { key: userId, description: user?.name ?? "Work" };
    this.people.set(userId, person);
    return person;
  }
}
