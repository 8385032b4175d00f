import type { PaginationResult } from "convex/server";
import { v } from "convex/values";
import { query, type QueryCtx } from "./_generated/server";
import { invalid } from "./kit/errors";
import { callerAt, callerIn, sessionArgument, type SessionId } from "./kit/live";
import { DEFAULT_LIMIT, MAX_LIMIT } from "./kit/pageLimits";
import {
  collectedViews,
  liveReadsOf,
  pageArguments,
  pageOfViews,
  tenantArguments,
} from "./live/reads";
import { questionIn, searchedObjects } from "./ontology/searchedRows";
import { SelectedRows } from "./ontology/selectedRows";
import { selectionOf } from "./ontology/selection";
import { type LiveView, liveViewOf } from "./live/view";

/** The dashboard's live queries of contacts and CRM organizations, with the documented names and arguments. */
const contacts = liveReadsOf("crm_contact", { area: "crm", idName: "contactId" });
const organizations = liveReadsOf("crm_organization", { area: "crm", idName: "crmOrgId" });

/** The newest 1,000 contacts. */
export const getContacts = contacts.list;
export const getContactsPaginated = contacts.listPaginated;
export const getContact = contacts.get;

/** The newest 1,000 CRM organizations. */
export const getCrmOrganizations = organizations.list;
export const getCrmOrganizationsPaginated = organizations.listPaginated;
export const getCrmOrganization = organizations.get;

type Contact = LiveView<"crm_contact">;

/** Full text, by relevance; `limit` is 50 by default and 200 at most. */
export const searchContacts = query({
  args: { ...tenantArguments, searchTerm: v.string(), limit: v.optional(v.number()) },
  handler: async (ctx, { sessionId, organizationId, searchTerm, limit }): Promise<Contact[]> => {
    await callerIn(ctx, sessionId, organizationId, "crm:read");
    const hits = limit ?? DEFAULT_LIMIT;
    if (!Number.isInteger(hits) || hits < 1) {
      throw invalid([{ path: "limit", message: "must be a whole number from 1" }]);
    }
    const all = selectionOf({});
    const most = Math.min(hits, MAX_LIMIT);
    const question = await questionIn(ctx, organizationId, searchTerm);
    const found = await searchedObjects(ctx, organizationId, "crm_contact", question, all, {
      most,
    });
    return found.hits.map(({ object }) => liveViewOf(object));
  },
});

const employerArguments = { ...sessionArgument, crmOrgId: v.string() };

/** The newest 1,000 contacts of a CRM organization. */
export const getContactsByOrganization = query({
  args: employerArguments,
  handler: async (ctx, args): Promise<Contact[]> => await collectedViews(await peopleOf(ctx, args)),
});

export const getContactsByOrganizationPaginated = query({
  args: { ...employerArguments, ...pageArguments },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Contact>> =>
    await pageOfViews(await peopleOf(ctx, args), paginationOpts),
});

async function peopleOf(
  ctx: QueryCtx,
  { sessionId, crmOrgId }: { sessionId?: SessionId; crmOrgId: string },
): Promise<SelectedRows<"crm_contact">> {
  const at = await callerAt(ctx, sessionId, "crm_organization", crmOrgId, "crm:read");
  const { organizationId, _id } = at.object;
  return new SelectedRows(ctx, organizationId, "crm_contact", selectionOf({ parentId: [_id] }));
}
