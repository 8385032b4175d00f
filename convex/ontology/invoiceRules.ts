import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { ApiError, invalidFields } from "../kit/errors";
import { dayOf, daysAfter, monthOf, wholeDayOf } from "../kit/localTime";
import { numberFor } from "./documentNumbers";
import type { ObjectDoc, Properties } from "./registry";
import { numberIn } from "./serials";
import { contentOf, type InvoicingContext } from "./salesContent";
import type { PAYMENT_TERMS, StoredLine } from "./salesDocument";
import type { ContentInput, InvoiceCreation, InvoiceUpdate, LineItemInput } from "./salesInput";

type Invoice = ObjectDoc<"invoice">;
type InvoiceProperties = Properties<"invoice">;
type Origin = Pick<InvoiceProperties, "quoteId" | "copiedFromId" | "recurringInvoiceId">;
type PaymentTerms = (typeof PAYMENT_TERMS)[number];

const DAYS: Record<PaymentTerms, number> = {
  due_on_receipt: 0,
  net7: 7,
  net15: 15,
  net30: 30,
  net60: 60,
  net90: 90,
};
const DEFAULT_TERMS: PaymentTerms = "net30";

/** A draft, with its number. @throws VALIDATION_ERROR; CONFLICT for a number that is taken */
export async function createInvoice(
  context: InvoicingContext,
  input: InvoiceCreation,
  origin: Origin = {},
): Promise<Invoice> {
  const { organization, store } = context;
  const { type, issueDate = Date.now(), notes, customFields = {} } = input;
  const terms = input.paymentTerms ?? (input.dueDate === undefined ? DEFAULT_TERMS : undefined);
  const content = await contentOf(context, input);
  const dates = datesOf(organization.timeZone, issueDate, input.dueDate, terms);
  const invoiceNumber = await numberFor(context, "invoice", dates.issueDate, input.invoiceNumber);
  return await store.insert("invoice", {
    subtype: type,
    status: "draft",
    customProperties: {
      invoiceNumber,
      type,
      ...dates,
      ...content,
      ...(terms === undefined ? {} : { paymentTerms: terms }),
      ...(notes === undefined ? {} : { notes }),
      amountPaidInCents: 0,
      amountCreditedInCents: 0,
      amountWrittenOffInCents: 0,
      amountDueInCents: content.totalAmountInCents,
      ...origin,
      customFields: packCustomFields(customFields),
    },
  });
}

/**
 * Given fields change. Of an invoice that is no draft only notes and custom fields do, and a sent B2B
 * invoice can be marked as waiting for the employer.
 * @throws INVALID_STATE, VALIDATION_ERROR
 */
export async function changeInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  changes: InvoiceUpdate,
): Promise<Invoice> {
  const { notes, customFields, status, invoiceNumber, ...decisive } = changes;
  const { customProperties: before } = invoice;
  const isOther = (number: string): boolean =>
    numberIn(context.organization, number) !== before.invoiceNumber;
  if (invoiceNumber !== undefined && isOther(invoiceNumber)) {
    throw invalidFields([{ field: "invoiceNumber", message: "is final once it is given" }]);
  }
  if (Object.keys(decisive).length > 0) requireDraft(invoice);
  if (status !== undefined && invoice.subtype === "b2c_single") {
    const message = "is for B2B invoices alone";
    throw invalidFields([{ field: "status", message }]);
  }
  const changed = invoice.status === "draft" ? await redrafted(context, invoice, decisive) : {};
  return await context.store.update(invoice, {
    ...(status === undefined ? {} : { status }),
    ...(decisive.type === undefined ? {} : { subtype: decisive.type }),
    customProperties: {
      ...changed,
      ...(notes === undefined ? {} : { notes: notes ?? undefined }),
      ...(customFields === undefined ? {} : { customFields: packCustomFields(customFields) }),
    },
  });
}

/** A new draft with the same lines, for the same party. */
export async function copyInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  dates: Pick<InvoiceCreation, "issueDate" | "dueDate">,
): Promise<Invoice> {
  const { customProperties: original } = invoice;
  const { type, notes, paymentTerms = DEFAULT_TERMS, customFields } = original;
  return await createInvoice(
    context,
    {
      ...inputOf(original),
      type,
      ...(notes === undefined ? {} : { notes }),
      paymentTerms,
      customFields: unpackCustomFields(customFields),
      ...dates,
    },
    { copiedFromId: invoice._id },
  );
}

