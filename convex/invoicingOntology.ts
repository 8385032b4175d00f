import type { PaginationResult } from "convex/server";
import { zodToConvexFields } from "convex-helpers/server/zod4";
import { type Infer, v } from "convex/values";
import * as z from "zod";
import type { Id } from "./_generated/dataModel";
import { mutation, query, type QueryCtx } from "./_generated/server";
import { invalid, type PlaceOf, under } from "./kit/errors";
import { parseArgument } from "./kit/input";
import { mergedChanges } from "./kit/mergePatch";
import { deliverInvoice } from "./delivery/documents";
import { callerAt, callerIn, daysIn, sessionArgument, type SessionId } from "./kit/live";
import { type LiveWriter, writeAt, writeIn } from "./kit/liveWrites";
import { invoiceType } from "./ontology/invoice";
import { cancelInvoice as cancel, sendInvoice as recordSending } from "./ontology/invoiceActions";
import { changeInvoice, createInvoice as create } from "./ontology/invoiceRules";
import { recordPayment } from "./ontology/paymentRules";
import {
  collectedViews,
  pageArguments,
  pageOfViews,
  sortArgument,
  type Sorted,
  sortedBy,
  viewAt,
} from "./live/reads";
import { SelectedRows } from "./ontology/selectedRows";
import { filtersOf, selectionOf } from "./ontology/selection";
import { withMeantNames } from "./live/names";
import { type LiveView, liveViewOf } from "./live/view";
import type { InvoicingContext } from "./ontology/salesContent";
import {
  invoiceCreation,
  invoiceSending,
  invoicePatch,
  invoiceUpdate,
  paymentCreation,
} from "./ontology/salesInput";
import { text } from "./kit/text";
import { documentsFrom, documentsTo } from "./kit/time";
import { once } from "./kit/once";

/**
 * The dashboard's live queries and mutations of invoices, with the documented names and arguments.
 * They answer the invoice's view, as its routes do.
 */
/** Milliseconds since the epoch, or ISO 8601. */
const time = v.union(v.number(), v.string());

const invoiceFilters = v.object({
  status: v.optional(v.union(...invoiceType.statuses.map((status) => v.literal(status)))),
  type: v.optional(v.union(...invoiceType.subtypes.map((type) => v.literal(type)))),
  /** By issue date, both days included. */
  dateRange: v.optional(v.object({ startDate: v.optional(time), endDate: v.optional(time) })),
  contactId: v.optional(v.string()),
  crmOrganizationId: v.optional(v.string()),
});
const listArguments = {
  ...sessionArgument,
  organizationId: v.id("organizations"),
  filters: v.optional(invoiceFilters),
  ...sortArgument,
};
const invoiceArguments = { ...sessionArgument, invoiceId: v.string() };
/** Invoices are never archived, so that this changes nothing; it is a documented argument. */
const archivedArgument = { includeArchived: v.optional(v.boolean()) };

type Invoice = LiveView<"invoice">;
type InvoiceRows = SelectedRows<"invoice">;
type ListArguments = {
  sessionId?: SessionId;
  organizationId: Id<"organizations">;
  filters?: Infer<typeof invoiceFilters>;
} & Sorted;

/** The newest 1,000 invoices. */
export const listInvoices = query({
  args: listArguments,
  handler: async (ctx, args): Promise<Invoice[]> =>
    await collectedViews(await invoicesOf(ctx, args)),
});

export const listInvoicesPaginated = query({
  args: { ...listArguments, ...pageArguments },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Invoice>> =>
    await pageOfViews(await invoicesOf(ctx, args), paginationOpts),
});

export const getInvoice = query({
  args: invoiceArguments,
  handler: async (ctx, { sessionId, invoiceId }): Promise<Invoice> =>
    await viewAt(ctx, sessionId, "invoice", invoiceId, "invoices:read"),
});

/** The documented structure repeats `sessionId`, and says which organization it is for. */
const creation = once(() =>
  v.object({
    ...zodToConvexFields(invoiceCreation().shape),
    sessionId: v.optional(v.string()),
    organizationId: v.id("organizations"),
  }),
);

