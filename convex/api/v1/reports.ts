import * as z from "zod";
import { ok, type ReadContext, readEndpoint } from "../../kit/endpoint";
import { invalid } from "../../kit/errors";
import { openCursor, sealCursor } from "../../kit/page";
import { MAX_LIMIT } from "../../kit/pageLimits";
import { objectTypes, type ObjectType } from "../../ontology/registry";
import { day } from "../../ontology/recurringInput";
import { openItems, revenueByMonth, revenueByOwner, taxByMonth } from "../../ontology/reports";
import type { SalesOwner } from "../../ontology/sales";
import { TAX_CATEGORIES } from "../../money/totals";
import { once } from "../../kit/once";

const tag = "Reports";

const month = once(() =>
  z
    .string()
    .regex(
      /^(19[7-9]|2\d\d)\d-(0[1-9]|1[0-2])$/,
      "must be a month from 1970-01 to 2999-12, such as 2026-11",
    )
    .meta({ example: "2026-11" }),
);
const MAX_MONTHS = 120;
const MAX_MONTHS_BY_OWNER = 24;

const months = once(() => ({ from: month(), to: month().meta({ description: "Included." }) }));

const cents = once(() => z.number().int());
const revenue = once(() =>
  z.object({
    currency: z.string(),
    invoices: z.number().int(),
    creditNotes: z.number().int(),
    invoicedNetInCents: cents(),
    invoicedTaxInCents: cents(),
    creditedNetInCents: cents(),
    creditedTaxInCents: cents(),
    netInCents: cents().meta({ description: "Invoiced less credited." }),
    taxInCents: cents(),
    grossInCents: cents(),
    receivedInCents: cents().meta({ description: "Payments less refunds, by the day of payment." }),
    writtenOffInCents: cents(),
  }),
);

export const revenueReport = readEndpoint(
  {
    method: "GET",
    path: "/reports/revenue",
    tag,
    summary: "Revenue per month and currency",
    description: "Of the whole organization, or of one contact, CRM organization or project.",
    scope: "invoices:read",
    query: () =>
      z.strictObject({
        ...months(),
        contactId: z.string().max(64).optional(),
        crmOrganizationId: z.string().max(64).optional(),
        projectId: z.string().max(64).optional(),
      }),
    answers: {
      200: () => z.array(revenue().extend({ month: z.string() })).meta({ id: "Revenue" }),
    },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    requireMonths(query, MAX_MONTHS);
    const owner = await ownerOf(ctx, query);
    return ok(await revenueByMonth(ctx, ctx.caller.organizationId, query, owner));
  },
);

export const taxReport = readEndpoint(
  {
    method: "GET",
    path: "/reports/tax",
    tag,
    summary: "Tax per month, currency and rate",
    description: "Invoices less credit notes, by the month of their issue date.",
    scope: "invoices:read",
    query: () => z.strictObject(months()),
    answers: {
      200: () =>
        z
          .array(
            z.object({
              month: z.string(),
              currency: z.string(),
              taxCategory: z.enum(TAX_CATEGORIES),
              taxRatePercent: z.number(),
              taxableInCents: cents(),
              taxInCents: cents(),
            }),
          )
          .meta({ id: "TaxReport" }),
    },
  },
  async (ctx, { query }) => {
    requireMonths(query, MAX_MONTHS);
    return ok(await taxByMonth(ctx, ctx.caller.organizationId, query));
  },
);

const OWNERS = {
  clients: { kind: "contact", type: "crm_contact" },
  organizations: { kind: "organization", type: "crm_organization" },
  projects: { kind: "project", type: "project" },
} as const satisfies Record<string, { kind: SalesOwner; type: ObjectType }>;

