import type { Id } from "../_generated/dataModel";
import type { Job } from "../schemas/jobSchemas";
import { delayAfter } from "./backoff";

/**
 * The life of a durable job, as pure functions: each takes what a row says of its job and answers what
 * it says next, which the caller writes with whatever else changes, in one patch. Times are milliseconds.
 *
 *     queued ──leased──▶ running ──succeeded / failed…──▶ ended
 *       ▲                  │ retried, interrupted
 *       └──────────────────┘
 *
 * Who works on a job shows the number of its lease (`holds`): when the lease was taken for lost, and the
 * job was given to another or has ended, a late outcome of the first counts for nothing.
 */
type Runner = Id<"_scheduled_functions">;

/** The time of a job that waits for something else than time. */
export const NEVER = Number.MAX_SAFE_INTEGER;
/** How often a lease is looked at whose runner tells by itself whether it lives. */
export const LOOK_EVERY_MS = 10_000;
const MAX_ERROR = 500;

export type JobEnd = Exclude<Job["state"], "queued" | "running">;

export function newJob(
  at: number,
  { deadline, total }: { deadline?: number | undefined; total?: number } = {},
): Job {
  return {
    ...{ state: "queued", at, attempts: 0, lease: 0 },
    ...(deadline === undefined ? {} : { deadline }),
    ...(total === undefined ? {} : { progress: { done: 0, total } }),
  };
}

/** Due at a time; `NEVER` keeps it until somebody makes it due. Its holder, if any, holds it no more. */
export function queuedAt(job: Job, at: number): Job {
  return { ...withoutLease(job), state: "queued", at };
}

export function isHeldBack(job: Job): boolean {
  return job.state === "queued" && job.at === NEVER;
}

export function isOpen({ state }: Job): boolean {
  return state === "queued" || state === "running";
}

/** Whether its deadline has passed: nobody may begin an attempt any more. */
export function isPast({ deadline = Infinity }: Job, now: number): boolean {
  return deadline <= now;
}

/**
 * Gives it to who works on it next, for `ms`. With a runner the lease also ends when that has ended;
 * `startsAt` is when the runner starts.
 */
export function leased(
  job: Job,
  now: number,
  ms: number,
  { runner, startsAt = now }: { runner?: Runner; startsAt?: number } = {},
): Job {
  return {
    ...withoutLease(job),
    ...{ state: "running", lease: job.lease + 1 },
    ...(runner === undefined ? {} : { runner }),
    ...span(startsAt, ms, runner),
  };
}

/** From now on somebody outside may have been asked; the lease is one of `ms` from now. */
export function asked(job: Job, now: number, ms: number): Job {
  return { ...job, asked: true, ...span(now, ms, job.runner) };
}

function span(from: number, ms: number, runner: Runner | undefined): Pick<Job, "at" | "until"> {
  if (runner === undefined) return { at: from + ms };
  return { at: from + Math.min(ms, LOOK_EVERY_MS), until: from + ms };
}

/** Whether this lease is still the present one. */
export function holds(job: Job, lease: number): boolean {
  return job.state === "running" && job.lease === lease;
}

/** A lease whose runner lives is looked at again. */
export function lookedAt(job: Job, now: number): Job {
  return { ...job, at: Math.min(now + LOOK_EVERY_MS, job.until ?? Infinity) };
}

/** A step of it is done, and the next has begun under a lease of its own: nothing counts against it. */
export function stepped(job: Job, now: number, ms: number, progress: Job["progress"]): Job {
  const { interruptions: _interruptions, error: _error, ...kept } = withoutLease(job);
  return {
    ...kept,
    ...{ state: "running", lease: job.lease + 1, attempts: 0, at: now + ms },
    ...(progress === undefined ? {} : { progress }),
    ...(job.isCancelled === undefined ? {} : { isCancelled: job.isCancelled }),
  };
}

export function succeeded(job: Job, now: number): Job {
  const { interruptions: _interruptions, error: _error, ...ended } = withoutLease(job);
  return { ...ended, state: "succeeded", at: now, attempts: job.attempts + 1 };
}

