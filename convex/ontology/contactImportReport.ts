import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { pageThrough, pagingOf } from "../kit/page";
import { once } from "../kit/once";

/** What an import tells of itself, while it runs and afterwards. */
type ContactImport = Doc<"contactImports">;
type ImportResults = Doc<"contactImportResults">;

/** The report names this many errors and rows passed over; the rows of the import have them all. */
const MAX_ERRORS = 1000;
const RESULTS_READ = 20;
const STEPS_PER_PAGE = 2;

const rowProblem = once(() =>
  z.object({
    row: z.number().int().meta({ description: "From 1; the header is not counted." }),
    path: z.string().optional(),
    message: z.string(),
  }),
);

export const importReport = once(() =>
  z
    .object({
      importId: z.string(),
      status: z.enum(["running", "completed", "failed"]),
      dryRun: z.boolean(),
      rows: z.number().int().meta({ description: "Dealt with so far; the header is not counted." }),
      created: z.number().int(),
      updated: z.number().int(),
      failed: z.number().int(),
      skipped: z.number().int().meta({
        description:
          "Rows that are no people: groups, and a header that is repeated. `rows` is the sum of the four.",
      }),
      unread: z.number().int().nullable().meta({
        description:
          "Rows that follow those in `rows`: none of a file that was read to its end, and those left of an import that was given up; null while it runs, and where they could not be counted.",
      }),
      errors: z.array(rowProblem()),
      skippedRows: z.array(rowProblem()).meta({ description: "Which, and why." }),
      warnings: z.array(rowProblem()).meta({
        description: "Of rows that were written: what they say that a contact has no place for.",
      }),
      errorsAreCapped: z.boolean().meta({
        description:
          "One of the three lists says not all there is; `GET /crm/contacts/imports/:id/rows` does.",
      }),
      ignoredColumns: z.array(z.string()).meta({
        description:
          "Columns that were left alone; of vCards, the properties that are not kept (the first 200).",
      }),
      progress: z.number().min(0).max(1).meta({ description: "The part of the file dealt with." }),
      startedAt: z.number(),
      finishedAt: z.number().nullable(),
    })
    .meta({ id: "ContactImport" }),
);

export const importedRow = once(() =>
  z.object({
    row: z.number().int(),
    status: z.enum(["created", "updated", "skipped", "error"]),
    id: z.string().nullable(),
    reason: z.string().nullable().meta({ description: "Why it was passed over." }),
    errors: z.array(z.object({ path: z.string().optional(), message: z.string() })),
    warnings: z.array(z.object({ path: z.string(), message: z.string() })),
  }),
);

export async function reportOf(
  ctx: QueryCtx,
  job: ContactImport,
): Promise<z.input<ReturnType<typeof importReport>>> {
  const failing = await ctx.db
    .query("contactImportResults")
    .withIndex("by_errors", (q) => q.eq("importId", job._id).eq("hasErrors", true))
    .take(RESULTS_READ);
  const told = failing.flatMap(rowsOf);
  const errors = told.flatMap(({ row, errors: problems }) =>
    problems.map((problem) => ({ row, ...problem })),
  );
  const skippedRows = told.flatMap(({ row, reason }) =>
    reason === null ? [] : [{ row, message: reason }],
  );
  const warned = await ctx.db
    .query("contactImportResults")
    .withIndex("by_warnings", (q) => q.eq("importId", job._id).eq("hasWarnings", true))
    .take(RESULTS_READ);
  const warnings = warned
    .flatMap(rowsOf)
    .flatMap(({ row, warnings: list }) => list.map((warning) => ({ row, ...warning })));
  return {
    importId: job._id,
    status: job.status,
    dryRun: job.isDryRun,
    rows: job.rows,
    created: job.created,
    updated: job.updated,
    failed: job.failed,
    skipped: job.skipped ?? 0,
    unread: unreadOf(job),
    errors: errors.slice(0, MAX_ERRORS),
    skippedRows: skippedRows.slice(0, MAX_ERRORS),
    warnings: warnings.slice(0, MAX_ERRORS),
    errorsAreCapped:
      Math.max(errors.length, skippedRows.length, warnings.length) > MAX_ERRORS ||
      Math.max(failing.length, warned.length) === RESULTS_READ,
    ignoredColumns: job.ignoredColumns,
    progress: job.status === "running" ? job.position / job.size : 1,
    startedAt: job.startedAt,
    finishedAt: job.finishedAt ?? null,
  };
}

/** One page of the rows, a few steps' worth. */
export async function importedRows(
  ctx: QueryCtx,
  job: ContactImport,
  cursor: string | undefined,
): Promise<{ rows: z.input<ReturnType<typeof importedRow>>[]; nextCursor: string | null }> {
  const results = ctx.db
    .query("contactImportResults")
    .withIndex("by_import", (q) => q.eq("importId", job._id));
  const paging = pagingOf({ limit: STEPS_PER_PAGE, cursor });
  const { rows, meta } = await pageThrough(`import/${job._id}`, paging, results);
  return { rows: rows.flatMap(rowsOf), nextCursor: meta.nextCursor };
}

function unreadOf({ status, unread }: ContactImport): number | null {
  if (status === "running") return null;
  return status === "completed" ? 0 : (unread ?? null);
}

function rowsOf({ first, results }: ImportResults): z.input<ReturnType<typeof importedRow>>[] {
  return results.map(({ status, id, problems, warnings = [] }, index) => ({
    row: first + index,
    status,
    id: id ?? null,
    reason: status === "skipped" ? (problems?.[0]?.message ?? null) : null,
    errors: status === "skipped" ? [] : (problems ?? []),
    warnings,
  }));
}