/** @throws INVALID_STATE unless the invoice is a draft */
export function requireDraft({ status }: Invoice): void {
  if (status === "draft") return;
  throw new ApiError(
    "INVALID_STATE",
    `Of a ${status} invoice only notes and custom fields change.`,
    {
      details: { status, allowed: ["notes", "customFields"] },
    },
  );
}

/** Stored content as the input that gives the same content again. */
export function inputOf(content: StoredContent): ContentInput {
  const { currency, billTo, projectId, discountPercent, discountInCents } = content;
  return {
    currency,
    lineItems: content.lineItems.map(lineInputOf),
    billTo,
    projectId,
    discountPercent,
    discountInCents,
  };
}
type StoredContent = Pick<
  InvoiceProperties,
  "currency" | "billTo" | "projectId" | "discountPercent" | "discountInCents" | "lineItems"
>;

export function lineInputOf(line: StoredLine): LineItemInput {
  const { totalPriceInCents: _total, taxAmountInCents: _tax, ...input } = line;
  return input;
}

/** What the decisive fields of a draft become. */
async function redrafted(
  context: InvoicingContext,
  { customProperties: before }: Invoice,
  changes: Omit<InvoiceUpdate, "notes" | "customFields" | "status" | "invoiceNumber">,
): Promise<Partial<InvoiceProperties>> {
  const { type, issueDate = before.issueDate, paymentTerms = before.paymentTerms } = changes;
  const { timeZone } = context.organization;
  const termsMove = changes.issueDate !== undefined || changes.paymentTerms !== undefined;
  const given = changes.dueDate ?? (termsMove && paymentTerms ? undefined : before.dueDate);
  const content = await contentOf(context, mergedInput(inputOf(before), changes));
  return {
    ...cleared,
    ...content,
    ...(type === undefined ? {} : { type }),
    ...(paymentTerms === undefined ? {} : { paymentTerms }),
    ...datesOf(timeZone, issueDate, given, paymentTerms),
    amountDueInCents: content.totalAmountInCents,
  };
}

/** Removed first, so that what the new content lacks does not stay. */
const cleared = { projectId: undefined, discountPercent: undefined, discountInCents: undefined };

type ContentChanges = Partial<
  { [F in keyof ContentInput]: ContentInput[F] | null } & Pick<InvoiceUpdate, "lineItems">
>;

/** A discount of one kind takes the place of one of the other. */
export function mergedInput(before: ContentInput, changes: ContentChanges): ContentInput {
  const { discountPercent, discountInCents } = changes;
  const replaced = {
    ...before,
    ...(discountInCents === undefined ? {} : { discountPercent: undefined }),
    ...(discountPercent === undefined ? {} : { discountInCents: undefined }),
  };
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const fields = given.map(([field, value]) => [field, value ?? undefined]);
  return { ...replaced, ...(Object.fromEntries(fields) as Partial<ContentInput>) };
}

type Dates = Pick<InvoiceProperties, "issueDate" | "dueDate" | "bookingMonth" | "dueDay">;

/** A document is dated by days, whatever moment was sent. @throws VALIDATION_ERROR for a due date before the issue date */
function datesOf(
  timeZone: string,
  issuedAt: number,
  givenDueDate: number | undefined,
  terms: PaymentTerms | undefined,
): Dates {
  const { first: issueDate } = wholeDayOf(issuedAt, timeZone);
  const given = givenDueDate === undefined ? null : wholeDayOf(givenDueDate, timeZone);
  const dueDate = given?.first ?? daysAfter(issueDate, DAYS[terms ?? DEFAULT_TERMS], timeZone);
  if (dueDate < issueDate) {
    throw invalidFields([{ field: "dueDate", message: "must not be before the issue date" }]);
  }
  const bookingMonth = monthOf(issueDate, timeZone);
  return { issueDate, dueDate, bookingMonth, dueDay: dayOf(dueDate, timeZone) };
}
