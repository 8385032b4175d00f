import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { daysBetween, type Day, type Month, nextMonth } from "../kit/localTime";
import { toSum } from "../money/amount";
import type { TaxCategory } from "../money/totals";
import { type Cell, cellsOf, groupsIn, merged, periodsOf } from "./counts";
import { DUE, SALES, type SalesOwner, salesOf } from "./sales";

/**
 * Reports over what documents have added up as they were written (sales.ts): each reads a row per
 * month, or per owner and month, whatever the number of documents.
 */
export type Revenue = {
  currency: string;
  invoices: number;
  creditNotes: number;
  invoicedNetInCents: number;
  invoicedTaxInCents: number;
  creditedNetInCents: number;
  creditedTaxInCents: number;
  /** Invoiced less credited. */
  netInCents: number;
  taxInCents: number;
  grossInCents: number;
  /** Payments less refunds, by the day of the payment. */
  receivedInCents: number;
  writtenOffInCents: number;
};

type Organization = Id<"organizations">;
type Months = { from: Month; to: Month };

/** Per month and currency, of the organization or of one of its owners. Months without any are left out. */
export async function revenueByMonth(
  ctx: QueryCtx,
  organizationId: Organization,
  months: Months,
  owner?: { kind: SalesOwner; id: string },
): Promise<(Revenue & { month: Month })[]> {
  const group = owner === undefined ? SALES : salesOf(owner.kind, owner.id);
  const periods = await salesPeriods(ctx, organizationId, group, months);
  return [...periods].flatMap(([month, cells]) =>
    revenues(cells).map((revenue) => ({ month, ...revenue })),
  );
}

export type TaxOfRate = {
  month: Month;
  currency: string;
  taxCategory: TaxCategory;
  taxRatePercent: number;
  taxableInCents: number;
  taxInCents: number;
};

/** Tax per month, currency, category and rate: invoices less credit notes. */
export async function taxByMonth(
  ctx: QueryCtx,
  organizationId: Organization,
  months: Months,
): Promise<TaxOfRate[]> {
  const periods = await salesPeriods(ctx, organizationId, SALES, months);
  return [...periods].flatMap(([month, cells]) =>
    sortedByKey(cells).flatMap(({ key: [currency, taxCategory, rate], sums = {} }) =>
      currency === undefined || taxCategory === undefined
        ? []
        : [
            {
              month,
              currency,
              taxCategory: taxCategory as TaxCategory,
              taxRatePercent: Number(rate),
              taxableInCents: toSum(sums.taxable ?? 0n),
              taxInCents: toSum(sums.tax ?? 0n),
            },
          ],
    ),
  );
}

/**
 * Revenue per contact, CRM organization or project over some months, in the order of their ids: of each
 * month the first rows after `after` are read, and the first of all of those are the page.
 */
export async function revenueByOwner(
  ctx: QueryCtx,
  organizationId: Organization,
  kind: SalesOwner,
  months: Months,
  page: { after: string | null; limit: number },
): Promise<{ rows: (Revenue & { id: string })[]; nextAfter: string | null }> {
  const prefix = salesOf(kind, "");
  const after = page.after === null ? null : salesOf(kind, page.after);
  const limit = page.limit + 1;
  const found = await Promise.all(
    monthsOf(months).map(
      async (month) => await groupsIn(ctx, organizationId, month, { prefix, after, limit }),
    ),
  );
  const groups = [...new Set(found.flatMap((inMonth) => [...inMonth.keys()]))].sort();
  const shown = groups.slice(0, page.limit);
  const rows = shown.flatMap((group) => {
    const cells = merged(found.flatMap((inMonth) => inMonth.get(group) ?? []));
    return revenues(cells).map((revenue) => ({ id: group.slice(prefix.length), ...revenue }));
  });
  const last = shown.at(-1);
  const hasMore = groups.length > shown.length && last !== undefined;
  return { rows, nextAfter: hasMore ? last.slice(prefix.length) : null };
}

