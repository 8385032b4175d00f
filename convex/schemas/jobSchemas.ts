import { type Infer, v } from "convex/values";

/**
 * `expired`: its deadline passed; `unknown`: somebody outside may have been asked, and nobody saw the
 * answer. The last five are ends.
 */
export const jobState = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("succeeded"),
  v.literal("failed"),
  v.literal("unknown"),
  v.literal("cancelled"),
  v.literal("expired"),
);
export type JobState = Infer<typeof jobState>;

/**
 * What the row of a durable job says of it, whatever it does: `job` of every table whose rows are jobs,
 * with the index `by_job` on state and time. Changed by jobs/job.ts alone; absent in rows that are no
 * jobs, and in those of before that nobody has met since.
 */
export const job = v.object({
  state: jobState,
  /** Queued: when it is due. Running: when its lease is looked at. Else when it ended. */
  at: v.number(),
  /** How often it was tried; of work in steps, since its last step. */
  attempts: v.number(),
  /** How many leases were given: the number of the present one is what its holder shows. */
  lease: v.number(),
  /** How often in a row a lease, or a start, ended without a word. */
  interruptions: v.optional(v.number()),
  /** Under this lease somebody outside may have been asked. */
  asked: v.optional(v.literal(true)),
  /** The function that holds the lease: when it has ended, so has the lease. */
  runner: v.optional(v.id("_scheduled_functions")),
  /** When a lease with a runner ends all the same; without one it ends at `at`. */
  until: v.optional(v.number()),
  /** After it nothing is tried any more. */
  deadline: v.optional(v.number()),
  /** What was wrong last, for a person. */
  error: v.optional(v.string()),
  progress: v.optional(v.object({ done: v.number(), total: v.optional(v.number()) })),
  /** Somebody has cancelled it while it was held. */
  isCancelled: v.optional(v.literal(true)),
});
export type Job = Infer<typeof job>;

/** What the tables of jobs spread into their fields. */
export const jobFields = { job: v.optional(job) };
