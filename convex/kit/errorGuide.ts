import { objectResources } from "./http/routes";
import { ERROR_CODES, type ErrorCode, notFoundCode, RESOURCES } from "./errors";

/** What to do about an error: docs/errors.md and the page that every error links to say it. */
const REMEDIES: Record<ErrorCode, string> = {
  VALIDATION_ERROR:
    "Change what each `path` of `details` names as its `message` says. `body.…` is a field of the body, `query.…` a parameter, `headers.…` a header. `?dryRun=true` tries a write without writing.",
  INVALID_JSON: "Send JSON (RFC 8259): double quotes, no comma at the end, no comments, UTF-8.",
  UNAUTHORIZED:
    "`message` says what is wrong with the form of the credential. One that is well formed is unknown, revoked or expired, or of another deployment; which, is not said. Send an API key (`fh_live_…`) or a session token in `Authorization: Bearer …`; in `X-API-Key` a key only vouches for a portal user's id.",
  INVALID_CREDENTIALS: "Try again, or ask for a new password.",
  INVALID_SIGNATURE:
    "Sign the bytes of the body as they are sent, with the secret of this address, and send them within five minutes: is the secret that of another address, or a clock wrong?",
  WORKER_CALLBACK_INVALID: "Sign the callback with `WORKER_SECRET`, as Standard Webhooks has it.",
  FORBIDDEN:
    "Use a credential of a kind that the route takes, as `message` names them. With `X-Tenant-Id`: an organization of your own (`GET /tenants`).",
  INSUFFICIENT_SCOPE:
    "Make a key with the scope that `details.required` names (`POST /api-keys`), or ask an owner for another role.",
  TIER_LIMIT_EXCEEDED: "Take a larger plan, or remove what is not needed.",
  NOT_FOUND:
    "Look the id up in the list of its type, under the same organization. A deleted object has gone; a contact that was merged has gone into another.",
  ROUTE_NOT_FOUND:
    "Compare path and prefix (`/api/v1`) with `GET /api/v1/openapi.json` or the page `/api/v1/docs`.",
  METHOD_NOT_ALLOWED: "Use a method that the header `Allow` lists.",
  CONFLICT: "`details` and `message` name what stands against it: change that first, or leave it.",
  OAUTH_FAILED: "Begin the sign-in again at /auth/oauth/:provider/start, in the same browser.",
  CSRF_REJECTED:
    "Send the request from an origin in CORS_ORIGINS, or with Authorization instead of the cookie.",
  EMAIL_NOT_VERIFIED:
    "Open the link that was mailed, or have it sent again: POST /auth/verify-email/resend.",
  REAUTHENTICATION_REQUIRED:
    "Prove who you are with POST /auth/reauthenticate, then repeat the request within ten minutes.",
  CAPTCHA_REQUIRED: "Show the CAPTCHA and send its answer as captchaToken.",
  EMAIL_EXISTS: "Change the record that has the e-mail, or merge the two.",
  INVALID_STATE: "`details.allowed` lists what the object's status takes.",
  GONE: "Ask for a new one.",
  VERSION_MISMATCH:
    "Read the object again, apply the change to what is there now, and send its `ETag` as `If-Match`.",
  PAYLOAD_TOO_LARGE: "Send less at once: `details.limitBytes` is what the route takes.",
  UNSUPPORTED_MEDIA_TYPE:
    "Set `Content-Type` to one of `details.supported`; `curl -d` alone says that it sends a form.",
  IDEMPOTENCY_KEY_REUSED:
    "Make a new key for every new request; repeat a key only with the same method, path and body.",
  ACCOUNT_LOCKED: "Wait a quarter of an hour.",
  RATE_LIMITED:
    "Wait as many seconds as `Retry-After` says; `RateLimit-Remaining` tells beforehand how many requests are left.",
  INTERNAL_ERROR:
    "Report it with `meta.traceId`. A write with an `Idempotency-Key` can be repeated.",
  SERVICE_UNAVAILABLE: "Try again after as many seconds as `Retry-After` says.",
};

export type GuideEntry = {
  code: ErrorCode;
  status: number;
  meaning: string;
  remedy: string;
  /** The codes that stand for it, where it is a family. */
  family: readonly string[];
};

/** Every code, in the order of the list. The texts have `code` in backticks. */
export const errorGuide: readonly GuideEntry[] = (
  Object.entries(ERROR_CODES) as [ErrorCode, readonly [number, string]][]
).map(([code, [status, meaning]]) => ({
  ...{ code, status, meaning, remedy: REMEDIES[code] },
  family: code === "NOT_FOUND" ? [...RESOURCES, ...objectResources].sort().map(notFoundCode) : [],
}));
