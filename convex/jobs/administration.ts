import { type Infer, v } from "convex/values";
import { internalMutation, internalQuery, type MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { jobState } from "../schemas/jobSchemas";
import { NEVER } from "./job";
import type { JobKind, ListedJob, OpenedJob } from "./kind";
import { JOB_KINDS, kindNamed } from "./kinds";

/** Jobs of every kind as administrators see them: one shape, and what can be done with each. */
const jobView = v.object({
  kind: v.string(),
  id: v.string(),
  status: jobState,
  attempts: v.number(),
  /** When it is due; null for one that has ended, is under way, or waits for something else than time. */
  nextAttemptAt: v.union(v.number(), v.null()),
  leasedUntil: v.union(v.number(), v.null()),
  /** `total` is null where nobody knows it yet. */
  progress: v.union(v.object({ done: v.number(), total: v.union(v.number(), v.null()) }), v.null()),
  lastError: v.union(v.string(), v.null()),
  /** Somebody has cancelled it; whoever works on it ends it. */
  isCancelled: v.boolean(),
  /** Null of what is nobody's: an event of a provider that names no organization. */
  organizationId: v.union(v.id("organizations"), v.null()),
  createdAt: v.number(),
  endedAt: v.union(v.number(), v.null()),
});
export type JobView = Infer<typeof jobView>;

const MAX_PAGE = 200;

/** Of which kind, and after which of its jobs, a page begins. */
const place = v.object({ kind: v.string(), after: v.union(v.string(), v.null()) });

/**
 * Jobs in one state, of one kind or of all one after another, each kind's latest due or ended first. A
 * page may be short and go on all the same: `npx convex run jobs/administration:list
 * '{"status":"failed","cursor":null,"limit":50}'`
 * @throws VALIDATION_ERROR for a kind that there is not
 */
export const list = internalQuery({
  args: {
    kind: v.optional(v.string()),
    status: jobState,
    cursor: v.union(place, v.null()),
    limit: v.number(),
  },
  returns: v.object({ jobs: v.array(jobView), nextCursor: v.union(place, v.null()) }),
  handler: async (ctx, { kind: name, status, cursor, limit }) => {
    const numItems = Math.max(1, Math.min(MAX_PAGE, limit));
    const wanted = name === undefined ? JOB_KINDS : [requireKind(name)];
    const left = cursor ? wanted.slice(wanted.indexOf(requireKind(cursor.kind))) : wanted;
    for (const [index, kind] of left.entries()) {
      const after = index === 0 ? (cursor?.after ?? null) : null;
      const range = kind.jobs(ctx, status, { from: 0, to: Infinity });
      if (after === null && (await range.take(1)).length === 0) continue;
      // A query pages through one range.
      const { page, isDone, continueCursor } = await range.paginate({ cursor: after, numItems });
      const following = left[index + 1];
      const next = following ? { kind: following.name, after: null } : null;
      return {
        jobs: page.map((job) => viewOf(kind, job)),
        nextCursor: isDone ? next : { kind: kind.name, after: continueCursor },
      };
    }
    return { jobs: [], nextCursor: null };
  },
});

/** The kinds of jobs that there are, by name. */
export const kinds = internalQuery({
  args: {},
  returns: v.array(v.string()),
  handler: async () => JOB_KINDS.map(({ name }) => name),
});

const one = { kind: v.string(), id: v.string() };

/**
 * Has a job tried again that waits, has failed, or of which nobody knows; what that means its kind says.
 * @throws NOT_FOUND; INVALID_STATE for one that runs, or of whose kind that cannot be
 */
export const retry = internalMutation({
  args: one,
  returns: v.null(),
  handler: async (ctx, { kind, id }) => {
    const job = await requireJob(ctx, kind, id);
    const { state } = job.job;
    if (state === "running" || state === "succeeded") throw inState(state, "tried again", RETRIED);
    await job.retry(Date.now());
    return null;
  },
});

/**
 * Cancels a job: at once where it waits; one that somebody works on ends with its attempt.
 * @throws NOT_FOUND; INVALID_STATE for one that has ended, or of whose kind none can be cancelled
 */
export const cancel = internalMutation({
  args: one,
  returns: v.null(),
  handler: async (ctx, { kind, id }) => {
    const job = await requireJob(ctx, kind, id);
    const { state } = job.job;
    if (state !== "running" && state !== "queued") throw inState(state, "cancelled", CANCELLABLE);
    await job.cancel(Date.now());
    return null;
  },
});

const RETRIED = ["queued", "failed", "unknown", "cancelled", "expired"];
const CANCELLABLE = ["queued", "running"];

function inState(status: string, what: string, allowed: string[]): ApiError {
  const message = `A job that is ${status} cannot be ${what}.`;
  return new ApiError("INVALID_STATE", message, { details: { status, allowed } });
}

async function requireJob(ctx: MutationCtx, kind: string, id: string): Promise<OpenedJob> {
  const job = await requireKind(kind).find(ctx, id);
  if (!job) throw new ApiError("NOT_FOUND", "There is no such job.");
  return job;
}

function requireKind(name: string): JobKind {
  const kind = kindNamed(name);
  if (kind) return kind;
  const message = `There is no kind of job named ${JSON.stringify(name)}: ${JOB_KINDS.map((each) => each.name).join(", ")}.`;
  throw new ApiError("VALIDATION_ERROR", message);
}

function viewOf(
  { name: kind }: JobKind,
  { id, job, organizationId, createdAt }: ListedJob,
): JobView {
  const { state: status, at, attempts, until = at, progress, error: lastError = null } = job;
  const isEnded = status !== "queued" && status !== "running";
  return {
    ...{ kind, id, status, attempts, lastError, organizationId, createdAt },
    nextAttemptAt: status === "queued" && at !== NEVER ? at : null,
    leasedUntil: status === "running" ? until : null,
    progress: progress ? { done: progress.done, total: progress.total ?? null } : null,
    isCancelled: job.isCancelled === true,
    endedAt: isEnded ? at : null,
  };
}