export const createInvoice = mutation({
  /** As Convex asks for them: when functions are deployed, and not with every call. */
  get args() {
    return { ...sessionArgument, data: creation() };
  },
  handler: async (ctx, { sessionId, data }): Promise<Invoice> => {
    const { sessionId: repeated = sessionId, organizationId, ...sent } = data;
    if (repeated !== sessionId) {
      throw invalid([{ path: "data.sessionId", message: "must equal the outer sessionId" }]);
    }
    return await writeIn(
      ctx,
      sessionId,
      organizationId,
      "invoices:write",
      under("data"),
      async (writer) => {
        const meantSent = withMeantNames(sent, "customFields");
        const fields = parseArgument("data", invoiceCreation(), meantSent, zoneOf(writer));
        return liveViewOf(await create(contextOf(writer), fields));
      },
    );
  },
});

export const updateInvoice = mutation({
  get args() {
    return { ...invoiceArguments, updates: v.object(zodToConvexFields(invoicePatch().shape)) };
  },
  handler: async (ctx, { sessionId, invoiceId, updates }): Promise<Invoice> => {
    const subject = { type: "invoice", id: invoiceId } as const;
    const placeOf = under("updates");
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "invoices:write",
      placeOf,
      async (writer, invoice) => {
        const reading = { ...zoneOf(writer), isChange: true };
        const sent = withMeantNames(updates, "customFields");
        const patch = parseArgument("updates", invoicePatch(), sent, reading);
        const { customProperties } = invoice;
        const fields = mergedChanges(invoiceUpdate(), customProperties, patch);
        return liveViewOf(await changeInvoice(contextOf(writer), invoice, fields));
      },
    );
  },
});

/** Records that the invoice was sent; nothing is delivered. */
export const markInvoiceSent = mutation({
  args: { ...invoiceArguments, sentDate: time, sentTo: v.string() },
  handler: async (ctx, { sessionId, invoiceId, sentDate, sentTo }): Promise<Invoice> => {
    const { shape } = invoiceSending();
    const subject = { type: "invoice", id: invoiceId } as const;
    const placeOf: PlaceOf = (field) => (field === "to" ? "sentTo" : field);
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "invoices:write",
      placeOf,
      async (writer, invoice) =>
        liveViewOf(
          await recordSending(contextOf(writer), invoice, {
            sentDate: parseArgument("sentDate", shape.sentDate, sentDate, zoneOf(writer)),
            to: parseArgument("sentTo", shape.to, sentTo, zoneOf(writer)),
          }),
        ),
    );
  },
});

/** Sends a draft invoice, as `POST /invoices/:id/send` does. */
export const sendInvoice = mutation({
  get args() {
    const sending = v.object(zodToConvexFields(invoiceSending().shape));
    return { ...invoiceArguments, sending: v.optional(sending) };
  },
  handler: async (
    ctx,
    { sessionId, invoiceId, sending = {} },
  ): Promise<{ invoice: Invoice; notificationIds: Id<"notifications">[] }> => {
    const subject = { type: "invoice", id: invoiceId } as const;
    const placeOf = under("sending");
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "invoices:write",
      placeOf,
      async (writer, invoice) => {
        const fields = parseArgument("sending", invoiceSending(), sending, zoneOf(writer));
        const sent = await deliverInvoice(contextOf(writer), invoice, fields);
        return { ...sent, invoice: liveViewOf(sent.invoice) };
      },
    );
  },
});

/** Records the payment of what is open. */
export const markInvoicePaid = mutation({
  args: {
    ...invoiceArguments,
    paidDate: time,
    paymentMethod: v.string(),
    transactionRef: v.optional(v.string()),
  },
  handler: async (ctx, { sessionId, invoiceId, ...payment }): Promise<Invoice> => {
    const subject = { type: "invoice", id: invoiceId } as const;
    const placeOf = under("");
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "invoices:write",
      placeOf,
      async (writer, invoice) => {
        const fields = parseArgument("", paymentCreation(), payment, zoneOf(writer));
        return liveViewOf(await recordPayment(contextOf(writer), invoice, fields));
      },
    );
  },
});

