/**
 * When something that failed is tried again, as pure arithmetic; every kind of job shares it. Times are milliseconds since the epoch, durations are milliseconds.
 */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Before the first attempt, the second, and so on: the schedule that Standard Webhooks recommends. */
export const RETRY_DELAYS: readonly number[] = [
  0,
  2 * SECOND,
  10 * SECOND,
  MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  DAY,
  DAY,
];

/** So that what failed together is not tried together again. */
const JITTER = 0.2;

/** A receiver that asks for more patience than this is not obeyed further. */
export const MAX_RETRY_AFTER = DAY;

/**
 * How long to wait after so many attempts, or null when there is no further one. `retryAfter`, what
 * the other side asked for, is waited for where it is longer. `random` is in [0, 1).
 */
export function delayAfter(
  attempts: number,
  { retryAfter = 0, random = Math.random() }: { retryAfter?: number; random?: number } = {},
): number | null {
  const delay = RETRY_DELAYS[attempts];
  if (delay === undefined) return null;
  const jittered = Math.round(delay * (1 - JITTER + 2 * JITTER * random));
  return Math.max(jittered, Math.min(retryAfter, MAX_RETRY_AFTER));
}

/**
 * The wait that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or an HTTP date), or
 * undefined where there is none or it is unreadable. A date that has passed is no wait.
 */
export function retryAfterOf(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * SECOND;
  // `Date.parse` also reads what is no HTTP date; all three forms of one end in a year or a zone.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
