import * as z from "zod";
import { once } from "../kit/once";
import { TAX_CATEGORIES } from "../money/totals";
import { invoiceType } from "./invoice";
import { INVOICE_TYPES } from "./salesDocument";

/** What documents are shown as, for those who describe the API; salesView.ts makes it. */

const identity = once(() => ({
  _id: z.string(),
  id: z.string(),
  organizationId: z.string(),
  name: z.string().meta({ description: "The document's number." }),
  version: z.number().int(),
  createdBy: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
}));

const shownAddress = once(() =>
  z.object({
    street: z.string().optional(),
    city: z.string().optional(),
    state: z.string().optional(),
    postalCode: z.string().optional(),
    country: z.string().optional(),
  }),
);

const shownLine = once(() =>
  z.object({
    transactionId: z.string().optional(),
    description: z.string(),
    quantity: z.number(),
    unit: z.string().optional(),
    unitCode: z.string().optional(),
    unitPriceInCents: z.number(),
    discountPercent: z.number().optional(),
    discountInCents: z.number().optional(),
    totalPriceInCents: z.number(),
    taxCategory: z.enum(TAX_CATEGORIES),
    taxRatePercent: z.number(),
    taxExemptionReason: z.string().optional(),
    taxAmountInCents: z.number(),
    contactId: z.string().optional(),
  }),
);

const shownParty = once(() =>
  z.object({
    contactId: z.string().optional(),
    crmOrganizationId: z.string().optional(),
    name: z.string(),
    email: z.string().optional(),
    address: shownAddress().optional(),
    taxId: z.string().optional(),
  }),
);

const shownTaxShare = once(() =>
  z.object({
    taxCategory: z.enum(TAX_CATEGORIES),
    taxRatePercent: z.number(),
    taxableAmountInCents: z.number(),
    taxAmountInCents: z.number(),
  }),
);

const shownContent = once(() => ({
  currency: z.string(),
  lineItems: z.array(shownLine()),
  billTo: shownParty(),
  projectId: z.string().optional(),
  discountPercent: z.number().optional(),
  discountInCents: z.number().optional(),
  subtotalInCents: z.number().int().meta({ description: "The lines' nets, added up." }),
  discountAmountInCents: z.number().int().meta({ description: "On the whole document." }),
  netAmountInCents: z.number().int().meta({ description: "Subtotal less that discount." }),
  taxAmountInCents: z.number().int(),
  totalAmountInCents: z.number().int().meta({ description: "Net plus tax." }),
  taxes: z.array(shownTaxShare()).meta({ description: "Per tax category and rate." }),
  customFields: z.record(z.string(), z.unknown()),
}));

export const invoiceRecord = once(() =>
  z
    .object({
      ...identity(),
      type: z.literal("invoice"),
      subtype: z.enum(INVOICE_TYPES),
      status: z.enum(invoiceType.statuses),
      customProperties: z.looseObject({
        invoiceNumber: z.string(),
        type: z.enum(INVOICE_TYPES),
        issueDate: z.number(),
        dueDate: z.number(),
        sentDate: z.number().optional(),
        paymentTerms: z.string().optional(),
        notes: z.string().optional(),
        ...shownContent(),
        amountPaidInCents: z.number().int(),
        amountCreditedInCents: z.number().int(),
        amountWrittenOffInCents: z.number().int(),
        amountDueInCents: z.number().int(),
        perPerson: z
          .array(
            z.object({
              contactId: z.string(),
              subtotalInCents: z.number().int(),
              taxAmountInCents: z.number().int(),
            }),
          )
          .optional()
          .meta({ description: "Of lines that are for several people: each one's part." }),
      }),
    })
    .meta({ id: "Invoice" }),
);

export const creditNoteRecord = once(() =>
  z
    .object({
      ...identity(),
      type: z.literal("credit_note"),
      subtype: z.enum(["full", "partial"]),
      status: z.literal("issued"),
      customProperties: z.looseObject({
        creditNoteNumber: z.string(),
        invoiceId: z.string(),
        invoiceNumber: z.string(),
        issueDate: z.number(),
        reason: z.string().optional(),
        ...shownContent(),
      }),
    })
    .meta({ id: "CreditNote" }),
);

export const quoteRecord = once(() =>
  z
    .object({
      ...identity(),
      type: z.literal("quote"),
      subtype: z.enum(INVOICE_TYPES),
      status: z.enum(["draft", "sent", "accepted", "declined", "expired", "cancelled"]),
      customProperties: z.looseObject({
        quoteNumber: z.string(),
        issueDate: z.number(),
        validUntil: z.number(),
        invoiceId: z.string().optional(),
        ...shownContent(),
      }),
    })
    .meta({ id: "Quote" }),
);

export const recurringInvoiceRecord = once(() =>
  z
    .object({
      ...identity(),
      type: z.literal("recurring_invoice"),
      subtype: z.enum(INVOICE_TYPES),
      status: z.enum(["active", "paused", "ended"]),
      customProperties: z.looseObject({
        title: z.string(),
        schedule: z.looseObject({ frequency: z.string(), interval: z.number() }),
        delivery: z.enum(["draft", "send"]),
        nextDay: z.string().optional(),
        runs: z.number().int(),
        ...shownContent(),
      }),
    })
    .meta({ id: "RecurringInvoice" }),
);

export const paymentRecord = once(() =>
  z
    .object({
      ...identity(),
      type: z.literal("payment"),
      subtype: z.enum(["payment", "refund", "write_off"]),
      status: z.literal("recorded"),
      customProperties: z.looseObject({
        invoiceId: z.string(),
        invoiceNumber: z.string(),
        currency: z.string(),
        amountInCents: z.number().int(),
        paidDate: z.number(),
        paymentMethod: z.string().optional(),
        transactionRef: z.string().optional(),
        reason: z.string().optional(),
      }),
    })
    .meta({ id: "Payment" }),
);