/** How long a claim is overdue: `notDue`, and so many days at most. */
export const AGES = { notDue: 0, days30: 30, days60: 60, days90: 90, older: Infinity } as const;
export type Age = keyof typeof AGES;
export type OpenItems = {
  currency: string;
  invoices: number;
  totalInCents: number;
} & Record<Age, number>;

/** What is open now, by how long it has been due on a day. */
export async function openItems(
  ctx: QueryCtx,
  organizationId: Organization,
  asOf: Day,
): Promise<OpenItems[]> {
  const periods = await periodsOf(ctx, organizationId, DUE, {});
  const cells = [...periods.values()].flat();
  const currencies = [...new Set(cells.flatMap(({ key }) => key[0] ?? []))].sort();
  return currencies.map((currency) => {
    const own = cells.filter(({ key }) => key[0] === currency);
    const sumOf = (chosen: Cell[]): number =>
      toSum(chosen.map(({ sums }) => sums?.due ?? 0n).reduce((a, b) => a + b, 0n));
    const aged = (age: Age): number =>
      sumOf(own.filter(({ key }) => ageOf(key[1] ?? asOf, asOf) === age));
    return {
      currency,
      invoices: own.map(({ count }) => count).reduce((a, b) => a + b, 0),
      totalInCents: sumOf(own),
      notDue: aged("notDue"),
      days30: aged("days30"),
      days60: aged("days60"),
      days90: aged("days90"),
      older: aged("older"),
    };
  });
}

/** What is open of an owner's invoices, per currency: one row, however many are paid. */
export async function balances(
  ctx: QueryCtx,
  organizationId: Organization,
  ownerId: string,
): Promise<{ currency: string; openInCents: number }[]> {
  const cells = await cellsOf(ctx, organizationId, `invoice@${ownerId}`);
  const byCurrency = new Map<string, bigint>();
  for (const { key, sums } of cells) {
    const currency = key[2];
    if (currency === undefined || sums?.due === undefined) continue;
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + sums.due);
  }
  return [...byCurrency]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, due]) => ({ currency, openInCents: toSum(due) }));
}

function ageOf(dueDay: Day, asOf: Day): Age {
  const days = daysBetween(dueDay, asOf);
  const ages = Object.keys(AGES) as Age[];
  return ages.find((age) => days <= AGES[age]) ?? "older";
}

async function salesPeriods(
  ctx: QueryCtx,
  organizationId: Organization,
  group: string,
  { from, to }: Months,
): Promise<Map<string, Cell[]>> {
  return await periodsOf(ctx, organizationId, group, { from, before: nextMonth(to) });
}

function monthsOf({ from, to }: Months): Month[] {
  const months: Month[] = [];
  for (let month = from; month <= to; month = nextMonth(month)) months.push(month);
  return months;
}

/** Of the cells whose key is a currency alone. */
function revenues(cells: Cell[]): Revenue[] {
  return sortedByKey(cells).flatMap(({ key: [currency, more], count, sums = {} }) => {
    if (currency === undefined || more !== undefined) return [];
    const sum = (name: string): bigint => sums[name] ?? 0n;
    const net = sum("invoicedNet") - sum("creditedNet");
    const tax = sum("invoicedTax") - sum("creditedTax");
    return [
      {
        currency,
        invoices: count,
        creditNotes: toSum(sum("creditNotes")),
        invoicedNetInCents: toSum(sum("invoicedNet")),
        invoicedTaxInCents: toSum(sum("invoicedTax")),
        creditedNetInCents: toSum(sum("creditedNet")),
        creditedTaxInCents: toSum(sum("creditedTax")),
        netInCents: toSum(net),
        taxInCents: toSum(tax),
        grossInCents: toSum(net + tax),
        receivedInCents: toSum(sum("paid")),
        writtenOffInCents: toSum(sum("writtenOff")),
      },
    ];
  });
}

function sortedByKey(cells: Cell[]): Cell[] {
  return [...cells].sort((a, b) => (a.key.join("/") < b.key.join("/") ? -1 : 1));
}
