import * as z from "zod";
import { customFields } from "../kit/customFieldsInput";
import { beginsAnew, patchOf } from "../kit/mergePatch";
import { amountFromZero, amountInCents, currencyCode, decimal, percent } from "../kit/money";
import { emailAddress } from "../kit/emailInput";
import { label, longText, text } from "../kit/text";
import { businessDate } from "../kit/time";
import { unitCodeOf } from "../kit/unitCodes";
import { TAX_CATEGORIES } from "../money/totals";
import { address } from "./addressInput";
import { INVOICE_TYPES, PAYMENT_TERMS } from "./salesDocument";
import { once } from "../kit/once";

/** What callers send of documents with lines: invoices, quotes, credit notes, recurring templates. */

const MAX_LINES = 1000;
const MAX_QUANTITY = 1_000_000_000;

const figure = once(() =>
  amountInCents().optional().meta({
    description: "Computed; where it is sent, it must be the computed figure.",
  }),
);

const UNKNOWN_UNIT =
  "must be a code of UN/ECE recommendation 20, such as HUR, or a common word for one, such as hours";

export const lineItem = once(() =>
  z
    .strictObject({
      transactionId: text(200).optional(),
      description: text(1000),
      quantity: decimal(-MAX_QUANTITY, MAX_QUANTITY, 6),
      unit: text(30).optional().meta({
        description:
          "As it is printed: a code of UN/ECE recommendation 20 (`HUR`, `KGM`), a common word for one in English, German or French, or any other word beside a `unitCode`.",
        example: "hours",
      }),
      unitCode: text(30)
        .refine((unit) => unitCodeOf(unit) !== undefined, UNKNOWN_UNIT)
        .optional()
        .meta({
          description: "Of e-invoices (BT-130); what `unit` means where it is not given.",
          example: "HUR",
        }),
      unitPriceInCents: amountInCents(),
      discountPercent: percent().optional(),
      discountInCents: amountInCents().optional(),
      taxRatePercent: percent().optional().meta({ description: "0 where it is not given." }),
      taxCategory: z
        .enum(TAX_CATEGORIES)
        .optional()
        .meta({ description: "By default `standard`, and `zero` for a rate of 0." }),
      taxExemptionReason: text(500).optional(),
      totalPriceInCents: figure(),
      taxAmountInCents: figure(),
      contactId: z
        .string()
        .max(64)
        .optional()
        .meta({ description: "The person whom the line is for, on a `b2b_consolidated` invoice." }),
    })
    .refine(({ unit, unitCode }) => isKnownUnit(unit, unitCode), {
      path: ["unit"],
      message: `${UNKNOWN_UNIT}; any other word needs a unitCode beside it, such as C62 for "one"`,
    })
    .meta({ id: "LineItemInput" }),
);
export type LineItemInput = z.output<ReturnType<typeof lineItem>>;

export const billTo = once(() =>
  z
    .strictObject({
      contactId: z.string().max(64).optional(),
      crmOrganizationId: z.string().max(64).optional(),
      name: label(200).optional(),
      email: emailAddress().optional(),
      address: address().optional(),
      taxId: label(50).optional(),
    })
    .meta({
      id: "BillToInput",
      description:
        "Name, e-mail, address and tax id that are not given are taken over from the CRM, once.",
    })
    .register(beginsAnew, { with: ["contactId", "crmOrganizationId"] }),
);
export type BillToInput = z.output<ReturnType<typeof billTo>>;

function isKnownUnit(unit: string | undefined, unitCode: string | undefined): boolean {
  return unit === undefined || unitCode !== undefined || unitCodeOf(unit) !== undefined;
}

/** What decides the amounts of a document. */
export const contentFields = once(() => ({
  currency: currencyCode().optional().meta({ description: "The organization's by default." }),
  lineItems: z
    .array(lineItem())
    .min(1, "must have at least 1 line")
    .max(MAX_LINES, `must have at most ${MAX_LINES} lines`),
  billTo: billTo(),
  projectId: z.string().max(64).optional(),
  discountPercent: percent().optional().meta({ description: "On the whole document." }),
  discountInCents: amountFromZero().optional().meta({ description: "On the whole document." }),
  subtotalInCents: figure(),
  taxAmountInCents: figure(),
  totalAmountInCents: figure(),
}));
export type ContentInput = z.output<z.ZodObject<ReturnType<typeof contentFields>>>;

export const documentType = once(() => z.enum(INVOICE_TYPES));
export const paymentTerms = once(() => z.enum(PAYMENT_TERMS));
export const documentNumber = once(() => label(50));

export const invoiceCreation = once(() =>
  z
    .strictObject({
      type: documentType(),
      invoiceNumber: documentNumber()
        .optional()
        .meta({ description: "The next `INV-YYYY-MM-###` of the issue date's month by default." }),
      issueDate: businessDate().optional().meta({ description: "A day; today by default." }),
      dueDate: businessDate()
        .optional()
        .meta({ description: "By the payment terms where it is not given." }),
      paymentTerms: paymentTerms()
        .optional()
        .meta({ description: "`net30` where neither they nor a due date are given." }),
      ...contentFields(),
      notes: longText(20_000).optional(),
      customFields: customFields().optional(),
    })
    .meta({ id: "InvoiceCreation" }),
);
export type InvoiceCreation = z.output<ReturnType<typeof invoiceCreation>>;

