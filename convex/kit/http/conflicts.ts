import pRetry from "p-retry";
import { ApiError, errorDataOf } from "../errors";

/** Convex has retried a conflicting mutation a few times by itself; it rolled back each time. */
const CONFLICT = /changed while this mutation was being run|OptimisticConcurrencyControl/;
const RETRY_FOR = 10_000;

/** The database takes no writes: it is overloaded, being moved, or its disk is full. */
const UNAVAILABLE = /ServiceUnavailable|OverloadedError/;

/** Reading may go on. */
export class NothingWritable extends ApiError {
  constructor() {
    const message = "Nothing can be written at the moment. Try again later.";
    super("SERVICE_UNAVAILABLE", message, { retryAfter: 30 });
  }
}

/** Repeats what failed by a conflict alone. @throws SERVICE_UNAVAILABLE after ten seconds of them, or at once. */
export async function retryConflicts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (isUnavailable(error)) throw new NothingWritable();
    if (!isConflict(error)) throw error;
  }
  try {
    return await pRetry(attempt, {
      retries: 50,
      minTimeout: 20,
      maxTimeout: 1000,
      factor: 1.5,
      randomize: true,
      maxRetryTime: RETRY_FOR,
      shouldRetry: ({ error }) => isConflict(error),
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const message = "Too many requests change the same data at once. Try again shortly.";
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 });
  }
}

/** Whether the host answers nothing for now: its database is overloaded, being moved, full or damaged. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof Error && !errorDataOf(error) && UNAVAILABLE.test(error.message);
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && !errorDataOf(error) && CONFLICT.test(error.message);
}
