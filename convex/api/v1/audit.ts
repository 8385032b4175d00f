import * as z from "zod";
import {
  anyOrganization,
  AUDIT_FILE,
  auditEntry,
  entriesOf,
  entriesOfAll,
  entryView,
  filtersOf,
  trailFilters,
} from "../../audit/trail";
import { anchorParameter, verification, verifyPage } from "../../audit/verification";
import { ok, readEndpoint } from "../../kit/endpoint";
import { EXPORT_DESCRIPTION, exportPage, exportParameters } from "../../kit/export";
import { streamPage } from "../../kit/streamPage";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { personalReadEndpoint } from "../../kit/personalEndpoint";

const tag = "Audit";
const FILTERS =
  "Filters: `objectId` (also with `action`), `objectType`, `actorId` or `action`, each with `since` and `until`, which are both within.";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/audit",
    tag,
    summary: "List the organization's audit trail, newest first",
    description: `Who did what, as what, from where, by which request. ${FILTERS}`,
    scope: "admin:read",
    query: () => z.strictObject({ ...pageParameters(), ...trailFilters() }),
    list: true,
    answers: { 200: () => z.array(auditEntry()) },
  },
  async (ctx, { query }) => {
    const filters = filtersOf(query);
    const entries = entriesOf(ctx, ctx.caller.organizationId, filters, "desc");
    const name = JSON.stringify(["audit", filters]);
    const { rows, meta } = await pageThrough(name, pagingOf(query), entries);
    return ok(rows.map(entryView), { meta });
  },
);

export const exportFile = readEndpoint(
  {
    method: "GET",
    path: "/audit/export",
    tag,
    summary: "Export the audit trail as CSV or JSON",
    description: `${EXPORT_DESCRIPTION} ${FILTERS}`,
    scope: "admin:read",
    query: () => z.strictObject({ ...exportParameters(), ...trailFilters() }),
    streams: { "text/csv": null, "application/json": () => z.array(auditEntry()) },
    answers: { 200: streamPage },
  },
  async (ctx, { query }) => {
    const { format, limit, cursor } = query;
    const filters = filtersOf(query);
    const entries = entriesOf(ctx, ctx.caller.organizationId, filters, "asc");
    const name = JSON.stringify(["audit-export", filters]);
    return ok(await exportPage(name, entries, { format, limit, cursor }, AUDIT_FILE));
  },
);

export const verify = readEndpoint(
  {
    method: "GET",
    path: "/audit/verify",
    tag,
    summary: "Verify the chain of the organization's audit trail",
    description:
      "Makes every link and digest anew, from the first entry on, and says where the chain first is not what it was: an entry that was changed, removed or put in. Whoever can rewrite the whole database can rewrite the whole chain: keep the `anchor` of an answer elsewhere, and give it with a later request.",
    scope: "admin:read",
    goesOn: true,
    query: () =>
      z.strictObject({
        cursor: z.string().max(4000).optional(),
        anchor: anchorParameter().optional(),
      }),
    answers: { 200: verification },
  },
  async (ctx, { query }) => ok(await verifyPage(ctx, ctx.caller.organizationId, query)),
);

export const listAll = personalReadEndpoint(
  {
    method: "GET",
    path: "/admin/logs/audit",
    tag,
    summary: "List the audit trails of all organizations, newest first",
    description: `For administrators of the deployment. ${FILTERS} Of all organizations, \`since\` and \`until\` alone; of one, \`organizationId\` with the others.`,
    forAdministrators: true,
    query: () =>
      z.strictObject({
        ...pageParameters(),
        ...trailFilters(),
        organizationId: z.string().optional(),
      }),
    list: true,
    answers: { 200: () => z.array(auditEntry().extend({ organizationId: z.string() })) },
    errors: ["FORBIDDEN", "NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const filters = filtersOf(query);
    const { organizationId } = query;
    const entries =
      organizationId === undefined
        ? entriesOfAll(ctx, filters)
        : entriesOf(ctx, await anyOrganization(ctx, organizationId), filters, "desc");
    const name = JSON.stringify(["audit-of-all", organizationId, filters]);
    const { rows, meta } = await pageThrough(name, pagingOf(query), entries);
    const views = rows.map((row) => ({ organizationId: row.organizationId, ...entryView(row) }));
    return ok(views, { meta });
  },
);