export const cancelInvoice = mutation({
  args: { ...invoiceArguments, reason: v.optional(v.string()) },
  handler: async (ctx, { sessionId, invoiceId, reason }): Promise<Invoice> => {
    const given = parseArgument("reason", text(2000).optional(), reason, { timeZone: null });
    const subject = { type: "invoice", id: invoiceId } as const;
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "invoices:write",
      under(""),
      async (writer, invoice) => liveViewOf(await cancel(contextOf(writer), invoice, given)),
    );
  },
});

/** The newest 1,000 invoices of a contact. */
export const getInvoicesByContact = query({
  args: { ...sessionArgument, contactId: v.string(), ...archivedArgument },
  handler: async (ctx, args): Promise<Invoice[]> =>
    await collectedViews(await invoicesOfContact(ctx, args)),
});

export const getInvoicesByContactPaginated = query({
  args: { ...sessionArgument, contactId: v.string(), ...archivedArgument, ...pageArguments },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Invoice>> =>
    await pageOfViews(await invoicesOfContact(ctx, args), paginationOpts),
});

/** The newest 1,000 invoices of a CRM organization. */
export const getInvoicesByCrmOrganization = query({
  args: { ...sessionArgument, crmOrgId: v.string(), ...archivedArgument },
  handler: async (ctx, args): Promise<Invoice[]> =>
    await collectedViews(await invoicesOfCrmOrganization(ctx, args)),
});

export const getInvoicesByCrmOrganizationPaginated = query({
  args: { ...sessionArgument, crmOrgId: v.string(), ...archivedArgument, ...pageArguments },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Invoice>> =>
    await pageOfViews(await invoicesOfCrmOrganization(ctx, args), paginationOpts),
});

async function invoicesOf(
  ctx: QueryCtx,
  { sessionId, organizationId, filters = {}, sort }: ListArguments,
): Promise<InvoiceRows> {
  await callerIn(ctx, sessionId, organizationId, "invoices:read");
  const { status, type, dateRange, contactId, crmOrganizationId } = filters;
  const given = { status, subtype: type, parentId: contactId, relatedId: crmOrganizationId };
  const { startDate: from, endDate: to } =
    dateRange === undefined
      ? {}
      : parseArgument(
          "filters.dateRange",
          dateRangeInput(),
          dateRange,
          await daysIn(ctx, organizationId),
        );
  const dates = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const within = {
    sort: { column: "documentDate", order: "desc" },
    ranges: { documentDate: dates },
  } as const;
  const selection = selectionOf(filtersOf(given), {
    ...(dateRange === undefined ? {} : within),
    ...sortedBy("invoice", sort),
  });
  return new SelectedRows(ctx, organizationId, "invoice", selection);
}

const dateRangeInput = once(() =>
  z.object({
    startDate: documentsFrom().optional(),
    endDate: documentsTo().optional(),
  }),
);

async function invoicesOfContact(
  ctx: QueryCtx,
  { sessionId, contactId }: { sessionId?: SessionId; contactId: string },
): Promise<InvoiceRows> {
  const found = await callerAt(ctx, sessionId, "crm_contact", contactId, "invoices:read");
  const { organizationId, _id: parentId } = found.object;
  return new SelectedRows(ctx, organizationId, "invoice", selectionOf(filtersOf({ parentId })));
}

async function invoicesOfCrmOrganization(
  ctx: QueryCtx,
  { sessionId, crmOrgId }: { sessionId?: SessionId; crmOrgId: string },
): Promise<InvoiceRows> {
  const found = await callerAt(ctx, sessionId, "crm_organization", crmOrgId, "invoices:read");
  const { organizationId, _id: relatedId } = found.object;
  return new SelectedRows(ctx, organizationId, "invoice", selectionOf(filtersOf({ relatedId })));
}

function contextOf({ ctx, store, organization }: LiveWriter): InvoicingContext {
  return { ...ctx, store, organization };
}

function zoneOf({ organization: { timeZone } }: LiveWriter): { timeZone: string } {
  return { timeZone };
}
