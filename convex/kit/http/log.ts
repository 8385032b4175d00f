import { API_PREFIX, type HttpContext } from "./context";

const CALENDAR_FEEDS = `${API_PREFIX}/calendar/feeds/`;

/**
 * The link of a download or an upload is a credential too: its attachment may be told, its signature
 * not; nor the token of a link that signs a browser in, or that a calendar is read by.
 */
function maskedPath(path: string): string {
  if (path.startsWith("/login/session/")) return "/login/session/…";
  if (path.startsWith(CALENDAR_FEEDS)) return `${CALENDAR_FEEDS}…`;
  return path.replace(/(\/(?:files|uploads)\/[^./]{1,64})[^/]*/, "$1…");
}

/**
 * One JSON line per request. Neither query string nor headers nor body: they hold personal data and
 * credentials. The request id finds the audit entries and events of the same request.
 */
export function logRequest(c: HttpContext, startedAt: number): void {
  const { status } = c.res;
  const failure = c.get("failure");
  const line = JSON.stringify({
    timestamp: new Date().toISOString(),
    level: status >= 500 ? "ERROR" : "INFO",
    message: "request",
    requestId: c.get("requestId"),
    method: c.req.method,
    path: maskedPath(c.req.path),
    status,
    duration: Date.now() - startedAt,
    caller: c.get("metering")?.caller ?? undefined,
    documentsRead: c.get("documentsRead"),
    failure,
  });
  if (status >= 500) console.error(line);
  else console.log(line);
}
