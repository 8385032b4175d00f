import type { QueryCtx } from "../_generated/server";
import { creditable, creditTotals } from "../money/credit";
import type { TaxShare } from "../money/totals";
import { isIssued } from "./invoice";
import { dueOf } from "./invoiceActions";
import { SelectedRows } from "./selectedRows";
import { filtersOf, selectionOf } from "./selection";
import type { ObjectDoc } from "./registry";
import { differs, figureDifferences } from "./salesIntegrity";

type Invoice = ObjectDoc<"invoice">;

/** More than any invoice has; a pass must still come to its end. */
const MOST = 2000;

/** What an invoice says of its payments and credit notes, compared with those themselves. */
export async function invoiceDifferences(ctx: QueryCtx, invoice: Invoice): Promise<string[]> {
  const { organizationId, _id: subjectId, customProperties: stored } = invoice;
  const about = selectionOf(filtersOf({ subjectId }));
  const payments = await new SelectedRows(ctx, organizationId, "payment", about).take(MOST);
  const notes = await new SelectedRows(ctx, organizationId, "credit_note", about).take(MOST);
  const sumOf = (isWriteOff: boolean): number =>
    payments
      .filter(({ subtype }) => (subtype === "write_off") === isWriteOff)
      .map(({ customProperties }) => customProperties.amountInCents)
      .reduce((a, b) => a + b, 0);
  const derived = {
    amountPaidInCents: sumOf(false),
    amountWrittenOffInCents: sumOf(true),
    amountCreditedInCents: notes
      .map(({ customProperties }) => customProperties.totalAmountInCents)
      .reduce((a, b) => a + b, 0),
  };
  const expected = { ...derived, amountDueInCents: dueOf(stored.totalAmountInCents, derived) };
  const wrong = Object.entries(expected).flatMap(([figure, amount]) => {
    const found = stored[figure as keyof typeof expected];
    return found === amount ? [] : [differs(figure, amount, found)];
  });
  return [...wrong, ...statusDifferences(invoice), ...noteDifferences(invoice, notes)];
}

/** An invoice in the books is paid when nothing is open, and only then. */
function statusDifferences({ status, customProperties: { amountDueInCents } }: Invoice): string[] {
  if (!isIssued(status)) return [];
  const shouldBePaid = amountDueInCents <= 0;
  if (shouldBePaid === (status === "paid")) return [];
  return [`is ${status} with ${amountDueInCents} due`];
}

/** Each credit note's tax depends on what the earlier ones left. */
function noteDifferences(invoice: Invoice, notes: ObjectDoc<"credit_note">[]): string[] {
  const earlier: TaxShare[][] = [];
  return notes.flatMap(({ customProperties: note }) => {
    const left = creditable(invoice.customProperties.taxes, earlier);
    earlier.push(note.taxes);
    const totals = creditTotals(left, note.lineItems, note);
    return figureDifferences(note, totals).map((what) => `${note.creditNoteNumber}: ${what}`);
  });
}
