import * as z from "zod";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { EXPORT_DESCRIPTION, exportParameters } from "../../kit/export";
import { streamPage } from "../../kit/streamPage";
import { CONTACT_COLUMNS } from "../../ontology/contactColumnNames";
import { UNKNOWN_COLUMNS } from "../../ontology/contactColumns";
import { exportContacts } from "../../ontology/contactExport";
import { beginImport } from "../../ontology/contactImport";
import {
  importedRow,
  importedRows,
  importReport,
  reportOf,
} from "../../ontology/contactImportReport";
import { contactDetail, contactFilters } from "../../types/contact/input";
import { listRequest } from "../../ontology/list";
import { once } from "../../kit/once";

const tag = "Contacts";
const MAX_IMPORT_BYTES = 16 * 1024 * 1024;
const exportFilters = once(() => {
  const { subtype, status, source } = contactFilters();
  return { subtype, status, source };
});
const cursor = once(() => z.string().max(4000).optional());

const CSV_EXAMPLE = [
  "firstName,lastName,email,company,tags",
  "Greta,Lindqvist,greta.lindqvist@nordlicht.example,Nordlicht Energie GmbH,website;lead",
  "Milan,Novák,milan.novak@studio-praha.example,Studio Praha,",
  "",
].join("\n");
const VCARD_EXAMPLE = [
  "BEGIN:VCARD",
  "VERSION:4.0",
  "UID:urn:uuid:6f9bd0a6-0b7a-4c1e-9d0f-2c1f8a1d7e55",
  "FN:Greta Lindqvist",
  "N:Lindqvist;Greta;;;",
  "EMAIL:greta.lindqvist@nordlicht.example",
  "ORG:Nordlicht Energie GmbH",
  "END:VCARD",
  "",
].join("\r\n");

export const exportFile = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/export",
    tag,
    summary: "Export contacts as CSV or JSON",
    description: `${EXPORT_DESCRIPTION} An import takes it off again.`,
    scope: "crm:read",
    query: () =>
      z.strictObject({
        ...exportParameters(),
        columns: z
          .string()
          .transform((text) => text.split(","))
          .pipe(z.array(z.enum(CONTACT_COLUMNS)).min(1))
          .optional()
          .meta({ description: "Of a CSV file: names between commas; all by default." }),
        ...exportFilters(),
      }),
    streams: { "text/csv": null, "application/json": () => z.array(contactDetail()) },
    answers: { 200: streamPage },
  },
  async (ctx, { query }) => {
    const { format, columns, limit, cursor, ...given } = query;
    const { selection } = listRequest("crm_contact", { ...given, sort: "createdAt" });
    const request = { format, columns, limit, cursor };
    return ok(await exportContacts(ctx, ctx.caller.organizationId, selection, request));
  },
);

export const importFile = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/import",
    tag,
    summary: "Import contacts from CSV or vCard",
    description:
      "The body is the file, up to 16 MiB: CSV with a header row (commas, semicolons or tabs; UTF-8, UTF-16, Windows-1252 or MacRoman), or vCards of versions 2.1, 3.0 and 4.0. Each row creates or updates one contact, or is refused for itself; a known `id` or e-mail updates; where that finds nobody, the UID of a vCard, or a phone number with the name. A small file is done when the answer comes; for a larger one the report tells how far it is. A dry run writes the report alone.",
    scope: "crm:write",
    query: () =>
      z.strictObject({
        unknownColumns: z.enum(UNKNOWN_COLUMNS).optional().meta({
          description:
            "What is done with columns that contacts do not have: `refuse` (the default; they are named), `ignore`, or `customFields`.",
        }),
      }),
    raw: {
      "text/csv": CSV_EXAMPLE,
      "text/vcard": VCARD_EXAMPLE,
      "text/x-vcard": VCARD_EXAMPLE,
      "text/directory": VCARD_EXAMPLE,
    },
    bodyLimit: MAX_IMPORT_BYTES,
    rehearsesItself: true,
    answers: { 200: importReport },
  },
  async (ctx, { upload, query: { unknownColumns = "refuse" } }) => {
    const request = { upload, isDryRun: ctx.dryRun, unknownColumns };
    return ok(await reportOf(ctx, await beginImport(ctx, ctx.scope, request)));
  },
);

export const getImport = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/imports/:id",
    tag,
    summary: "Get the report of an import",
    scope: "crm:read",
    params: () => z.object({ id: z.string() }),
    answers: { 200: importReport },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) =>
    ok(await reportOf(ctx, await ctx.tenant.own("contactImports", params.id))),
);

export const listImportRows = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/imports/:id/rows",
    tag,
    summary: "List what became of each row of an import",
    scope: "crm:read",
    params: () => z.object({ id: z.string() }),
    query: () => z.strictObject({ cursor: cursor() }),
    list: true,
    answers: { 200: () => z.array(importedRow()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params, query }) => {
    const job = await ctx.tenant.own("contactImports", params.id);
    const { rows, nextCursor } = await importedRows(ctx, job, query.cursor);
    return ok(rows, { meta: { total: job.rows, limit: rows.length, nextCursor } });
  },
);
