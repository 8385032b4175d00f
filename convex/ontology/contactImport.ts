import * as z from "zod";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ended, succeeded } from "../jobs/job";
import { begun, isTurn, nextStep, triedAgain, underWayAt } from "../jobs/steps";
import { invalidFields } from "../kit/errors";
import { PIECE_BYTES } from "../kit/uploadPieces";
import { deleteUpload, pieceOf, type Upload } from "../kit/uploads";
import { UploadWindow } from "../kit/uploadWindow";
import { tellRepeats } from "./importRepeats";
import { type Judged, judgedBy, writeBatch } from "./batch";
import { contactCreation } from "../types/contact/input";
import { encodingOf, type FileRow, layoutOf, readRows } from "./contactFile";
import type { UnknownColumns } from "./contactColumns";
import { ignoredIn, resultOf, type RowResult } from "./contactImportResults";
import type { Job } from "../schemas/jobSchemas";
import { jobScopeOf, type WriteScope } from "./effects";

/**
 * Imports of contacts. A file is dealt with in steps, each one transaction: it reads the file from
 * where the step before it ended, writes the rows, keeps a result for each, and moves the position.
 * So every row is written once, whatever interrupts the import, and memory does not grow with it.
 */
type ContactImport = Doc<"contactImports">;

const ROWS_PER_STEP = 100;
/** Enough for any header. */
const HEADER_PIECES = 4;
/** The longest row, 2 MiB, and the longest card with its pictures, 8 MiB, that are read. */
const MAX_WINDOW_PIECES = { csv: 32, vcard: 128 };
/** More are left to the steps after, or to a job: a transaction that deletes a piece reads it. */
const PIECES_DELETED_AT_ONCE = 32;
const MAX_ATTEMPTS = 5;
const GIVEN_UP = `could not be written, with those after it, in ${MAX_ATTEMPTS} attempts; the import was given up`;
const CANCELLED = "was not written, with those after it: the import was cancelled";

export type ImportRequest = {
  upload: Upload;
  isDryRun: boolean;
  unknownColumns: UnknownColumns;
};

/**
 * Begins an import with its first step, so that the report of a small file is there at once.
 * @throws VALIDATION_ERROR for a file that cannot be read or has columns that contacts do not have
 */
export async function beginImport(
  ctx: MutationCtx,
  by: WriteScope,
  { upload, isDryRun, unknownColumns }: ImportRequest,
): Promise<ContactImport> {
  const scope = jobScopeOf(by);
  const start = await pieceOf(ctx, upload._id, 0);
  if (!start) throw new Error(`Upload ${upload._id} is empty.`);
  const encoding = encodingOf(start, upload);
  const window = new UploadWindow(ctx, upload, 0, encoding.encoding);
  await window.growTo(HEADER_PIECES);
  const { mediaType } = upload;
  const layout = layoutOf(window.text, { ...encoding, mediaType }, unknownColumns);
  const now = Date.now();
  const id = await ctx.db.insert("contactImports", {
    ...layout,
    organizationId: scope.organizationId,
    status: "running",
    isDryRun,
    scope,
    upload: upload._id,
    size: upload.size,
    rows: 0,
    created: 0,
    updated: 0,
    failed: 0,
    skipped: 0,
    startedAt: now,
    steppedAt: now,
    job: begun(now, upload.size),
  });
  return await stepImport(ctx, id);
}

