import * as z from "zod";
import { ok, readEndpoint } from "../../kit/endpoint";
import { invalid } from "../../kit/errors";
import { organizationOf } from "../../kit/own";
import { documentsFrom, documentsTo } from "../../kit/time";
import { balances } from "../../ontology/reports";
import { statementOf } from "../../ontology/statement";
import { once } from "../../kit/once";

const tag = "Statements";

const cents = once(() => z.number().int());
const balance = once(() => z.array(z.object({ currency: z.string(), openInCents: cents() })));
const statement = once(() =>
  z
    .array(
      z.object({
        currency: z.string(),
        openingBalanceInCents: cents(),
        invoicedInCents: cents(),
        creditedInCents: cents(),
        paidInCents: cents(),
        writtenOffInCents: cents(),
        closingBalanceInCents: cents(),
        entries: z.array(
          z.object({
            date: z.number(),
            kind: z.enum(["invoice", "credit_note", "payment", "refund", "write_off"]),
            id: z.string(),
            number: z.string(),
            invoiceId: z.string(),
            amountInCents: cents(),
            balanceInCents: cents(),
          }),
        ),
      }),
    )
    .meta({ id: "Statement", description: "A running account per currency." }),
);
const period = once(() =>
  z.strictObject({
    from: documentsFrom(),
    to: documentsTo().meta({ description: "The last day, which is included whole." }),
  }),
);

export const contactStatement = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/:id/statement",
    tag,
    summary: "A contact's statement of account",
    scope: "invoices:read",
    subject: "crm_contact",
    query: period,
    answers: { 200: statement },
  },
  async (ctx, { subject, query }) =>
    ok(
      await statementOf(ctx, await organizationOf(ctx, ctx.caller), subject, orderedPeriod(query)),
    ),
);

export const crmOrganizationStatement = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations/:id/statement",
    tag,
    summary: "A CRM organization's statement of account",
    scope: "invoices:read",
    subject: "crm_organization",
    query: period,
    answers: { 200: statement },
  },
  async (ctx, { subject, query }) =>
    ok(
      await statementOf(ctx, await organizationOf(ctx, ctx.caller), subject, orderedPeriod(query)),
    ),
);

export const contactBalance = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/:id/balance",
    tag,
    summary: "What a contact owes, per currency",
    scope: "invoices:read",
    subject: "crm_contact",
    answers: { 200: balance },
  },
  async (ctx, { subject }) => ok(await balances(ctx, ctx.caller.organizationId, subject._id)),
);

export const crmOrganizationBalance = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations/:id/balance",
    tag,
    summary: "What a CRM organization owes, per currency",
    scope: "invoices:read",
    subject: "crm_organization",
    answers: { 200: balance },
  },
  async (ctx, { subject }) => ok(await balances(ctx, ctx.caller.organizationId, subject._id)),
);

function orderedPeriod(query: { from: number; to: number }): { from: number; to: number } {
  // A day that the time zone skipped ends before it begins; nothing was dated on it.
  if (query.from <= query.to + 1) return query;
  throw invalid([{ path: "query.to", message: "must not be before from" }]);
}