export const revenueByOwnerReport = readEndpoint(
  {
    method: "GET",
    path: "/reports/revenue-by",
    tag,
    summary: "Revenue per contact, CRM organization or project",
    description: "Those with any in these months, in pages by cursor.",
    scope: "invoices:read",
    query: () =>
      z.strictObject({
        ...months(),
        by: z.enum(["clients", "organizations", "projects"]),
        limit: z.coerce.number().int().min(1).max(MAX_LIMIT).optional(),
        cursor: z.string().max(4000).optional(),
      }),
    list: true,
    answers: {
      200: () =>
        z
          .array(revenue().extend({ id: z.string(), name: z.string().nullable() }))
          .meta({ id: "RevenueByOwner" }),
    },
  },
  async (ctx, { query }) => {
    requireMonths(query, MAX_MONTHS_BY_OWNER);
    const { by, from, to, limit = 50, cursor } = query;
    const { kind, type } = OWNERS[by];
    const listName = JSON.stringify(["revenue", by, from, to]);
    const after = cursor === undefined ? null : openCursor(listName, cursor);
    const page = { after, limit };
    const { rows, nextAfter } = await revenueByOwner(
      ctx,
      ctx.caller.organizationId,
      kind,
      { from, to },
      page,
    );
    const named = await Promise.all(
      rows.map(async (row) => ({
        ...row,
        name: (await ctx.tenant.find(type, row.id))?.name ?? null,
      })),
    );
    const nextCursor = nextAfter === null ? null : sealCursor(listName, nextAfter);
    return ok(named, { meta: { total: null, limit, nextCursor } });
  },
);

export const openItemsReport = readEndpoint(
  {
    method: "GET",
    path: "/reports/open-items",
    tag,
    summary: "Open items by age",
    description: "What is open now, per currency, by how many days it was due on `asOf`.",
    scope: "invoices:read",
    query: () =>
      z.strictObject({
        asOf: day().meta({ description: "Usually today, in the organization's time zone." }),
      }),
    answers: {
      200: () =>
        z
          .array(
            z.object({
              currency: z.string(),
              invoices: z.number().int(),
              totalInCents: cents(),
              notDue: cents(),
              days30: cents().meta({ description: "1 to 30 days overdue." }),
              days60: cents().meta({ description: "31 to 60 days." }),
              days90: cents().meta({ description: "61 to 90 days." }),
              older: cents().meta({ description: "More than 90 days." }),
            }),
          )
          .meta({ id: "OpenItems" }),
    },
  },
  async (ctx, { query }) => ok(await openItems(ctx, ctx.caller.organizationId, query.asOf)),
);

type Owners = { contactId?: string; crmOrganizationId?: string; projectId?: string };

/** The one owner that is named, if one is. @throws VALIDATION_ERROR, `<RESOURCE>_NOT_FOUND` */
async function ownerOf(
  { tenant }: ReadContext,
  { contactId, crmOrganizationId, projectId }: Owners,
): Promise<{ kind: SalesOwner; id: string } | undefined> {
  const named = [
    { kind: "contact", type: "crm_contact", id: contactId },
    { kind: "organization", type: "crm_organization", id: crmOrganizationId },
    { kind: "project", type: "project", id: projectId },
  ] as const;
  const [owner, other] = named.filter(({ id }) => id !== undefined);
  if (owner?.id === undefined) return undefined;
  if (other) {
    const message = `cannot be combined with another ${objectTypes[owner.type].resource}`;
    throw invalid([{ path: "query", message }]);
  }
  const { _id } = await tenant.require(owner.type, owner.id);
  return { kind: owner.kind, id: _id };
}

function requireMonths({ from, to }: { from: string; to: string }, most: number): void {
  const count = monthNumber(to) - monthNumber(from) + 1;
  if (count < 1) throw invalid([{ path: "query.to", message: "must not be before from" }]);
  if (count > most) {
    throw invalid([{ path: "query.to", message: `must be at most ${most} months from from` }]);
  }
}

function monthNumber(text: string): number {
  const [year = 0, number = 0] = text.split("-").map(Number);
  return year * 12 + number;
}