/** Deals with the next rows, and schedules the step after it while there are more. */
export async function stepImport(
  ctx: MutationCtx,
  id: Id<"contactImports">,
  lease?: number,
): Promise<ContactImport> {
  const job = await importOf(ctx, id);
  const state = jobOfImport(job);
  if (job.status !== "running" || !isTurn(state, lease)) return job;
  const upload = await ctx.db.get("uploads", job.upload);
  if (!upload) throw new Error(`The file of import ${id} is missing.`);
  const { rows, end, isCut } = await nextRows(ctx, job, upload);
  const isLeft = job.isGivenUp === true || state.isCancelled === true;
  const { results, unread } = isLeft
    ? countRows(job, rows)
    : { results: await writeRows(ctx, job, rows), unread: 0 };
  if (results.length > 0) {
    const hasErrors = results.some(({ status }) => status === "error" || status === "skipped");
    const hasWarnings = results.some(({ warnings }) => warnings !== undefined);
    const first = job.rows + 1;
    const told = { importId: id, first, hasErrors, hasWarnings, results };
    await ctx.db.insert("contactImportResults", told);
  }
  const count = (status: RowResult["status"]): number =>
    results.filter((result) => result.status === status).length;
  const isDone = end >= job.size;
  const now = Date.now();
  const next = nextStep(state, now, { done: end, total: job.size });
  await ctx.db.patch("contactImports", id, {
    position: end,
    rows: job.rows + results.length,
    created: job.created + count("created"),
    updated: job.updated + count("updated"),
    failed: job.failed + count("error"),
    skipped: (job.skipped ?? 0) + count("skipped"),
    // Those of a CSV file are known from its header.
    ...(job.format === "vcard" ? { ignoredColumns: ignoredIn(job.ignoredColumns, results) } : {}),
    isWithinRow: isCut,
    steppedAt: now,
    attempts: undefined,
    job: isDone ? endOf(next, job, now) : next,
    ...(isLeft && (rows.length > 0 || isDone) ? { unread: (job.unread ?? 0) + unread } : {}),
    ...(isDone ? { status: isLeft ? "failed" : "completed", finishedAt: now } : {}),
  });
  if (isDone) {
    await deleteFile(ctx, upload);
  } else {
    await deletePieces(ctx, job, Math.floor(end / PIECE_BYTES));
    const step = { importId: id, lease: next.lease };
    await ctx.scheduler.runAfter(0, internal.crmJobs.continueImport, step);
  }
  return await importOf(ctx, id);
}

function endOf(job: Job, { isGivenUp = false }: ContactImport, now: number): Job {
  if (job.isCancelled) return ended(job, "cancelled", now);
  return isGivenUp ? ended(job, "failed", now, GIVEN_UP) : succeeded(job, now);
}

/** Also of a row of before there was one shape of jobs. */
export function jobOfImport(row: ContactImport): Job {
  const { job, status, steppedAt, attempts, finishedAt = steppedAt } = row;
  if (job) return job;
  const old = underWayAt(steppedAt, attempts);
  const state = status === "completed" ? ("succeeded" as const) : ("failed" as const);
  return status === "running" ? old : ended(old, state, finishedAt);
}

/**
 * Takes up an import whose step failed. One that fails again and again is given up: its next steps
 * count the rows that are left, so that every row of the file is in a figure.
 */
export async function retryImport(ctx: MutationCtx, job: ContactImport): Promise<void> {
  const { _id: importId, isGivenUp = false } = job;
  const now = Date.now();
  const state = jobOfImport(job);
  const again = triedAgain(state, now, MAX_ATTEMPTS + 1);
  if (again.startsAt !== null) {
    await ctx.db.patch("contactImports", importId, { job: again.job, attempts: undefined });
    await continueAt(ctx, importId, again.job, again.startsAt);
    return;
  }
  if (!isGivenUp && again.job.state === "failed") {
    const { interruptions: _interruptions, ...anew } = state;
    const next = nextStep(anew, now);
    await ctx.db.patch("contactImports", importId, { job: next, isGivenUp: true });
    await continueAt(ctx, importId, next, now);
    return;
  }
  // The file cannot even be read: what is left of it nobody knows.
  const { results } = countRows(job, [null]);
  if (results.length > 0) {
    const told = { importId, first: job.rows + 1, hasErrors: true, results };
    await ctx.db.insert("contactImportResults", told);
  }
  const { rows, failed } = job;
  const figures = { rows: rows + results.length, failed: failed + results.length };
  const end = { status: "failed", unread: undefined, steppedAt: now, finishedAt: now } as const;
  await ctx.db.patch("contactImports", importId, { ...figures, ...end, job: again.job });
  await ctx.scheduler.runAfter(0, internal.crmJobs.deleteFile, { uploadId: job.upload });
}

