import * as z from "zod";
import { ApiError } from "../kit/errors";
import { text } from "../kit/text";
import { creditInvoice } from "./creditNoteRules";
import { cancelInvoice } from "./invoiceActions";
import { changeInvoice, createInvoice } from "./invoiceRules";
import { takePayment, writeOffInvoice } from "./paymentRules";
import { changeQuote, createQuote, decideQuote } from "./quoteRules";
import { recurringInvoiceCreation, recurringInvoiceUpdate } from "./recurringInput";
import {
  changeRecurringInvoice,
  createRecurringInvoice,
  endRecurringInvoice,
  pauseRecurringInvoice,
  resumeRecurringInvoice,
} from "./recurringRules";
import {
  creditNoteCreation,
  invoiceCreation,
  invoiceUpdate,
  paymentCreation,
  quoteCreation,
  quoteUpdate,
  writeOff,
} from "./salesInput";
import { syncedType } from "./synced";
import { once } from "../kit/once";

/**
 * Documents of invoicing by way of sync: the server computes, numbers and books as it does for
 * requests. What reaches a customer, such as sending, takes a request of its own.
 */
const CONTENT = [
  "billTo.contactId",
  "billTo.crmOrganizationId",
  "projectId",
  "lineItems.*.contactId",
] as const;

/** A document's subtype is its `type`; of a record that has both, the one that differs was changed. */
function typed({ subtype, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return subtype === undefined ? fields : { type: subtype, ...fields };
}

export const syncedInvoice = syncedType({
  type: "invoice",
  references: CONTENT,
  creation: invoiceCreation,
  update: invoiceUpdate,
  input: typed,
  create: createInvoice,
  change: changeInvoice,
  async become(context, invoice, status) {
    if (status === "cancelled") return await cancelInvoice(context, invoice, undefined);
    if (status === "awaiting_employer_payment") {
      return await changeInvoice(context, invoice, { status });
    }
    throw refusedStatus("invoice", invoice.status, status);
  },
});

export const syncedQuote = syncedType({
  type: "quote",
  references: CONTENT,
  creation: quoteCreation,
  update: quoteUpdate,
  input: typed,
  create: createQuote,
  change: changeQuote,
  async become(context, quote, status) {
    if (status === "accepted" || status === "declined" || status === "cancelled") {
      return await decideQuote(context, quote, status);
    }
    throw refusedStatus("quote", quote.status, status);
  },
});

export const syncedRecurringInvoice = syncedType({
  type: "recurring_invoice",
  references: CONTENT,
  creation: recurringInvoiceCreation,
  update: recurringInvoiceUpdate,
  input: typed,
  create: createRecurringInvoice,
  change: changeRecurringInvoice,
  async become(context, recurring, status) {
    if (status === "paused") return await pauseRecurringInvoice(context, recurring);
    if (status === "active") return await resumeRecurringInvoice(context, recurring);
    if (status === "ended") return await endRecurringInvoice(context, recurring);
    throw refusedStatus("recurring invoice", recurring.status, status);
  },
});

const ofInvoice = once(() => ({ invoiceId: z.string().max(64) }));

/** What is open is for the server to say, so a device names the amount. */
const syncedPaymentCreation = once(() => {
  const { date: _date, ...writeOffFields } = writeOff().shape;
  return z
    .strictObject({
      ...paymentCreation().shape,
      ...writeOffFields,
      ...ofInvoice(),
      subtype: z.enum(["payment", "refund", "write_off"]).optional(),
      amountInCents: paymentCreation().shape.amountInCents.unwrap(),
      paymentMethod: text(50).optional(),
    })
    .refine(({ subtype, amountInCents }) => subtype !== "refund" || amountInCents < 0, {
      path: ["amountInCents"],
      message: "must be below zero for a refund",
    })
    .refine(({ subtype, amountInCents }) => subtype !== "payment" || amountInCents > 0, {
      path: ["amountInCents"],
      message: "must be above zero for a payment",
    });
});

export const syncedPayment = syncedType({
  type: "payment",
  references: ["invoiceId"],
  creation: syncedPaymentCreation,
  async create(context, { invoiceId, subtype, ...fields }) {
    const invoice = await context.store.require("invoice", invoiceId);
    const { amountInCents, paidDate, reason, paymentMethod = "other", transactionRef } = fields;
    if (subtype === "write_off") {
      const date = paidDate === undefined ? {} : { date: paidDate };
      return (await writeOffInvoice(context, invoice, { amountInCents, reason, ...date })).payment;
    }
    const taken = { amountInCents, paidDate, paymentMethod, transactionRef };
    return (await takePayment(context, invoice, taken)).payment;
  },
});

export const syncedCreditNote = syncedType({
  type: "credit_note",
  references: ["invoiceId", "lineItems.*.contactId"],
  creation: () =>
    z.strictObject({
      ...creditNoteCreation().shape,
      ...ofInvoice(),
      subtype: z.enum(["full", "partial"]).optional(),
    }),
  async create(context, { invoiceId, subtype: _subtype, ...fields }) {
    const invoice = await context.store.require("invoice", invoiceId);
    return (await creditInvoice(context, invoice, fields)).note;
  },
});

function refusedStatus(resource: string, status: string, wanted: string): ApiError {
  const message = `A ${resource} does not become ${wanted} by way of sync.`;
  return new ApiError("INVALID_STATE", message, { details: { status, wanted } });
}
