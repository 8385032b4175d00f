import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { type Infer, v } from "convex/values";
import type { Id } from "./_generated/dataModel";
import { query, type QueryCtx } from "./_generated/server";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "./kit/live";
import { DEFAULT_LIMIT, MAX_LIMIT } from "./kit/pageLimits";
import { invalid } from "./kit/errors";
import { contactType } from "./ontology/contact";
import { crmOrganizationType } from "./ontology/crmOrganization";
import { searchedObjects } from "./ontology/searchedRows";
import { SelectedRows } from "./ontology/selectedRows";
import { filtersOf, type FilterValues, selectionOf } from "./ontology/selection";
import type { ObjectDoc, ObjectType } from "./ontology/registry";

/**
 * The dashboard's live queries of contacts and CRM organizations, with the documented names and
 * arguments. They return ontology records; `customFields` are pairs of `key` and `json` there.
 * Errors are ConvexErrors whose data has `code`, `status`, `message` and `details`.
 */
const contactFilters = {
  subtype: v.optional(v.union(...contactType.subtypes.map((subtype) => v.literal(subtype)))),
  status: v.optional(v.union(...contactType.statuses.map((status) => v.literal(status)))),
};
const organizationFilters = {
  subtype: v.optional(v.union(...crmOrganizationType.subtypes.map((s) => v.literal(s)))),
  status: v.optional(v.union(...crmOrganizationType.statuses.map((s) => v.literal(s)))),
};
const tenantArguments = { ...sessionArgument, organizationId: v.id("organizations") };
const pageArguments = { paginationOpts: paginationOptsValidator };

type Contact = ObjectDoc<"crm_contact">;
type CrmOrganization = ObjectDoc<"crm_organization">;
type PageOptions = Infer<typeof paginationOptsValidator>;
type TenantArguments = {
  sessionId?: SessionId;
  organizationId: Id<"organizations">;
} & FilterValues;

/** The newest 1,000 contacts. */
export const getContacts = query({
  args: { ...tenantArguments, ...contactFilters },
  handler: async (ctx, args): Promise<Contact[]> => await newest(ctx, "crm_contact", args),
});

export const getContactsPaginated = query({
  args: { ...tenantArguments, ...contactFilters, ...pageArguments },
  handler: async (ctx, args): Promise<PaginationResult<Contact>> =>
    await pageOf(ctx, "crm_contact", args),
});

export const getContact = query({
  args: { ...sessionArgument, contactId: v.string() },
  handler: async (ctx, { sessionId, contactId }): Promise<Contact> =>
    (await callerAt(ctx, sessionId, "crm_contact", contactId, "crm:read")).object,
});

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
    return (await searchedObjects(ctx, organizationId, "crm_contact", searchTerm, all, most)).hits;
  },
});

/** The newest 1,000 CRM organizations. */
export const getCrmOrganizations = query({
  args: { ...tenantArguments, ...organizationFilters },
  handler: async (ctx, args): Promise<CrmOrganization[]> =>
    await newest(ctx, "crm_organization", args),
});

export const getCrmOrganizationsPaginated = query({
  args: { ...tenantArguments, ...organizationFilters, ...pageArguments },
  handler: async (ctx, args): Promise<PaginationResult<CrmOrganization>> =>
    await pageOf(ctx, "crm_organization", args),
});

export const getCrmOrganization = query({
  args: { ...sessionArgument, crmOrgId: v.string() },
  handler: async (ctx, { sessionId, crmOrgId }): Promise<CrmOrganization> =>
    (await callerAt(ctx, sessionId, "crm_organization", crmOrgId, "crm:read")).object,
});

/** The newest 1,000 contacts of a CRM organization. */
export const getContactsByOrganization = query({
  args: { ...sessionArgument, crmOrgId: v.string() },
  handler: async (ctx, { sessionId, crmOrgId }): Promise<Contact[]> => {
    const { caller, object } = await callerAt(
      ctx,
      sessionId,
      "crm_organization",
      crmOrgId,
      "crm:read",
    );
    const filters = { parentId: object._id };
    return await collectionOf(rowsOf(ctx, caller.organizationId, "crm_contact", filters));
  },
});

export const getContactsByOrganizationPaginated = query({
  args: { ...sessionArgument, crmOrgId: v.string(), ...pageArguments },
  handler: async (
    ctx,
    { sessionId, crmOrgId, paginationOpts },
  ): Promise<PaginationResult<Contact>> => {
    const { caller, object } = await callerAt(
      ctx,
      sessionId,
      "crm_organization",
      crmOrgId,
      "crm:read",
    );
    const filters = { parentId: object._id };
    const contacts = rowsOf(ctx, caller.organizationId, "crm_contact", filters);
    return await contacts.paginate(paginationOpts);
  },
});

async function newest<T extends ObjectType>(
  ctx: QueryCtx,
  type: T,
  { sessionId, organizationId, ...filters }: TenantArguments,
): Promise<ObjectDoc<T>[]> {
  await callerIn(ctx, sessionId, organizationId, "crm:read");
  return await collectionOf(rowsOf(ctx, organizationId, type, filters));
}

async function pageOf<T extends ObjectType>(
  ctx: QueryCtx,
  type: T,
  {
    sessionId,
    organizationId,
    paginationOpts,
    ...filters
  }: TenantArguments & { paginationOpts: PageOptions },
): Promise<PaginationResult<ObjectDoc<T>>> {
  await callerIn(ctx, sessionId, organizationId, "crm:read");
  return await rowsOf(ctx, organizationId, type, filters).paginate(paginationOpts);
}

function rowsOf<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  filters: FilterValues,
): SelectedRows<T> {
  return new SelectedRows(ctx, organizationId, type, selectionOf(filtersOf(filters)));
}
