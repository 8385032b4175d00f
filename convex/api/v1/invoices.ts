import * as z from "zod";
import { created, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { mergedChanges } from "../../kit/mergePatch";
import { text } from "../../kit/text";
import { idFilter, severalOf } from "../../kit/several";
import { invoiceType } from "../../ontology/invoice";
import { deliverInvoice } from "../../delivery/documents";
import { remindByHand } from "../../delivery/reminders";
import { reminderLevel } from "../../kit/reminderSettings";
import { cancelInvoice } from "../../ontology/invoiceActions";
import { changeInvoice, copyInvoice, createInvoice } from "../../ontology/invoiceRules";
import {
  dateParameters,
  dueParameters,
  listObjects,
  listParametersOf,
  listRequest,
} from "../../ontology/list";
import { recordPayment, writeOffInvoice } from "../../ontology/paymentRules";
import { numberKey } from "../../ontology/salesDocument";
import {
  documentSending,
  documentType,
  invoiceCreation,
  invoiceSending,
  invoicePatch,
  invoiceUpdate,
  paymentCreation,
  writeOff,
} from "../../ontology/salesInput";
import { invoiceRecord, paymentRecord } from "../../ontology/salesRecords";
import { invoiceView, paymentView } from "../../ontology/salesView";
import { pageParameters } from "../../kit/pageParameters";
import { currencyCode } from "../../kit/money";
import { newDates, partyFilters } from "./salesShapes";

const tag = "Invoices";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/invoices",
    tag,
    summary: "List or search invoices",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    saysUndefined: ["status", "type", "contactId", "limit", "offset"],
    query: () =>
      z.strictObject({
        ...listParametersOf("invoice"),
        ...dateParameters(),
        ...dueParameters(),
        ...partyFilters(),
        status: severalOf(z.enum(invoiceType.statuses)),
        type: severalOf(documentType()),
        projectId: idFilter(),
        currency: severalOf(currencyCode()),
        invoiceNumber: severalOf(text(60).transform(numberKey), { commas: false }),
      }),
    list: true,
    answers: { 200: () => z.array(invoiceRecord()) },
  },
  async (ctx, { query }) => {
    const request = listRequest("invoice", query);
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "invoice", request);
    return ok(rows.map(invoiceView), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/invoices",
    tag,
    summary: "Create a draft invoice",
    description:
      "Every total is computed; totals that are sent are compared, and a difference is refused with the expected figures. Name, e-mail and address of `billTo` are taken over from the CRM where they are not given.",
    scope: "invoices:write",
    body: invoiceCreation,
    example: {
      type: "b2b_single",
      lineItems: [
        {
          description: "Design sprint",
          quantity: 5,
          unit: "days",
          unitPriceInCents: 80_000,
          taxRatePercent: 19,
        },
        {
          description: "Hosting",
          quantity: 12,
          unit: "months",
          unitPriceInCents: 2_900,
          taxRatePercent: 19,
        },
      ],
      billTo: {
        name: "Nordlicht Energie GmbH",
        email: "rechnung@nordlicht.example",
        address: {
          street: "Lützner Straße 12",
          postalCode: "04177",
          city: "Leipzig",
          country: "DE",
        },
      },
      paymentTerms: "net15",
      notes: "Thank you for working with us.",
    },
    answers: { 201: invoiceRecord },
    errors: ["CONFLICT", "NOT_FOUND"],
  },
  async (ctx, { body }) => {
    const invoice = await createInvoice(ctx, body);
    return created(invoiceView(invoice), { version: invoice.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/invoices/:id",
    tag,
    summary: "Get an invoice",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    subject: "invoice",
    alternatives: { "application/pdf": "/invoices/:id/pdf" },
    answers: { 200: invoiceRecord },
  },
  async (_ctx, { subject }) => ok(invoiceView(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/invoices/:id",
    tag,
    summary: "Change an invoice",
    description:
      "Given fields change, those of `billTo` one by one, unless it names another party; lines are replaced as a whole. Of an invoice that has been sent only `notes` and `customFields` change, and a B2B one can be marked as `awaiting_employer_payment`.",
    scope: "invoices:write",
    subject: "invoice",
    body: invoicePatch,
    example: { notes: "Your purchase order: 4711." },
    answers: { 200: invoiceRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const invoice = await changeInvoice(
      ctx,
      subject,
      mergedChanges(invoiceUpdate(), subject.customProperties, body),
    );
    return ok(invoiceView(invoice), { version: invoice.version });
  },
);

export const send = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/send",
    tag,
    summary: "Send an invoice",
    description:
      "Queues one message per recipient, with the PDF, and answers without waiting for it: `notificationIds` are followed under `/notifications`. With `channels: []` it is only recorded as sent; so is an invoice without any address, unless a channel is asked for.",
    scope: "invoices:write",
    subject: "invoice",
    body: () => invoiceSending().optional(),
    example: {
      channels: ["email"],
      to: "rechnung@nordlicht.example",
      message: "Please find our invoice attached.",
    },
    answers: { 200: () => invoiceRecord().extend({ notificationIds: z.array(z.string()) }) },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const { invoice, notificationIds } = await deliverInvoice(ctx, subject, body);
    return ok({ ...invoiceView(invoice), notificationIds }, { version: invoice.version });
  },
);

export const remind = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/remind",
    tag,
    summary: "Remind of an invoice",
    description:
      "At the next level where none is given. Rules that remind by themselves are `reminders` of the organization's settings.",
    scope: "invoices:write",
    subject: "invoice",
    body: () =>
      documentSending()
        .extend({ level: reminderLevel().optional() })
        .meta({ id: "InvoiceReminder" })
        .optional(),
    example: {
      level: 1,
      channels: ["email"],
      to: "rechnung@nordlicht.example",
      message: "Perhaps it has escaped your notice.",
    },
    answers: { 200: () => invoiceRecord().extend({ notificationIds: z.array(z.string()) }) },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const { invoice, notificationIds } = await remindByHand(ctx, subject, body);
    return ok({ ...invoiceView(invoice), notificationIds }, { version: invoice.version });
  },
);