/** It ends so, without another attempt having been made. */
export function ended(job: Job, state: JobEnd, now: number, error?: string): Job {
  return { ...withoutLease(job), state, at: now, ...reason(error) };
}

export type Failing = {
  error: string;
  /** What the other side asks for, as a wait. */
  retryAfter?: number | undefined;
  /** Another attempt would fail as well. */
  isFinal?: boolean;
  /** Nobody knows whether the attempt was taken; it is not repeated unless that is harmless. */
  isUnknown?: boolean;
  mayRepeat?: boolean;
  /** After the last of the delays it goes on at this one for ever. */
  thenEvery?: number;
  /** In [0, 1): by which the wait is spread. */
  random?: number;
};

/** An attempt has failed: it is tried again after a growing wait, or has failed for good. */
export function attemptFailed(job: Job, now: number, failing: Failing): Job {
  const { error, retryAfter, isFinal = false, thenEvery, random } = failing;
  // Nobody can have taken what nobody was asked.
  const isUnknown = failing.isUnknown === true && job.asked === true;
  const { mayRepeat = !isUnknown } = failing;
  const { interruptions: _interruptions, ...rest } = job;
  const tried = { ...rest, attempts: job.attempts + 1 };
  if (job.isCancelled) return ended(tried, isUnknown ? "unknown" : "cancelled", now, error);
  if (isUnknown && !mayRepeat) return ended(tried, "unknown", now, error);
  const wait = {
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(random === undefined ? {} : { random }),
  };
  const delay = isFinal ? null : (delayAfter(tried.attempts, wait) ?? thenEvery ?? null);
  if (delay === null) return ended(tried, isUnknown ? "unknown" : "failed", now, error);
  return again(tried, now, delay, error);
}

export type Interruption = {
  /** So many times in a row, and it is what brings its runners down. */
  most: number;
  error: string;
  /** Why it has failed where this was the last time; `error` where that says enough. */
  poisoned?: string;
  /** Asking twice does no harm: a key, or a receiver that tells repetitions. */
  mayRepeat: boolean;
  /** How long to wait (null: no longer); a growing time where nothing is said, at first none. */
  delay?: number | null;
  thenEvery?: number;
};

/**
 * Its lease ended without a word. Where nobody outside was asked it is simply tried again; where
 * somebody may have been, that depends on whether asking twice does harm.
 */
export function interrupted(job: Job, now: number, how: Interruption): Job {
  const { most, error, poisoned = error, mayRepeat, thenEvery } = how;
  const before = job.interruptions ?? 0;
  const isAsked = job.asked === true;
  const tried = {
    ...job,
    interruptions: before + 1,
    attempts: job.attempts + (isAsked ? 1 : 0),
  };
  if (isAsked && !mayRepeat) return ended(tried, "unknown", now, error);
  if (job.isCancelled) return ended(tried, isAsked ? "unknown" : "cancelled", now, error);
  const delay = how.delay === undefined ? delayAfter(before) : how.delay;
  const wait = delay ?? thenEvery;
  if (before + 1 >= most || wait === undefined) return ended(tried, "failed", now, poisoned);
  return again(tried, now, wait, error);
}

/** Waiting, it is cancelled; held, its holder ends it. */
export function cancelled(job: Job, now: number): Job {
  if (job.state === "queued") return ended(job, "cancelled", now);
  return job.state === "running" ? { ...job, isCancelled: true } : job;
}

function again(job: Job, now: number, delay: number, error: string): Job {
  const at = now + delay;
  if (isPast(job, at)) return ended(job, "expired", now, error);
  return { ...queuedAt(job, at), ...reason(error) };
}

function withoutLease(job: Job): Omit<Job, "asked" | "runner" | "until" | "isCancelled"> {
  const { asked: _asked, runner: _runner, until: _until, isCancelled: _isCancelled, ...kept } = job;
  return kept;
}

function reason(error: string | undefined): Pick<Job, "error"> {
  return error === undefined ? {} : { error: error.slice(0, MAX_ERROR).toWellFormed() };
}
