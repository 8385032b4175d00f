import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalidIn } from "../kit/errors";
import { monthOf, startOfMonth } from "../kit/localTime";
import { toSum } from "../money/amount";
import { periodsOf } from "./counts";
import { isIssued } from "./invoice";
import { SelectedRows } from "./selectedRows";
import { filtersOf, selectionOf } from "./selection";
import type { ObjectDoc } from "./registry";
import { salesOf } from "./sales";

/**
 * What passed between the organization and a customer: a running account per currency. The opening
 * balance comes from the sums of the months before; only the month in which the statement begins is
 * read document by document.
 */
export type Entry = {
  date: number;
  kind: "invoice" | "credit_note" | "payment" | "refund" | "write_off";
  id: string;
  number: string;
  invoiceId: string;
  /** Above zero what the customer owes more, below zero what they owe less. */
  amountInCents: number;
  balanceInCents: number;
};
export type Statement = {
  currency: string;
  openingBalanceInCents: number;
  invoicedInCents: number;
  creditedInCents: number;
  paidInCents: number;
  writtenOffInCents: number;
  closingBalanceInCents: number;
  entries: Entry[];
};

/** A statement shows at most so many documents of a kind. */
const MAX_ENTRIES = 1000;
/** How far two time zones can lie apart: an organization may have changed its own. */
const SLACK = 27 * 60 * 60 * 1000;

type Customer = ObjectDoc<"crm_contact" | "crm_organization">;
type Posting = Omit<Entry, "balanceInCents"> & { currency: string; month: string };

export async function statementOf(
  ctx: QueryCtx,
  organization: Doc<"organizations">,
  customer: Customer,
  { from, to }: { from: number; to: number },
): Promise<Statement[]> {
  const { timeZone } = organization;
  const month = monthOf(from, timeZone);
  const since = startOfMonth(month, timeZone) - SLACK;
  const until = Math.max(to, from + SLACK);
  const postings = await postingsOf(ctx, customer, { from: since, to: until });
  const opening = await sumsBefore(ctx, customer, month);
  for (const posting of postings) {
    // The sums hold the months before; what differs from "before `from`" is set right one by one.
    const isBefore = posting.date < from;
    const isInSums = posting.month < month;
    if (isBefore && !isInSums) add(opening, posting.currency, BigInt(posting.amountInCents));
    if (!isBefore && isInSums) add(opening, posting.currency, -BigInt(posting.amountInCents));
  }
  const shown = postings.filter(({ date }) => date >= from && date <= to);
  const currencies = [...new Set([...opening.keys(), ...shown.map((p) => p.currency)])].sort();
  return currencies
    .map((currency) => {
      const own = shown.filter((posting) => posting.currency === currency);
      return accountOf(currency, opening.get(currency) ?? 0n, own);
    })
    .filter(
      ({ entries, openingBalanceInCents }) => entries.length > 0 || openingBalanceInCents !== 0,
    );
}

function accountOf(currency: string, opening: bigint, postings: Posting[]): Statement {
  let balance = opening;
  const entries = postings.map(({ currency: _currency, month: _month, ...posting }) => {
    balance += BigInt(posting.amountInCents);
    return { ...posting, balanceInCents: toSum(balance) };
  });
  const sumOf = (...kinds: Entry["kind"][]): bigint =>
    postings
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ amountInCents }) => BigInt(amountInCents))
      .reduce((a, b) => a + b, 0n);
  return {
    currency,
    openingBalanceInCents: toSum(opening),
    invoicedInCents: toSum(sumOf("invoice")),
    creditedInCents: toSum(-sumOf("credit_note")),
    paidInCents: toSum(-sumOf("payment", "refund")),
    writtenOffInCents: toSum(-sumOf("write_off")),
    closingBalanceInCents: toSum(balance),
    entries,
  };
}

/** Everything that changed what the customer owes, in the order of its dates. */
async function postingsOf(
  ctx: QueryCtx,
  customer: Customer,
  dates: { from: number; to: number },
): Promise<Posting[]> {
  const [invoices, notes, payments] = await Promise.all([
    documents(ctx, "invoice", customer, dates),
    documents(ctx, "credit_note", customer, dates),
    documents(ctx, "payment", customer, dates),
  ]);
  const postings: Posting[] = [
    ...invoices
      .filter(({ status }) => isIssued(status))
      .map(({ _id, customProperties: invoice }) => ({
        date: invoice.issueDate,
        kind: "invoice" as const,
        id: _id,
        number: invoice.invoiceNumber,
        invoiceId: _id,
        amountInCents: invoice.totalAmountInCents,
        currency: invoice.currency,
        month: invoice.bookingMonth,
      })),
    ...notes.map(({ _id, customProperties: note }) => ({
      date: note.issueDate,
      kind: "credit_note" as const,
      id: _id,
      number: note.creditNoteNumber,
      invoiceId: note.invoiceId,
      amountInCents: -note.totalAmountInCents,
      currency: note.currency,
      month: note.bookingMonth,
    })),
    ...payments.map(({ _id, subtype, customProperties: payment }) => ({
      date: payment.paidDate,
      kind: subtype,
      id: _id,
      number: payment.transactionRef ?? payment.invoiceNumber,
      invoiceId: payment.invoiceId,
      amountInCents: -payment.amountInCents,
      currency: payment.currency,
      month: payment.bookingMonth,
    })),
  ];
  return postings.sort((a, b) => a.date - b.date);
}

async function documents<T extends "invoice" | "credit_note" | "payment">(
  ctx: QueryCtx,
  type: T,
  customer: Customer,
  dates: { from: number; to: number },
): Promise<ObjectDoc<T>[]> {
  const { organizationId, _id } = customer;
  const owner = customer.type === "crm_contact" ? { parentId: _id } : { relatedId: _id };
  const selection = selectionOf(filtersOf(owner), {
    sort: { column: "documentDate", order: "asc" },
    ranges: { documentDate: dates },
  });
  const rows = new SelectedRows(ctx, organizationId, type, selection);
  const found = await rows.take(MAX_ENTRIES + 1);
  if (found.length <= MAX_ENTRIES) return found;
  const message = `has more than ${MAX_ENTRIES} documents; ask for a shorter time`;
  throw invalidIn("query", "from", message);
}

async function sumsBefore(
  ctx: QueryCtx,
  customer: Customer,
  month: string,
): Promise<Map<string, bigint>> {
  const kind = customer.type === "crm_contact" ? "contact" : "organization";
  const group = salesOf(kind, customer._id);
  const periods = await periodsOf(ctx, customer.organizationId, group, { before: month });
  const balances = new Map<string, bigint>();
  for (const { key, sums = {} } of [...periods.values()].flat()) {
    const [currency = ""] = key;
    const owed = (sums.invoicedNet ?? 0n) + (sums.invoicedTax ?? 0n);
    const credited = (sums.creditedNet ?? 0n) + (sums.creditedTax ?? 0n);
    add(balances, currency, owed - credited - (sums.paid ?? 0n) - (sums.writtenOff ?? 0n));
  }
  return balances;
}

function add(balances: Map<string, bigint>, currency: string, amount: bigint): void {
  balances.set(currency, (balances.get(currency) ?? 0n) + amount);
}
