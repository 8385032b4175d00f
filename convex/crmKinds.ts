import type { Doc } from "./_generated/dataModel";
import type { MutationCtx } from "./_generated/server";
import { ApiError } from "./kit/errors";
import { jobOfImport, retryImport } from "./ontology/contactImport";
import { type ContactMerge, continueMergeAt, jobOfMerge } from "./ontology/contactMerge";
import { continueErasureAt, type Erasure, jobOfErasure } from "./ontology/erasure";
import { continueRekeyingAt, jobOfRekeying, type Rekeying } from "./ontology/rekeying";
import { cancelled } from "./jobs/job";
import { jobKind } from "./jobs/kind";
import { STEP_LEASE_MS, triedAgain } from "./jobs/steps";
import type { Job } from "./schemas/jobSchemas";

/** The CRM's work in steps, as kinds of jobs: imports, merges, erasures, and keys that are made anew. */

/** A merge that cannot be carried on in a day and a half is for a person to see. */
const MOST_OF_A_MERGE = 10;

export const importKind = jobKind({
  name: "import",
  table: "contactImports",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("contactImports")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: jobOfImport,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ startedAt }) => startedAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("contactImports", _id, { job, attempts: undefined });
  },
  interrupted: async (ctx, row) => {
    await retryImport(ctx, row);
  },
  retry: async () => {
    throw new ApiError("INVALID_STATE", "Import the file again: known contacts are updated.");
  },
  // Its next step counts the rows that are left, and ends it.
  cancel: async (ctx, { _id }, job, now) => {
    await ctx.db.patch("contactImports", _id, { job: cancelled(job, now) });
  },
  ofBefore: async (ctx, most) =>
    withoutJob(
      await ctx.db
        .query("contactImports")
        .withIndex("by_status", (q) => q.eq("status", "running"))
        .take(most),
    ),
});

export const mergeKind = jobKind({
  name: "merge",
  table: "contactMerges",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("contactMerges")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: jobOfMerge,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ mergedAt }) => mergedAt,
  write: writeMerge,
  interrupted: async (ctx, row, job, now) => {
    await goOnMerging(ctx, row, triedAgain(job, now, MOST_OF_A_MERGE));
  },
  retry: async (ctx, row, job, now) => {
    const { interruptions: _interruptions, ...anew } = job;
    await goOnMerging(ctx, row, triedAgain(anew, now));
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "A merge is undone when it is done.");
  },
  // Each has its step scheduled, which meets it.
  ofBefore: async () => [],
});

export const erasureKind = jobKind({
  name: "erasure",
  table: "erasures",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("erasures")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: jobOfErasure,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ erasedAt }) => erasedAt,
  write: writeErasure,
  // The law wants it done: it never gives up.
  interrupted: async (ctx, row, job, now) => {
    const { job: next, startsAt } = triedAgain(job, now);
    await writeErasure(ctx, row, next);
    await continueErasureAt(ctx, row._id, next, startsAt ?? now);
  },
  retry: async () => {
    throw goesOn();
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "An erasure is not cancelled: what is blank stays blank.");
  },
  ofBefore: async (ctx, most) =>
    withoutJob(
      await ctx.db
        .query("erasures")
        .withIndex("by_status", (q) => q.eq("status", "running"))
        .take(most),
    ),
});

export const rekeyingKind = jobKind({
  name: "rekeying",
  table: "rekeyings",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("rekeyings")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: jobOfRekeying,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ startedAt }) => startedAt,
  write: writeRekeying,
  // What cannot be written is passed over by the step itself.
  interrupted: async (ctx, row, job, now) => {
    const { job: next, startsAt } = triedAgain(job, now);
    await writeRekeying(ctx, row, next);
    await continueRekeyingAt(ctx, row._id, next, startsAt ?? now);
  },
  retry: async () => {
    throw goesOn();
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "Keys of two rules beside each other find nobody.");
  },
  ofBefore: async (ctx, most) =>
    withoutJob(
      await ctx.db
        .query("rekeyings")
        .withIndex("by_status", (q) => q.eq("status", "running"))
        .take(most),
    ),
});

function goesOn(): ApiError {
  return new ApiError("INVALID_STATE", "It goes on by itself until it is done.");
}

/** So few run at a time that one range has those of before and those of today. */
function withoutJob<Row extends { job?: Job }>(rows: Row[]): Row[] {
  return rows.filter(({ job }) => job === undefined);
}

async function writeMerge(ctx: MutationCtx, { _id }: ContactMerge, job: Job): Promise<void> {
  await ctx.db.patch("contactMerges", _id, { job });
}

async function goOnMerging(
  ctx: MutationCtx,
  merge: Doc<"contactMerges">,
  { job, startsAt }: { job: Job; startsAt: number | null },
): Promise<void> {
  await writeMerge(ctx, merge, job);
  if (startsAt !== null) await continueMergeAt(ctx, merge._id, job, startsAt);
}

async function writeErasure(ctx: MutationCtx, { _id }: Erasure, job: Job): Promise<void> {
  await ctx.db.patch("erasures", _id, { job, steppedAt: undefined });
}

async function writeRekeying(ctx: MutationCtx, { _id }: Rekeying, job: Job): Promise<void> {
  await ctx.db.patch("rekeyings", _id, { job, steppedAt: undefined, attempts: undefined });
}
