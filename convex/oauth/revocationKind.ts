import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { interrupted, isOpen, newJob, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";

/** Taking a grant back at its provider, as a job: asking twice does no harm (RFC 7009, 2.2). */
type Connection = Doc<"oauthConnections">;

/** Longer than discovery and the revocation together may take. */
export const LEASE_MS = 60_000;
const MOST_INTERRUPTIONS = 11;

/** Null of a connection that is nobody's to take back. */
function revocationOf({ job, status }: Connection): Job | null {
  return status === "revoked" ? (job ?? null) : null;
}

/** Here it is over at once: nobody uses its tokens any more but who takes them back. */
export async function beginRevocation(ctx: MutationCtx, connection: Connection): Promise<void> {
  const { _id, grant } = connection;
  await ctx.db.patch("oauthConnections", _id, { status: "revoked", grant: grant + 1 });
  await putNext(ctx, connection, newJob(Date.now()));
}

/** Writes when the provider is asked next, and has it asked then. */
export async function putNext(ctx: MutationCtx, { _id: id }: Connection, job: Job): Promise<void> {
  await ctx.db.patch("oauthConnections", id, { job });
  if (job.state !== "queued") return;
  await ctx.scheduler.runAt(job.at, internal.oauth.revocation.revoke, { id });
}

export const revocationKind = jobKind({
  name: "oauth revocation",
  table: "oauthConnections",
  leaseMs: LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("oauthConnections")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: revocationOf,
  // It is a person's, in no organization.
  organizationOf: () => null,
  createdAt: ({ connectedAt }) => connectedAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("oauthConnections", _id, { job });
  },
  interrupted: async (ctx, connection, job, now) => {
    const error = "Interrupted while the provider was asked.";
    await putNext(ctx, connection, interruptedJob(job, now, error));
  },
  start: async (ctx, connection, job, now) => {
    await putNext(ctx, connection, interruptedJob(job, now, "It was not begun in time."));
  },
  retry: async (ctx, connection, job, now) => {
    await putNext(ctx, connection, queuedAt({ ...job, attempts: 0 }, now));
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "What was disconnected is taken back at its provider too.");
  },
  // There were none before there was one shape of jobs.
  ofBefore: async () => [],
});

function interruptedJob(job: Job, now: number, error: string): Job {
  return interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat: true });
}

/** Whether the provider has yet to be asked. */
export function isBeingRevoked(connection: Connection): boolean {
  const job = revocationOf(connection);
  return job !== null && isOpen(job);
}
