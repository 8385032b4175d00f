import * as z from "zod";
import { deliverQuote } from "../../delivery/documents";
import { created, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { mergedChanges } from "../../kit/mergePatch";
import { currencyCode } from "../../kit/money";
import { text } from "../../kit/text";
import { idFilter, severalOf } from "../../kit/several";
import {
  dateParameters,
  dueParameters,
  listObjects,
  listParametersOf,
  listRequest,
} from "../../ontology/list";
import { quoteType } from "../../ontology/quote";
import { changeQuote, createQuote, decideQuote, invoiceQuote } from "../../ontology/quoteRules";
import { numberKey } from "../../ontology/salesDocument";
import {
  documentType,
  invoiceSending,
  quoteCreation,
  quotePatch,
  quoteUpdate,
} from "../../ontology/salesInput";
import { invoiceRecord, quoteRecord } from "../../ontology/salesRecords";
import { invoiceView, quoteView } from "../../ontology/salesView";
import { newDates, partyFilters } from "./salesShapes";
import { once } from "../../kit/once";

const tag = "Quotes";

/** `POST /quotes/:id/…` that takes a reason. */
const reason = once(() =>
  z
    .strictObject({ reason: text(2000).optional() })
    .optional()
    .meta({ id: "QuoteReason" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/quotes",
    tag,
    summary: "List or search quotes",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    query: () =>
      z.strictObject({
        ...listParametersOf("quote"),
        ...dateParameters(),
        ...dueParameters(),
        ...partyFilters(),
        status: severalOf(z.enum(quoteType.statuses)),
        type: severalOf(documentType()),
        projectId: idFilter(),
        currency: severalOf(currencyCode()),
        quoteNumber: severalOf(text(60).transform(numberKey), { commas: false }),
      }),
    list: true,
    answers: { 200: () => z.array(quoteRecord()) },
  },
  async (ctx, { query }) => {
    const request = listRequest("quote", query);
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "quote", request);
    return ok(rows.map(quoteView), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/quotes",
    tag,
    summary: "Create a draft quote",
    scope: "invoices:write",
    body: quoteCreation,
    example: {
      type: "b2b_single",
      lineItems: [
        {
          description: "Website relaunch: concept and design",
          quantity: 12,
          unit: "days",
          unitPriceInCents: 80_000,
          taxRatePercent: 19,
        },
      ],
      billTo: { name: "Nordlicht Energie GmbH", email: "einkauf@nordlicht.example" },
      discountPercent: 5,
      notes: "Two rounds of corrections are included.",
    },
    answers: { 201: quoteRecord },
    errors: ["CONFLICT", "NOT_FOUND"],
  },
  async (ctx, { body }) => {
    const quote = await createQuote(ctx, body);
    return created(quoteView(quote), { version: quote.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/quotes/:id",
    tag,
    summary: "Get a quote",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    subject: "quote",
    alternatives: { "application/pdf": "/quotes/:id/pdf" },
    answers: { 200: quoteRecord },
  },
  async (_ctx, { subject }) => ok(quoteView(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/quotes/:id",
    tag,
    summary: "Change a quote",
    description:
      "As of invoices. Of a quote that has been sent only `notes` and `customFields` change.",
    scope: "invoices:write",
    subject: "quote",
    body: quotePatch,
    example: { notes: "Three rounds of corrections are included." },
    answers: { 200: quoteRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const quote = await changeQuote(
      ctx,
      subject,
      mergedChanges(quoteUpdate(), subject.customProperties, body),
    );
    return ok(quoteView(quote), { version: quote.version });
  },
);

export const send = writeEndpoint(
  {
    method: "POST",
    path: "/quotes/:id/send",
    tag,
    summary: "Send a quote",
    scope: "invoices:write",
    subject: "quote",
    body: () => invoiceSending().optional(),
    example: {
      channels: ["email"],
      to: "einkauf@nordlicht.example",
      message: "As discussed on the phone.",
    },
    answers: { 200: () => quoteRecord().extend({ notificationIds: z.array(z.string()) }) },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const { quote, notificationIds } = await deliverQuote(ctx, subject, body);
    return ok({ ...quoteView(quote), notificationIds }, { version: quote.version });
  },
);

export const accept = writeEndpoint(
  {
    method: "POST",
    path: "/quotes/:id/accept",
    tag,
    summary: "Record that a quote was accepted",
    scope: "invoices:write",
    subject: "quote",
    answers: { 200: quoteRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => {
    const quote = await decideQuote(ctx, subject, "accepted");
    return ok(quoteView(quote), { version: quote.version });
  },
);

export const decline = writeEndpoint(
  {
    method: "POST",
    path: "/quotes/:id/decline",
    tag,
    summary: "Record that a quote was declined",
    scope: "invoices:write",
    subject: "quote",
    body: reason,
    example: { reason: "The budget went to another project." },
    answers: { 200: quoteRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const quote = await decideQuote(ctx, subject, "declined", body?.reason);
    return ok(quoteView(quote), { version: quote.version });
  },
);

export const cancel = writeEndpoint(
  {
    method: "POST",
    path: "/quotes/:id/cancel",
    tag,
    summary: "Take a quote back",
    scope: "invoices:write",
    subject: "quote",
    body: reason,
    example: { reason: "Replaced by a new quote." },
    answers: { 200: quoteRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const quote = await decideQuote(ctx, subject, "cancelled", body?.reason);
    return ok(quoteView(quote), { version: quote.version });
  },
);

export const invoice = writeEndpoint(
  {
    method: "POST",
    path: "/quotes/:id/invoice",
    tag,
    summary: "Make the draft invoice of an accepted quote",
    scope: "invoices:write",
    subject: "quote",
    body: () => newDates().optional(),
    example: { paymentTerms: "net15" },
    answers: { 201: invoiceRecord },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const made = await invoiceQuote(ctx, subject, body);
    return created(invoiceView(made), { version: made.version });
  },
);
