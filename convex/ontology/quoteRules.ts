import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { ApiError, invalidFields } from "../kit/errors";
import { daysAfter, wholeDayOf } from "../kit/localTime";
import { numberFor } from "./documentNumbers";
import { createInvoice, inputOf, mergedInput } from "./invoiceRules";
import type { ObjectDoc, Properties } from "./registry";
import { contentOf, type InvoicingContext } from "./salesContent";
import type { InvoiceCreation, InvoiceSending, QuoteCreation, QuoteUpdate } from "./salesInput";

type Quote = ObjectDoc<"quote">;

const VALID_DAYS = 30;

/** A draft, with its number. @throws VALIDATION_ERROR; CONFLICT for a number that is taken */
export async function createQuote(context: InvoicingContext, input: QuoteCreation): Promise<Quote> {
  const { organization, store } = context;
  const { type, paymentTerms, notes, customFields = {} } = input;
  const { timeZone } = organization;
  const { issueDate, validUntil } = datesOf(
    timeZone,
    input.issueDate ?? Date.now(),
    input.validUntil,
  );
  const content = await contentOf(context, input);
  const quoteNumber = await numberFor(context, "quote", issueDate, input.quoteNumber);
  return await store.insert("quote", {
    subtype: type,
    status: "draft",
    customProperties: {
      quoteNumber,
      type,
      issueDate,
      validUntil,
      ...content,
      ...(paymentTerms === undefined ? {} : { paymentTerms }),
      ...(notes === undefined ? {} : { notes }),
      customFields: packCustomFields(customFields),
    },
  });
}

/** Given fields change; of a quote that is no draft only notes and custom fields. @throws INVALID_STATE */
export async function changeQuote(
  context: InvoicingContext,
  quote: Quote,
  { notes, customFields, ...decisive }: QuoteUpdate,
): Promise<Quote> {
  const isDecisive = Object.keys(decisive).length > 0;
  if (isDecisive) requireStatus(quote, "draft", "changed");
  const { customProperties: before } = quote;
  const { type, paymentTerms } = decisive;
  const dates = isDecisive
    ? datesOf(
        context.organization.timeZone,
        decisive.issueDate ?? before.issueDate,
        decisive.validUntil ?? before.validUntil,
      )
    : {};
  const content = isDecisive
    ? await contentOf(context, mergedInput(inputOf(before), decisive))
    : {};
  const replaced = { projectId: undefined, discountPercent: undefined, discountInCents: undefined };
  return await context.store.update(quote, {
    ...(type === undefined ? {} : { subtype: type }),
    customProperties: {
      ...(isDecisive ? replaced : {}),
      ...content,
      ...(type === undefined ? {} : { type }),
      ...(paymentTerms === undefined ? {} : { paymentTerms }),
      ...dates,
      ...(notes === undefined ? {} : { notes: notes ?? undefined }),
      ...(customFields === undefined ? {} : { customFields: packCustomFields(customFields) }),
    },
  });
}

/** @throws INVALID_STATE unless it is a draft */
export async function sendQuote(
  { store }: InvoicingContext,
  quote: Quote,
  { sentDate = Date.now(), to }: Pick<InvoiceSending, "sentDate" | "to">,
): Promise<Quote> {
  requireStatus(quote, "draft", "sent");
  const sentTo = Array.isArray(to) ? to.join(", ") : (to ?? quote.customProperties.billTo.email);
  const customProperties = { sentDate, ...(sentTo === undefined ? {} : { sentTo }) };
  return await store.update(quote, { status: "sent", customProperties }, "sent");
}

/** The customer's answer, or ours to an offer that we take back. @throws INVALID_STATE */
export async function decideQuote(
  { store }: InvoicingContext,
  quote: Quote,
  status: "accepted" | "declined" | "expired" | "cancelled",
  reason?: string,
): Promise<Quote> {
  if (status !== "cancelled" || quote.status === "cancelled") requireStatus(quote, "sent", status);
  const customProperties = {
    decidedDate: Date.now(),
    ...(reason === undefined ? {} : { declineReason: reason }),
  };
  return await store.update(quote, { status, customProperties }, status);
}

/**
 * The draft invoice of an accepted quote, with the quote's lines. A quote becomes one invoice.
 * @throws INVALID_STATE, CONFLICT
 */
export async function invoiceQuote(
  context: InvoicingContext,
  quote: Quote,
  dates: Pick<InvoiceCreation, "issueDate" | "dueDate" | "paymentTerms">,
): Promise<ObjectDoc<"invoice">> {
  requireStatus(quote, "accepted", "invoiced");
  const { customProperties: accepted } = quote;
  if (accepted.invoiceId !== undefined) {
    throw new ApiError("CONFLICT", "The quote has become an invoice already.", {
      details: { invoiceId: accepted.invoiceId },
    });
  }
  const { type, paymentTerms, notes, customFields } = accepted;
  const invoice = await createInvoice(
    context,
    {
      ...inputOf(accepted),
      type,
      ...(paymentTerms === undefined ? {} : { paymentTerms }),
      ...(notes === undefined ? {} : { notes }),
      customFields: unpackCustomFields(customFields),
      ...dates,
    },
    { quoteId: quote._id },
  );
  await context.store.update(quote, { customProperties: { invoiceId: invoice._id } }, "invoiced");
  return invoice;
}

function requireStatus({ status }: Quote, wanted: Quote["status"], verb: string): void {
  if (status === wanted) return;
  throw new ApiError("INVALID_STATE", `A ${status} quote cannot be ${verb}.`, {
    details: { status, allowed: [wanted] },
  });
}

/** Days, whatever moments were sent. @throws VALIDATION_ERROR where it ends before it is made */
function datesOf(
  timeZone: string,
  issuedAt: number,
  givenEnd: number | undefined,
): Pick<Properties<"quote">, "issueDate" | "validUntil"> {
  const { first: issueDate } = wholeDayOf(issuedAt, timeZone);
  const validUntil =
    givenEnd === undefined
      ? daysAfter(issueDate, VALID_DAYS, timeZone)
      : wholeDayOf(givenEnd, timeZone).first;
  if (validUntil >= issueDate) return { issueDate, validUntil };
  const message = "must not be before the issue date";
  throw invalidFields([{ field: "validUntil", message }]);
}
