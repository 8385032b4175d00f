import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type ExportParameters, exportPage } from "../kit/export";
import type { StreamPage } from "../kit/streamPage";
import { CONTACT_COLUMNS, type ContactColumn } from "./contactColumnNames";
import { detailOf } from "../types/contact/input";
import { cellsOf } from "./contactColumns";
import { SelectedRows } from "./selectedRows";
import type { Selection } from "./selection";

/** Contacts as a file, oldest first: what is written meanwhile comes at the end. */
export async function exportContacts(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  selection: Selection,
  request: ExportParameters & { columns?: readonly ContactColumn[] | undefined },
): Promise<StreamPage> {
  const { columns = CONTACT_COLUMNS } = request;
  const contacts = new SelectedRows(ctx, organizationId, "crm_contact", selection);
  return await exportPage(JSON.stringify(["export", selection]), contacts, request, {
    name: "contacts",
    columns,
    cellsOf: (contact) => cellsOf(contact, columns),
    viewOf: detailOf,
  });
}
