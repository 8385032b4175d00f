import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type ExportParameters, exportPage } from "../kit/export";
import type { StreamPage } from "../kit/streamPage";
import { CONTACT_COLUMNS, cellsOf, type ContactColumn } from "./contactColumns";
import { detailOf } from "./contactView";
import { type Filters, livingObjects } from "./ranges";

/** Contacts as a file, oldest first: what is written meanwhile comes at the end. */
export async function exportContacts(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  filters: Filters,
  request: ExportParameters & { columns?: readonly ContactColumn[] | undefined },
): Promise<StreamPage> {
  const { columns = CONTACT_COLUMNS } = request;
  const contacts = livingObjects(ctx, organizationId, "crm_contact", filters, "createdAt");
  return await exportPage(JSON.stringify(["export", filters]), contacts, request, {
    name: "contacts",
    columns,
    cellsOf: (contact) => cellsOf(contact, columns),
    viewOf: detailOf,
  });
}
