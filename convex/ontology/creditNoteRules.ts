import { packCustomFields } from "../kit/customFields";
import { ApiError, FieldError, invalidFields } from "../kit/errors";
import { monthOf, wholeDayOf } from "../kit/localTime";
import { creditable, CreditTooLarge, creditTotals } from "../money/credit";
import type { TaxShare } from "../money/totals";
import { numberFor } from "./documentNumbers";
import { rebalance, requireIssued } from "./invoiceActions";
import { lineInputOf } from "./invoiceRules";
import { SelectedRows } from "./selectedRows";
import { filtersOf, OLDEST_FIRST, selectionOf } from "./selection";
import type { ObjectDoc, Properties } from "./registry";
import { type InvoicingContext, linesOf, pricedContent } from "./salesContent";
import type { CreditNoteCreation, LineItemInput } from "./salesInput";
import type { QueryCtx } from "../_generated/server";

type Invoice = ObjectDoc<"invoice">;
type CreditNote = ObjectDoc<"credit_note">;

const MAX_CREDIT_NOTES = 1000;

/**
 * Credits an invoice: what is due falls by it, and where that is paid already the customer is owed.
 * Without lines it credits all that is left.
 * @throws INVALID_STATE; CONFLICT for more than is left, in all or of a tax rate
 */
export async function creditInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  input: CreditNoteCreation,
): Promise<{ note: CreditNote; invoice: Invoice }> {
  requireIssued(invoice, "cannot be credited");
  const { store, organization } = context;
  const { customProperties: original } = invoice;
  const earlier = await creditNotesOf(context, invoice);
  const left = creditable(
    original.taxes,
    earlier.map(({ customProperties: { taxes } }) => taxes),
  );
  const wanted = wantedOf(invoice, left, earlier.length === 0, input);
  const lines = await linesOf(store, wanted.lineItems);
  const priced = fitting(() =>
    pricedContent(lines, wanted, (unpriced, discount) => creditTotals(left, unpriced, discount)),
  );
  const { reason, customFields = {} } = input;
  const issueDate = dayOfNote(organization.timeZone, input.issueDate, original);
  const number = await numberFor(context, "credit_note", issueDate, input.creditNoteNumber);
  const { currency, billTo, projectId, invoiceNumber, amountCreditedInCents } = original;
  const isFull = priced.totalAmountInCents === original.totalAmountInCents;
  const note = await store.insert("credit_note", {
    subtype: isFull ? "full" : "partial",
    status: "issued",
    customProperties: {
      creditNoteNumber: number,
      invoiceId: invoice._id,
      invoiceNumber,
      issueDate,
      bookingMonth: monthOf(issueDate, organization.timeZone),
      currency,
      billTo,
      ...(projectId === undefined ? {} : { projectId }),
      ...priced,
      ...(reason === undefined ? {} : { reason }),
      customFields: packCustomFields(customFields),
    },
  });
  const credited = amountCreditedInCents + priced.totalAmountInCents;
  const changes = { amountCreditedInCents: credited };
  return { note, invoice: await rebalance(context, invoice, changes, "credited") };
}

/**
 * The day of a credit note. @throws VALIDATION_ERROR before the day of its invoice; by default it is
 * made today, and never before an invoice that is dated ahead
 */
function dayOfNote(
  timeZone: string,
  given: number | undefined,
  invoice: Pick<Properties<"invoice">, "issueDate">,
): number {
  const earliest = wholeDayOf(invoice.issueDate, timeZone).first;
  const { first: day } = wholeDayOf(given ?? Date.now(), timeZone);
  if (day >= earliest) return day;
  if (given === undefined) return earliest;
  const message = "must not be before the issue date of the invoice";
  throw invalidFields([{ field: "issueDate", message }]);
}

/** An invoice's credit notes, oldest first. @throws CONFLICT when it has too many to take one more */
export async function creditNotesOf(ctx: QueryCtx, invoice: Invoice): Promise<CreditNote[]> {
  const { organizationId, _id: subjectId } = invoice;
  const ofInvoice = selectionOf(filtersOf({ subjectId }), { sort: OLDEST_FIRST });
  const notes = new SelectedRows(ctx, organizationId, "credit_note", ofInvoice);
  const found = await notes.take(MAX_CREDIT_NOTES);
  if (found.length < MAX_CREDIT_NOTES) return found;
  throw new ApiError("CONFLICT", `An invoice has fewer than ${MAX_CREDIT_NOTES} credit notes.`);
}

type Wanted = Pick<
  CreditNoteCreation,
  | "discountPercent"
  | "discountInCents"
  | "subtotalInCents"
  | "taxAmountInCents"
  | "totalAmountInCents"
> & { lineItems: LineItemInput[] };

/** What to credit: the lines that are given; else those of the invoice, or one per rate of what is left. */
function wantedOf(
  { customProperties: invoice }: Invoice,
  left: readonly TaxShare[],
  isFirst: boolean,
  input: CreditNoteCreation,
): Wanted {
  const { subtotalInCents, taxAmountInCents, totalAmountInCents, lineItems } = input;
  const figures = { subtotalInCents, taxAmountInCents, totalAmountInCents };
  if (lineItems) {
    const { discountPercent, discountInCents } = input;
    return { ...figures, discountPercent, discountInCents, lineItems };
  }
  requireNoDiscount(input);
  if (left.length === 0) throw nothingLeft();
  if (isFirst) {
    const { discountPercent, discountInCents } = invoice;
    const all = invoice.lineItems.map(lineInputOf);
    return { ...figures, discountPercent, discountInCents, lineItems: all };
  }
  return { ...figures, lineItems: left.map((share) => restOf(invoice.invoiceNumber, share)) };
}

/** All that is left has been discounted already, as the invoice was. */
function requireNoDiscount(input: CreditNoteCreation): void {
  const names = ["discountPercent", "discountInCents"] as const;
  const given = names.filter((name) => input[name] !== undefined);
  if (given.length === 0) return;
  throw invalidFields(given.map((field) => ({ field, message: "needs lineItems" })));
}

function restOf(invoiceNumber: string, share: TaxShare): LineItemInput {
  const { taxCategory, taxRatePercent, taxableAmountInCents } = share;
  return {
    description: `Rest of ${invoiceNumber}`,
    quantity: 1,
    unitPriceInCents: taxableAmountInCents,
    taxCategory,
    taxRatePercent,
    ...(taxCategory === "exempt" ? { taxExemptionReason: `As on ${invoiceNumber}` } : {}),
  };
}

function fitting<Result>(credit: () => Result): Result {
  try {
    return credit();
  } catch (error) {
    if (!(error instanceof CreditTooLarge)) throw error;
    const { share, left } = error;
    if (!left) {
      const rate = `${share.taxCategory} at ${share.taxRatePercent} %`;
      const message = `has nothing left that is taxed as ${rate}`;
      throw invalidFields([{ field: "lineItems", message: `the invoice ${message}` }]);
    }
    if (Math.sign(share.taxableAmountInCents) !== Math.sign(left.taxableAmountInCents)) {
      const message = "must take back what the invoice charges, in lines of the same sign";
      throw invalidFields([{ field: "lineItems", message }]);
    }
    throw new FieldError("CONFLICT", "It credits more than is left of the invoice.", "lineItems", {
      taxCategory: left.taxCategory,
      taxRatePercent: left.taxRatePercent,
      taxableLeftInCents: left.taxableAmountInCents,
      taxableCreditedInCents: share.taxableAmountInCents,
    });
  }
}

function nothingLeft(): ApiError {
  return new ApiError("CONFLICT", "The invoice is credited in full already.", { details: null });
}
