import pTimeout from "p-timeout";

/**
 * Work that is given up after so many milliseconds. `fetch` is told by the signal; Convex's default
 * runtime does not read it, so the wait itself ends as well. Whatever is read after the head of an
 * answer belongs into the same `work`: a body can hang as long as a connection.
 * @throws an error that says how long was waited
 */
export async function within<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const message = `No answer within ${milliseconds / 1000} s.`;
  return await pTimeout(work(AbortSignal.timeout(milliseconds)), { milliseconds, message });
}
