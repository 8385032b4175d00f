/** `convex logs`: what has run since the cursor, at once or as soon as there is something. */
import { sendJson } from "../reply";
import { AdminRefusal, type AdminContext, type AdminRoute } from "./context";

/** For how long an answer waits for something to say; the client then asks again. */
const WAIT_MS = 60_000;

export const logRoutes: AdminRoute[] = [
  { method: "GET", path: /^\/api\/stream_function_logs$/, handle: streamLogs },
];

async function streamLogs({ host, url, response }: AdminContext): Promise<void> {
  const cursor = Number(url.searchParams.get("cursor") ?? "0");
  if (!Number.isFinite(cursor)) {
    throw new AdminRefusal(400, "BadCursor", "`cursor` must be a number");
  }
  let answer = host.executions.after(cursor);
  // The first answer tells the client where the log ends, so it may be empty.
  if (cursor !== 0 && answer.entries.length === 0) {
    const waiting = new AbortController();
    const stop = (): void => {
      waiting.abort();
    };
    const timer = setTimeout(stop, WAIT_MS).unref();
    response.once("close", stop);
    await host.executions.next(waiting.signal);
    clearTimeout(timer);
    response.off("close", stop);
    answer = host.executions.after(cursor);
  }
  if (!response.destroyed) sendJson(response, 200, JSON.stringify(answer));
}
