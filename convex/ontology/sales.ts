import type { GenericId } from "convex/values";
import { type TaxShare } from "../money/totals";
import type { Tally } from "./counts";

/**
 * What documents add to the reports: per month of booking and currency, for the whole organization and
 * for each contact, CRM organization and project; tax per rate; and what is due on which day.
 */
export const SALES = "sales";
export const DUE = "due";

export type SalesOwner = "contact" | "organization" | "project";

export function salesOf(owner: SalesOwner, id: string): string {
  return `${SALES}@${owner}:${id}`;
}

type Booking = {
  month: string;
  currency: string;
  /** How many invoices it is: one or none. */
  invoices: number;
  sums: Record<string, bigint>;
  taxes?: readonly TaxShare[];
  /** A credit note takes tax back. */
  sign?: 1 | -1;
  contactId?: GenericId<"objects"> | undefined;
  crmOrganizationId?: GenericId<"objects"> | undefined;
  projectId?: GenericId<"objects"> | undefined;
};

/** The cells of one document: `[currency]` in every group, `[currency, category, rate]` in the whole. */
export function bookingTallies(booking: Booking): Tally[] {
  const { month: period, currency, invoices: count, sums, taxes = [], sign = 1 } = booking;
  const owners = [
    booking.contactId && salesOf("contact", booking.contactId),
    booking.crmOrganizationId && salesOf("organization", booking.crmOrganizationId),
    booking.projectId && salesOf("project", booking.projectId),
  ];
  const groups = [SALES, ...owners.filter((group) => group !== undefined)];
  return [
    ...groups.map((group) => ({ group, period, key: [currency], count, sums })),
    ...taxes.map(({ taxCategory, taxRatePercent, taxableAmountInCents, taxAmountInCents }) => ({
      group: SALES,
      period,
      key: [currency, taxCategory, String(taxRatePercent)],
      count: 0,
      sums: {
        taxable: BigInt(sign * taxableAmountInCents),
        tax: BigInt(sign * taxAmountInCents),
      },
    })),
  ];
}

/** What is open, by the day on which it is or was due. */
export function dueTallies(currency: string, dueDay: string, amountDueInCents: number): Tally[] {
  if (amountDueInCents === 0) return [];
  const period = dueDay.slice(0, "2026-11".length);
  const sums = { due: BigInt(amountDueInCents) };
  return [{ group: DUE, period, key: [currency, dueDay], count: 1, sums }];
}
