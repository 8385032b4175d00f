import * as z from "zod";
import { deliverCreditNote } from "../../delivery/documents";
import { created, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { currencyCode } from "../../kit/money";
import { pageParameters } from "../../kit/pageParameters";
import { text } from "../../kit/text";
import { idFilter, severalOf } from "../../kit/several";
import { creditInvoice } from "../../ontology/creditNoteRules";
import { dateParameters, listObjects, listParametersOf, listRequest } from "../../ontology/list";
import { numberKey } from "../../ontology/salesDocument";
import { creditNoteCreation, documentSending } from "../../ontology/salesInput";
import { creditNoteRecord } from "../../ontology/salesRecords";
import { creditNoteView, invoiceView } from "../../ontology/salesView";
import { creditedInvoice, partyFilters } from "./salesShapes";

const tag = "Credit notes";

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/credit-notes",
    tag,
    summary: "Credit an invoice",
    description:
      "Credits all that is left, or the given lines. What is due falls by it; what was paid beyond that is owed to the customer and can be refunded.",
    scope: "invoices:write",
    subject: "invoice",
    body: () => creditNoteCreation().optional(),
    example: { reason: "The work was not needed after all." },
    answers: { 201: creditedInvoice },
    errors: ["CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { subject, body = {} }) => {
    const { note, invoice } = await creditInvoice(ctx, subject, body);
    const answer = { creditNote: creditNoteView(note), invoice: invoiceView(invoice) };
    return created(answer, { version: note.version });
  },
);

export const listOfInvoice = readEndpoint(
  {
    method: "GET",
    path: "/invoices/:id/credit-notes",
    tag,
    summary: "List an invoice's credit notes",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    subject: "invoice",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(creditNoteRecord()) },
  },
  async (ctx, { subject, query }) => {
    const request = listRequest("credit_note", { ...query, invoiceId: subject._id });
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "credit_note", request);
    return ok(rows.map(creditNoteView), { meta });
  },
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/credit-notes",
    tag,
    summary: "List or search credit notes",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    query: () =>
      z.strictObject({
        ...listParametersOf("credit_note"),
        ...dateParameters(),
        ...partyFilters(),
        invoiceId: idFilter(),
        currency: severalOf(currencyCode()),
        creditNoteNumber: severalOf(text(60).transform(numberKey), { commas: false }),
      }),
    list: true,
    answers: { 200: () => z.array(creditNoteRecord()) },
  },
  async (ctx, { query }) => {
    const request = listRequest("credit_note", query);
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "credit_note", request);
    return ok(rows.map(creditNoteView), { meta });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/credit-notes/:id",
    tag,
    summary: "Get a credit note",
    scope: "invoices:read",
    callers: ["api_key", "user", "portal_user"],
    subject: "credit_note",
    alternatives: { "application/pdf": "/credit-notes/:id/pdf" },
    answers: { 200: creditNoteRecord },
  },
  async (_ctx, { subject }) => ok(creditNoteView(subject), { version: subject.version }),
);

export const send = writeEndpoint(
  {
    method: "POST",
    path: "/credit-notes/:id/send",
    tag,
    summary: "Send a credit note",
    description: "Queues one message per recipient, with the PDF. It may be sent again.",
    scope: "invoices:write",
    subject: "credit_note",
    body: () => documentSending().optional(),
    example: { channels: ["email"], to: "rechnung@nordlicht.example" },
    answers: { 200: () => creditNoteRecord().extend({ notificationIds: z.array(z.string()) }) },
    errors: ["CONFLICT"],
  },
  async (ctx, { subject, body = {} }) => {
    const { notificationIds } = await deliverCreditNote(ctx, subject, body);
    return ok({ ...creditNoteView(subject), notificationIds }, { version: subject.version });
  },
);
