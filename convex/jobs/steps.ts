import type { Job } from "../schemas/jobSchemas";
import { holds, interrupted, isOpen, leased, newJob, stepped } from "./job";

/**
 * Work in steps: each is one transaction that moves a position and schedules the next, so every step is
 * done once. What may go wrong is that a step cannot be carried out: then nothing of it is written, its
 * lease ends, and recovery has it tried again.
 */
export const STEP_LEASE_MS = 10 * 60 * 1000;
const DAY = 24 * 60 * 60 * 1000;

/** With its first step under way. */
export function begun(now: number, total?: number): Job {
  return leased(newJob(now, total === undefined ? {} : { total }), now, STEP_LEASE_MS);
}

/** One that had ended begins anew, with other work; its leases count on. */
export function begunAnew(job: Job, now: number): Job {
  return leased({ ...newJob(now), lease: job.lease }, now, STEP_LEASE_MS);
}

/** Under the lease that a step of before had. */
export function underWayAt(steppedAt: number, interruptions = 0): Job {
  const job = { ...begun(steppedAt), lease: 0 };
  return interruptions === 0 ? job : { ...job, interruptions };
}

/** Whether a step that was scheduled for a lease may be done; of before, they name none. */
export function isTurn(job: Job, lease: number | undefined): boolean {
  return holds(job, lease ?? job.lease);
}

export function nextStep(job: Job, now: number, progress?: Job["progress"]): Job {
  return stepped(job, now, STEP_LEASE_MS, progress ?? job.progress);
}

/**
 * A step that could not be carried out is tried again at `startsAt`, under a lease of its own; not any
 * more after so many times in a row. Without a number it never ends, and is tried ever more rarely.
 */
export function triedAgain(
  job: Job,
  now: number,
  most = Infinity,
): { job: Job; startsAt: number | null } {
  const error = "Its step could not be carried out.";
  const next = interrupted(job, now, { most, error, mayRepeat: true, thenEvery: DAY });
  if (!isOpen(next)) return { job: next, startsAt: null };
  return { job: leased(next, now, STEP_LEASE_MS, { startsAt: next.at }), startsAt: next.at };
}
