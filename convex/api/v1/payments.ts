import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { notFound } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { personalReadEndpoint } from "../../kit/personalEndpoint";
import { text } from "../../kit/text";
import { currentLink, requestLink } from "../../payments/links";
import { dismiss as dismissPayment, matchTo } from "../../payments/matching";
import { once } from "../../kit/once";

const tag = "Payments";
const params = once(() => z.object({ id: z.string() }));

const record = once(() =>
  z
    .object({
      id: z.string(),
      provider: z.string(),
      reference: z.string(),
      kind: z.enum(["payment", "refund"]),
      amountInCents: z.number().int().meta({ description: "Above zero, also of a refund." }),
      currency: z.string(),
      paidAt: z.number(),
      invoiceId: z.string().nullable(),
      invoiceNumber: z.string().nullable(),
      status: z.enum(["unmatched", "applied", "dismissed"]),
      reason: z.string().nullable(),
      receivedAt: z.number(),
    })
    .meta({ id: "IncomingPayment" }),
);

export const listUnmatched = readEndpoint(
  {
    method: "GET",
    path: "/payments/unmatched",
    tag,
    summary: "List payments that fit no invoice, newest first",
    description:
      "They wait here until somebody matches or dismisses them, or their invoice is sent.",
    scope: "invoices:read",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(record()) },
  },
  async (ctx, { query }) => {
    const unmatched = ctx.db
      .query("incomingPayments")
      .withIndex("by_status", (q) =>
        q.eq("organizationId", ctx.caller.organizationId).eq("status", "unmatched"),
      )
      .order("desc");
    const { rows, meta } = await pageThrough("payments/unmatched", pagingOf(query), unmatched);
    return ok(rows.map(paymentView), { meta });
  },
);

export const listUnplaced = personalReadEndpoint(
  {
    method: "GET",
    path: "/admin/payments/unplaced",
    tag: "Administration",
    summary: "List payments of which nobody can tell whose they are, newest first",
    description:
      "For administrators of the deployment: what came to its own address while it has several organizations, and names none. `PAYMENTS_ORGANIZATION_ID` says whose the deployment's credentials are.",
    forAdministrators: true,
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(record()) },
  },
  async (ctx, { query }) => {
    const unplaced = ctx.db
      .query("incomingPayments")
      .withIndex("by_status", (q) => q.eq("organizationId", undefined).eq("status", "unmatched"))
      .order("desc");
    const { rows, meta } = await pageThrough("payments/unplaced", pagingOf(query), unplaced);
    return ok(rows.map(paymentView), { meta });
  },
);

export const match = writeEndpoint(
  {
    method: "POST",
    path: "/payments/unmatched/:id/match",
    tag,
    summary: "Bring a payment to an invoice",
    description: "As much of it as is open is recorded; the rest stays unmatched.",
    scope: "invoices:write",
    params,
    body: () => z.strictObject({ invoiceId: z.string().max(64) }),
    example: { invoiceId: exampleId("invoiceId") },
    answers: { 200: record },
    errors: ["NOT_FOUND", "CONFLICT", "INVALID_STATE"],
  },
  async (ctx, { params: { id }, body }) => {
    const incoming = await ctx.store.own("incomingPayments", id);
    const invoice = await ctx.store.require("invoice", body.invoiceId);
    return ok(paymentView(await matchTo(ctx, ctx.scope, incoming, invoice)));
  },
);

export const dismiss = writeEndpoint(
  {
    method: "POST",
    path: "/payments/unmatched/:id/dismiss",
    tag,
    summary: "Take a payment off the list: it is for no invoice",
    scope: "invoices:write",
    params,
    body: () => z.strictObject({ reason: text(500).optional() }).optional(),
    example: { reason: "A private transfer." },
    answers: { 200: record },
    errors: ["NOT_FOUND", "INVALID_STATE"],
  },
  async (ctx, { params: { id }, body }) => {
    const incoming = await ctx.store.own("incomingPayments", id);
    return ok(paymentView(await dismissPayment(ctx, ctx.scope, incoming, body?.reason)));
  },
);

const link = once(() =>
  z
    .object({
      id: z.string(),
      invoiceId: z.string(),
      provider: z.literal("stripe"),
      status: z
        .enum(["pending", "ready", "failed", "closing", "closed"])
        .meta({ description: "`pending` until the provider has answered; then `url` is there." }),
      url: z.string().nullable(),
      amountInCents: z.number().int(),
      currency: z.string(),
      error: z.string().nullable().meta({ description: "Of the last attempt that failed." }),
      createdAt: z.number(),
    })
    .meta({ id: "PaymentLink" }),
);

export const createLink = writeEndpoint(
  {
    method: "POST",
    path: "/invoices/:id/payment-link",
    tag,
    summary: "Have a page made on which the invoice is paid online",
    description:
      "For what is open now. The answer does not wait for the provider: ask again, or read `customProperties.paymentUrl` of the invoice. While what is open stays the same, so does the link.",
    scope: "invoices:write",
    subject: "invoice",
    answers: { 200: link },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => ok(linkView(await requestLink(ctx, subject))),
);

export const getLink = readEndpoint(
  {
    method: "GET",
    path: "/invoices/:id/payment-link",
    tag,
    summary: "Get the invoice's payment link",
    scope: "invoices:read",
    subject: "invoice",
    answers: { 200: link },
  },
  async (ctx, { subject }) => {
    const current = await currentLink(ctx, subject);
    if (!current) throw notFound("payment link");
    return ok(linkView(current));
  },
);

function paymentView(incoming: Doc<"incomingPayments">): z.input<ReturnType<typeof record>> {
  const { _id: id, provider, reference, kind, amountInCents, currency, paidAt } = incoming;
  const { invoiceId = null, invoiceNumber = null, reason = null, status, receivedAt } = incoming;
  return {
    ...{ id, provider, reference, kind, amountInCents, currency, paidAt },
    ...{ invoiceId, invoiceNumber, status, reason, receivedAt },
  };
}

function linkView(row: Doc<"paymentLinks">): z.input<ReturnType<typeof link>> {
  const { _id: id, invoiceId, provider, status, amountInCents, currency, createdAt } = row;
  const { url = null, error = null } = row;
  return { id, invoiceId, provider, status, url, amountInCents, currency, error, createdAt };
}
