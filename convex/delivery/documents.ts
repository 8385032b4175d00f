import { requireVerifiedEmail } from "../accounts/verified";
import type { Id } from "../_generated/dataModel";
import { invalidFields } from "../kit/errors";
import { sendInvoice } from "../ontology/invoiceActions";
import { sendQuote } from "../ontology/quoteRules";
import type { ObjectDoc } from "../ontology/registry";
import type { InvoicingContext } from "../ontology/salesContent";
import type { StoredParty } from "../ontology/salesDocument";
import type { DocumentSending, InvoiceSending } from "../ontology/salesInput";
import type { DocumentFormat } from "../schemas/documentSchemas";
import { documentData, type SalesDocument } from "./letterData";
import { type OutboundMessage, queueMessages } from "./outbox";
import { knownAddress, type Recipient, recipientsOf } from "./recipients";
import { languageOf } from "./wording";

/** Sends documents: the record of it and the messages are one transaction. */
type Queued = { notificationIds: Id<"notifications">[] };

/** Invoices that wait for their money are sent again when somebody asks for it. */
const SENT_AGAIN: readonly string[] = ["sent", "awaiting_employer_payment", "overdue"];

/**
 * A draft invoice goes out by every channel: one message per recipient, with its PDF. One that is sent
 * goes out again, and stays as it is.
 * @throws INVALID_STATE; as `recipientsOf`
 */
export async function deliverInvoice(
  context: InvoicingContext,
  invoice: ObjectDoc<"invoice">,
  input: InvoiceSending,
): Promise<Queued & { invoice: ObjectDoc<"invoice"> }> {
  if (SENT_AGAIN.includes(invoice.status)) {
    return { invoice, notificationIds: await sendAgain(context, invoice, input) };
  }
  const { recipients, sentTo } = await addresseesOf(context, invoice, input);
  const sent = await sendInvoice(context, invoice, { ...input, ...sentTo });
  return { invoice: sent, notificationIds: await deliver(context, sent, recipients, input) };
}

/**
 * An invoice goes out by e-mail without anybody asking, as one of a recurring invoice does: an address
 * that takes no mail shows on its message, and holds nothing up. @throws INVALID_STATE
 */
export async function deliverUnasked(
  context: InvoicingContext,
  invoice: ObjectDoc<"invoice">,
): Promise<Queued & { invoice: ObjectDoc<"invoice"> }> {
  const recipients = await knownAddress(context, invoice.customProperties.billTo, "email");
  const sent = await sendInvoice(context, invoice, {});
  return { invoice: sent, notificationIds: await deliver(context, sent, recipients, {}) };
}

/** @throws INVALID_STATE; as `recipientsOf` */
export async function deliverQuote(
  context: InvoicingContext,
  quote: ObjectDoc<"quote">,
  input: InvoiceSending,
): Promise<Queued & { quote: ObjectDoc<"quote"> }> {
  if (quote.status === "sent") {
    return { quote, notificationIds: await sendAgain(context, quote, input) };
  }
  const { recipients, sentTo } = await addresseesOf(context, quote, input);
  const sent = await sendQuote(context, quote, { ...input, ...sentTo });
  return { quote: sent, notificationIds: await deliver(context, sent, recipients, input) };
}

/** A credit note may go out again: nothing of it changes. @throws as `recipientsOf` */
export async function deliverCreditNote(
  context: InvoicingContext,
  note: ObjectDoc<"credit_note">,
  input: DocumentSending,
): Promise<Queued> {
  return { notificationIds: await sendAgain(context, note, input) };
}

/**
 * Sends what is issued already: nothing of it changes, and its history says to whom it went and how.
 * @throws VALIDATION_ERROR without anybody to send it to, or for a date of sending; as `recipientsOf`
 */
async function sendAgain(
  context: InvoicingContext,
  document: SalesDocument,
  input: InvoiceSending,
): Promise<Id<"notifications">[]> {
  if (input.sentDate !== undefined) {
    const message = "is for a draft: this one is sent already, and keeps its date";
    throw invalidFields([{ field: "sentDate", message }]);
  }
  const { recipients } = await addresseesOf(context, document, input);
  if (recipients.length === 0 && document.type !== "credit_note") {
    const field = input.channels === undefined ? "to" : "channels";
    const message = "is required: it is sent already, and there is nobody to send it to again";
    throw invalidFields([{ field, message }]);
  }
  const notificationIds = await deliver(context, document, recipients, input);
  const to = recipients.map(({ channel, to }) => ({ channel, to }));
  await context.store.recordHappening(document, "sent", { notificationIds, to });
  return notificationIds;
}

async function addresseesOf(
  context: InvoicingContext,
  { customProperties: { billTo } }: { customProperties: { billTo: StoredParty } },
  input: DocumentSending,
): Promise<{ recipients: Recipient[]; sentTo: { to?: string[] } }> {
  const recipients = await recipientsOf(context, billTo, input);
  const sentTo = recipients.length === 0 ? {} : { to: recipients.map(({ to }) => to) };
  return { recipients, sentTo };
}

async function deliver(
  context: InvoicingContext,
  document: SalesDocument,
  recipients: readonly Recipient[],
  { message, language = languageOf(context.organization) }: DocumentSending,
): Promise<Id<"notifications">[]> {
  const { organization, store } = context;
  if (recipients.length > 0) requireVerifiedEmail(store.scope);
  const data = documentData(organization, document, language);
  const text = message?.trim() ?? "";
  if (text !== "") data["message"] = text;
  const messages = recipients.map((recipient) => ({
    ...recipient,
    ...aboutDocument(document),
    template: document.type,
    language,
    data,
  }));
  return await queueMessages(context, organization._id, messages);
}

/** What a message about a document belongs to, and what it carries. */
export function aboutDocument(
  document: SalesDocument,
  format: DocumentFormat = "pdf",
): Pick<OutboundMessage, "objectId" | "contactId" | "attachments"> {
  const { _id: objectId, customProperties } = document;
  const { contactId } = customProperties.billTo;
  return {
    objectId,
    ...(contactId === undefined ? {} : { contactId }),
    attachments: [{ objectId, format }],
  };
}
