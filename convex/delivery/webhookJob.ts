import type { Doc } from "../_generated/dataModel";
import { ended, NEVER, newJob } from "../jobs/job";
import type { Job } from "../schemas/jobSchemas";

/** A webhook's delivery, and the one sender of all, as jobs: also of rows of before jobs had one shape. */
type Delivery = Doc<"webhookDeliveries">;
type Sender = Doc<"webhookSenders">;

/** An attempt ends within ten seconds; the rest is for the transactions around it. */
export const LEASE = 25_000;
/** So many times in a row the sender may end while a delivery is under way: it may be what ends it. */
export const MAX_INTERRUPTIONS = 5;
export const INTERRUPTED = "Interrupted: it may have arrived.";

export function jobOf(delivery: Delivery): Job {
  return delivery.job ?? jobOfBefore(delivery);
}

/** What is written with a job: what a row of before said of it goes. */
export function withJob(job: Job): { job: Job } & typeof NOT_OF_BEFORE {
  return { job, ...NOT_OF_BEFORE };
}

const NOT_OF_BEFORE = { dueAt: undefined, sendingSince: undefined, leaseUntil: undefined };

/** When an attempt that is under way began. */
export function sendingSince({ at }: Job): number {
  return at - LEASE;
}

function jobOfBefore({ status, dueAt = 0, leaseUntil = 0, attempts, createdAt }: Delivery): Job {
  const last = attempts.findLastIndex(({ error }) => error !== INTERRUPTED);
  const interruptions = attempts.length - 1 - last;
  const job = {
    ...newJob(dueAt),
    attempts: attempts.length,
    ...(interruptions === 0 ? {} : { interruptions }),
  };
  if (status === "pending") return job;
  if (status === "sending") return { ...job, state: "running", at: leaseUntil, asked: true };
  return ended(job, status, attempts.at(-1)?.at ?? createdAt, attempts.at(-1)?.error);
}

/** The sender's role: queued for when a run is scheduled, running while one has it. */
export function roleOf({ job, run, leaseUntil = 0, wakeAt = NEVER }: Sender): Job {
  if (job) return job;
  return run === null ? newJob(wakeAt) : { ...newJob(leaseUntil), state: "running" };
}

export function withRole(job: Job): Pick<Partial<Sender>, "job"> & typeof NO_ROLE_OF_BEFORE {
  return { job, ...NO_ROLE_OF_BEFORE };
}

const NO_ROLE_OF_BEFORE = { leaseUntil: undefined, wakeAt: undefined };
