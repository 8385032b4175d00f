import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { csvLine } from "../kit/csv";
import type { StreamPage } from "../kit/http/stream";
import { badCursor, openCursor, sealCursor } from "../kit/page";
import { CONTACT_COLUMNS, cellsOf, type ContactColumn } from "./contactColumns";
import { detailOf } from "./contactView";
import { type Filters, livingObjects } from "./ranges";

/** Contacts as a file, oldest first: what is written meanwhile comes at the end. */
export const MAX_EXPORT_ROWS = 10_000;

/** Read by one query: of the largest contacts, this many stay below what a transaction may read. */
const ROWS_PER_PAGE = 200;

export type ExportRequest = {
  format: "csv" | "json";
  columns: readonly ContactColumn[] | undefined;
  filters: Filters;
  limit: number;
  cursor: string | undefined;
};

export async function exportPage(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { format, columns = CONTACT_COLUMNS, filters, limit, cursor }: ExportRequest,
): Promise<StreamPage> {
  const listName = JSON.stringify(["export", filters]);
  const start = cursor === undefined ? null : openCursor(listName, cursor);
  const { page, isDone, continueCursor } = await livingObjects(
    ctx,
    organizationId,
    "crm_contact",
    filters,
    "createdAt",
  )
    .paginate({ numItems: Math.min(limit, ROWS_PER_PAGE), cursor: start })
    .catch((error: unknown) => {
      throw start === null ? error : badCursor();
    });
  const text =
    format === "csv"
      ? page.map((contact) => csvLine(cellsOf(contact, columns))).join("")
      : page.map((contact) => JSON.stringify(detailOf(contact))).join(",");
  return {
    format,
    fileName: `contacts.${format}`,
    head: format === "csv" ? csvLine(columns) : "",
    text,
    rows: page.length,
    limit,
    next: isDone ? null : sealCursor(listName, continueCursor),
  };
}