/** Fields that no amount depends on; `null` clears. */
const looseFields = once(() => ({
  notes: longText(20_000).nullable().optional(),
  customFields: customFields().optional(),
}));

export const invoiceUpdate = once(() =>
  z.strictObject({
    ...z.strictObject(contentFields()).partial().shape,
    type: documentType().optional(),
    invoiceNumber: label(60).optional().meta({ description: "Final: only the present number." }),
    issueDate: businessDate().optional(),
    dueDate: businessDate().optional(),
    paymentTerms: paymentTerms().optional(),
    projectId: z.string().max(64).nullable().optional(),
    discountPercent: percent().nullable().optional(),
    discountInCents: amountFromZero().nullable().optional(),
    ...looseFields(),
    status: z
      .literal("awaiting_employer_payment")
      .optional()
      .meta({ description: "Of a sent B2B invoice; every other status has a route of its own." }),
  }),
);

/** `invoiceUpdate` whose party may be sent in part. */
export const invoicePatch = once(() => patchOf(invoiceUpdate()).meta({ id: "InvoiceUpdate" }));
export type InvoiceUpdate = z.output<ReturnType<typeof invoiceUpdate>>;

export const quoteCreation = once(() =>
  z
    .strictObject({
      type: documentType(),
      quoteNumber: documentNumber().optional(),
      issueDate: businessDate().optional(),
      validUntil: businessDate()
        .optional()
        .meta({ description: "30 days after the issue date by default." }),
      paymentTerms: paymentTerms().optional(),
      ...contentFields(),
      notes: longText(20_000).optional(),
      customFields: customFields().optional(),
    })
    .meta({ id: "QuoteCreation" }),
);
export type QuoteCreation = z.output<ReturnType<typeof quoteCreation>>;

export const quoteUpdate = once(() =>
  z.strictObject({
    ...z.strictObject(contentFields()).partial().shape,
    type: documentType().optional(),
    issueDate: businessDate().optional(),
    validUntil: businessDate().optional(),
    paymentTerms: paymentTerms().optional(),
    projectId: z.string().max(64).nullable().optional(),
    discountPercent: percent().nullable().optional(),
    discountInCents: amountFromZero().nullable().optional(),
    ...looseFields(),
  }),
);

/** `quoteUpdate` whose party may be sent in part. */
export const quotePatch = once(() => patchOf(quoteUpdate()).meta({ id: "QuoteUpdate" }));
export type QuoteUpdate = z.output<ReturnType<typeof quoteUpdate>>;

export const creditNoteCreation = once(() =>
  z
    .strictObject({
      creditNoteNumber: documentNumber().optional(),
      issueDate: businessDate().optional(),
      lineItems: contentFields()
        .lineItems.optional()
        .meta({ description: "What is credited, as positive lines; all that is left by default." }),
      discountPercent: percent().optional().meta({ description: "On the given lines." }),
      discountInCents: amountFromZero().optional().meta({ description: "On the given lines." }),
      subtotalInCents: figure(),
      taxAmountInCents: figure(),
      totalAmountInCents: figure(),
      reason: longText(2000).optional(),
      customFields: customFields().optional(),
    })
    .meta({ id: "CreditNoteCreation" }),
);
export type CreditNoteCreation = z.output<ReturnType<typeof creditNoteCreation>>;

/** How a document goes out. */
export const documentSending = once(() =>
  z
    .strictObject({
      channels: z
        .array(z.enum(["email", "whatsapp"]))
        .max(2)
        .optional()
        .meta({
          description:
            "Those that `to` is made for by default, else e-mail where there is an address.",
        }),
      to: z
        .union([text(254), z.array(text(254)).min(1).max(10)])
        .optional()
        .meta({
          description: "E-mail addresses and phone numbers; the document's own by default.",
        }),
      message: longText(5000).optional().meta({ description: "Stands in the letter." }),
      language: z
        .enum(["en", "de"])
        .optional()
        .meta({ description: "Of the letter; by the organization's locale by default." }),
    })
    .meta({ id: "DocumentSending" }),
);
export type DocumentSending = z.output<ReturnType<typeof documentSending>>;

export const invoiceSending = once(() =>
  z
    .strictObject({ ...documentSending().shape, sentDate: businessDate().optional() })
    .meta({ id: "InvoiceSending" }),
);
export type InvoiceSending = z.output<ReturnType<typeof invoiceSending>>;

export const paymentCreation = once(() =>
  z
    .strictObject({
      amountInCents: amountInCents()
        .refine((amount) => amount !== 0, "must not be 0")
        .optional()
        .meta({ description: "What is open by default; below zero for a refund." }),
      paidDate: businessDate().optional().meta({ description: "A day; today by default." }),
      paymentMethod: text(50),
      transactionRef: label(200)
        .optional()
        .meta({ description: "The same reference twice is one payment." }),
    })
    .meta({ id: "PaymentCreation" }),
);
export type PaymentCreation = z.output<ReturnType<typeof paymentCreation>>;

export const writeOff = once(() =>
  z
    .strictObject({
      amountInCents: amountInCents()
        .refine((amount) => amount !== 0, "must not be 0")
        .optional()
        .meta({ description: "What is open by default; below zero takes a write-off back." }),
      date: businessDate().optional(),
      reason: longText(2000).optional(),
    })
    .meta({ id: "WriteOff" }),
);
export type WriteOff = z.output<ReturnType<typeof writeOff>>;