async function continueAt(
  ctx: MutationCtx,
  importId: Id<"contactImports">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.crmJobs.continueImport, { importId, lease });
}

/** Of an import that was given up: the row that it stopped at is its error, the others are unread. */
function countRows(
  job: ContactImport,
  rows: readonly unknown[],
): { results: RowResult[]; unread: number } {
  const isTold = job.unread !== undefined || rows.length === 0;
  if (isTold) return { results: [], unread: rows.length };
  const message = jobOfImport(job).isCancelled ? CANCELLED : GIVEN_UP;
  return { results: [{ status: "error", problems: [{ message }] }], unread: rows.length - 1 };
}

/** Rows from the import's position on: as many as a step takes, or as one piece holds. */
async function nextRows(
  ctx: MutationCtx,
  job: ContactImport,
  upload: Upload,
): Promise<{ rows: FileRow[]; end: number; isCut: boolean }> {
  const window = new UploadWindow(ctx, upload, job.position, job.encoding);
  for (let pieces = 2; ; pieces *= 2) {
    await window.growTo(pieces);
    const { text, atEnd } = window;
    const isLongest = atEnd || pieces >= MAX_WINDOW_PIECES[job.format];
    const options = { limit: ROWS_PER_STEP, atEnd, isLongest };
    const { isWithinRow = false } = job;
    const { rows, end, isCut } = readRows(job, text, { ...options, isWithinRow });
    if (end > 0 || isLongest) return { rows, end: window.byteAt(end), isCut };
  }
}

async function writeRows(
  ctx: MutationCtx,
  job: ContactImport,
  rows: readonly FileRow[],
): Promise<RowResult[]> {
  const given = rows.flatMap((row) => ("skipped" in row ? [] : [row]));
  const items = given.map((row) => judgedRow(row, job.format));
  const results = await writeBatch(ctx, job.scope, "row", items, job.isDryRun);
  const told = results.map((result, index) => {
    const row = given[index];
    return resultOf(result, row && "left" in row ? row.left : []);
  });
  if (job.isDryRun) await tellRepeats(ctx, job, items, told);
  return rows.flatMap((row): RowResult[] =>
    "skipped" in row
      ? [{ status: "skipped", problems: [{ message: row.skipped }] }]
      : told.splice(0, 1),
  );
}

function judgedRow(
  row: Exclude<FileRow, { skipped: string }>,
  format: ContactImport["format"],
): Judged {
  if ("problem" in row) {
    const { path: field = "", message } = row.problem;
    return { error: invalidFields([{ field, message }]).data };
  }
  const { id, crmOrganizationId, ...fields } = row.fields;
  const judgement = judgedBy(contactCreation(), fields);
  if ("error" in judgement) return judgement;
  const links = z.object({ id: z.string(), crmOrganizationId: z.string() }).partial();
  const { sourceRef } = judgement.item as { sourceRef?: string };
  const card = format === "vcard" && sourceRef !== undefined ? { card: sourceRef } : {};
  return { item: { ...links.parse({ id, crmOrganizationId }), ...card, fields: judgement.item } };
}

/** What is left of the file: at once if it is small, else by a job. */
async function deleteFile(ctx: MutationCtx, upload: Upload): Promise<void> {
  if (upload.pieces <= PIECES_DELETED_AT_ONCE) await deleteUpload(ctx, upload._id);
  else await ctx.scheduler.runAfter(0, internal.crmJobs.deleteFile, { uploadId: upload._id });
}

/** The file is deleted behind the position. */
async function deletePieces(ctx: MutationCtx, job: ContactImport, before: number): Promise<void> {
  const passed = await ctx.db
    .query("uploadPieces")
    .withIndex("by_upload", (q) => q.eq("uploadId", job.upload).lt("index", before))
    .take(PIECES_DELETED_AT_ONCE);
  for (const { _id } of passed) await ctx.db.delete("uploadPieces", _id);
}

async function importOf(ctx: MutationCtx, id: Id<"contactImports">): Promise<ContactImport> {
  const job = await ctx.db.get("contactImports", id);
  if (!job) throw new Error(`There is no import ${id}.`);
  return job;
}