export const pay = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/pay",
    tag,
    summary: "Record a payment or a refund",
    description:
      "The amount is what is open where it is not given, and below zero for a refund. The same `transactionRef` twice is one payment.",
    scope: "invoices:write",
    subject: "invoice",
    body: paymentCreation,
    example: { paymentMethod: "bank_transfer", transactionRef: "SEPA-20261014-0042" },
    answers: { 200: invoiceRecord },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const invoice = await recordPayment(ctx, subject, body);
    return ok(invoiceView(invoice), { version: invoice.version });
  },
);

export const cancel = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/cancel",
    tag,
    summary: "Cancel an invoice",
    description: "It keeps its number. One that is settled in part is not cancelled.",
    scope: "invoices:write",
    subject: "invoice",
    body: () =>
      z
        .strictObject({ reason: text(2000).optional() })
        .optional()
        .meta({ id: "InvoiceCancellation" }),
    example: { reason: "Written twice by mistake." },
    answers: { 200: invoiceRecord },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const invoice = await cancelInvoice(ctx, subject, body?.reason);
    return ok(invoiceView(invoice), { version: invoice.version });
  },
);

export const giveUp = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/write-off",
    tag,
    summary: "Write off what is open",
    description: "The amount is what is open where it is not given; below zero takes it back.",
    scope: "invoices:write",
    subject: "invoice",
    body: () => writeOff().optional(),
    example: { reason: "The customer is insolvent." },
    answers: { 200: invoiceRecord },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const { invoice } = await writeOffInvoice(ctx, subject, body);
    return ok(invoiceView(invoice), { version: invoice.version });
  },
);

export const copy = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/copy",
    tag,
    summary: "Copy an invoice into a new draft",
    scope: "invoices:write",
    subject: "invoice",
    body: () => newDates().optional(),
    example: { paymentTerms: "net30" },
    answers: { 201: invoiceRecord },
  },
  async (ctx, { subject, body = {} }) => {
    const invoice = await copyInvoice(ctx, subject, body);
    return created(invoiceView(invoice), { version: invoice.version });
  },
);

export const listPayments = readEndpoint(
  {
    method: "GET",
    path: "/invoices/:id/payments",
    tag,
    summary: "List an invoice's payments, refunds and write-offs",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    subject: "invoice",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(paymentRecord()) },
  },
  async (ctx, { subject, query }) => {
    const request = listRequest("payment", { ...query, invoiceId: subject._id });
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "payment", request);
    return ok(rows.map(paymentView), { meta });
  },
);
