import { ConvexError, type Value } from "convex/values";

/**
 * The closed list of error codes: the HTTP status each one answers with, and what it means.
 * `<RESOURCE>_NOT_FOUND` is a family: `notFound("contact")` answers `CONTACT_NOT_FOUND`.
 */
export const ERROR_CODES = {
  VALIDATION_ERROR: [
    400,
    "The request does not fit the schema; `details` lists `{ path, message }`.",
  ],
  INVALID_JSON: [400, "The body is not well-formed JSON in UTF-8."],
  OAUTH_FAILED: [400, "The sign-in at the provider failed or was not begun here; begin again."],
  UNAUTHORIZED: [401, "There is no valid credential in `Authorization: Bearer …`."],
  INVALID_CREDENTIALS: [401, "The e-mail and password do not belong together, or a code is wrong."],
  INVALID_SIGNATURE: [401, "The signature of an incoming webhook is wrong, missing or too old."],
  WORKER_CALLBACK_INVALID: [401, "A worker's callback is not signed as it must be."],
  FORBIDDEN: [403, "The caller is known, and may not do this."],
  CSRF_REJECTED: [403, "A cookie came with a request from an origin that is not allowed."],
  EMAIL_NOT_VERIFIED: [403, "The account's e-mail must be verified first."],
  REAUTHENTICATION_REQUIRED: [403, "This asks for a recent sign-in; `POST /auth/reauthenticate`."],
  CAPTCHA_REQUIRED: [403, "A `captchaToken` is missing, or its verifier refused it."],
  INSUFFICIENT_SCOPE: [403, "The API key or role lacks the scope; `details.required` names it."],
  TIER_LIMIT_EXCEEDED: [403, "The plan's limit is reached; `details` has limit, used and tier."],
  NOT_FOUND: [404, "`<RESOURCE>_NOT_FOUND`: missing, deleted, or of another organization."],
  ROUTE_NOT_FOUND: [404, "No such path; `GET /api/v1/openapi.json` lists all of them."],
  METHOD_NOT_ALLOWED: [405, "The path exists; the `Allow` header lists its methods."],
  CONFLICT: [409, "It contradicts what is stored; `details` says what."],
  EMAIL_EXISTS: [
    409,
    "The e-mail belongs to another record of the organization, or to an account.",
  ],
  INVALID_STATE: [409, "The object's status refuses it; `details` has `status` and `allowed`."],
  GONE: [410, "It existed and is used up or expired."],
  VERSION_MISMATCH: [412, "`If-Match` is not the current version; `details.current` is."],
  PAYLOAD_TOO_LARGE: [413, "The body is larger than the route takes; `details.limitBytes`."],
  UNSUPPORTED_MEDIA_TYPE: [415, "The route takes another Content-Type; `details.supported`."],
  IDEMPOTENCY_KEY_REUSED: [422, "The Idempotency-Key was used for another request."],
  ACCOUNT_LOCKED: [423, "Too many wrong passwords; the account opens again by itself."],
  RATE_LIMITED: [429, "Too many requests; `Retry-After` says when to come back."],
  INTERNAL_ERROR: [500, "Our fault; the log has the rest under this trace id."],
  SERVICE_UNAVAILABLE: [
    503,
    "Too much contention, or nothing can be written now; `Retry-After` says when to come back.",
  ],
} as const satisfies Record<string, readonly [status: number, meaning: string]>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * One problem of what a caller sent; `path` is dotted, with the part it stands in: `body.email`. Whoever
 * reads a request or an argument makes them; a rule does not know what was sent: see `FieldProblem`.
 */
export type Problem = { path: string; message: string };

/**
 * One problem that a rule has with a record; `field` is dotted, as the record has it: `dueDate`,
 * `lineItems.2.discountInCents`, "" for the record itself. Where that stands the door says: `placed`.
 */
export type FieldProblem = { field: string; message: string; expected?: number; path?: never };

export type ErrorData = {
  code: string;
  status: number;
  message: string;
  details: Value;
  /** Seconds, for 429 and 503. */
  retryAfter?: number;
  /** A rule's: each `path` in `details` is a field of the record still, which no door has placed. */
  namesFields?: true;
};

/** An error that a caller is meant to see. It crosses function boundaries with its data intact. */
export class ApiError extends ConvexError<ErrorData> {
  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Value; retryAfter?: number; as?: string } = {},
  ) {
    super({
      code: options.as ?? code,
      status: ERROR_CODES[code][0],
      message,
      details: options.details ?? null,
      ...(options.retryAfter === undefined ? {} : { retryAfter: options.retryAfter }),
    });
    this.name = "ApiError";
  }
}

/** A rule's refusal that is about a field, by the name that its record has for it. */
export class FieldError extends ApiError {
  constructor(
    code: "CONFLICT" | "EMAIL_EXISTS",
    message: string,
    field: string,
    details: { path?: never; [more: string]: Value | undefined } = {},
  ) {
    super(code, message, { details: { path: field, ...details } });
    this.data.namesFields = true;
  }
}

/** What can be missing beside objects, singular and in words; those are named by their types. */
export const RESOURCES = [
  ...["payment link", "payment provider", "document"],
  ...["attachment", "upload", "file", "owner", "import", "merge", "notification", "suppression"],
  ...["webhook", "delivery", "conflict", "device", "api key", "portal session", "organization"],
  ...["tenant", "member", "invite", "user", "export", "passkey", "connection", "calendar", "tag"],
  "job",
  ...["time entry", "timer"],
] as const;
export type Resource = (typeof RESOURCES)[number];

/** @param resource one of `RESOURCES`, or an object type's own word */
export function notFound(resource: string): ApiError {
  const as = notFoundCode(resource);
  return new ApiError("NOT_FOUND", `There is no such ${resource}.`, { as });
}

/** What a field of a record names, and is not there; where the field stands the door says. */
export function missingReference(resource: string, field: string): ApiError {
  const error = new ApiError("NOT_FOUND", `There is no such ${resource}.`, {
    as: notFoundCode(resource),
    details: { path: field },
  });
  error.data.namesFields = true;
  return error;
}

/** `API_KEY_NOT_FOUND` */
export function notFoundCode(resource: string): string {
  return `${resource.toUpperCase().replaceAll(" ", "_")}_NOT_FOUND`;
}

/** What is wrong with a request or an argument, by who has read it. */
export function invalid(problems: Problem[]): ApiError {
  const message = messageOf(problems) ?? "The request is not valid.";
  return new ApiError("VALIDATION_ERROR", message, { details: problems });
}

/** What is wrong with a parameter or a header, by who heeds it. */
export function invalidIn(part: "query" | "headers", name: string, message: string): ApiError {
  return invalid([{ path: under(part)(name), message }]);
}

/** What a rule refuses of a record that was sent. */
export function invalidFields(problems: readonly FieldProblem[]): ApiError {
  const error = invalidRecord(problems);
  error.data.namesFields = true;
  return error;
}

/** What a rule refuses of a record that is there already: nobody sent it, and no door has a place for it. */
export function invalidRecord(problems: readonly FieldProblem[]): ApiError {
  return invalid(problems.map(({ field: path, ...problem }) => ({ path, ...problem })));
}

/** Where a field of a record stands in what a caller sent. */
export type PlaceOf = (field: string) => string;

/** Below a name, as the fields of a body or of an argument stand; by themselves where it is "". */
export function under(name: string): PlaceOf {
  return (field) => [name, field].filter((part) => part !== "").join(".");
}

/** A refusal with its fields where they stand; one that names none, or places, is what it was. */
export function placedData(data: ErrorData, placeOf: PlaceOf): ErrorData {
  const { namesFields, ...told } = data;
  if (!namesFields) return data;
  const { details } = told;
  if (!Array.isArray(details)) return { ...told, details: placedDetail(details, placeOf) };
  const placed = details.map((detail) => placedDetail(detail, placeOf));
  return { ...told, details: placed, message: messageOf(placed as Problem[]) ?? told.message };
}

/** Works by rules with what a caller sent, and says of what they refuse where it stands there. */
export async function placing<Result>(
  placeOf: PlaceOf,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const data = errorDataOf(error);
    throw data?.namesFields ? new ConvexError(placedData(data, placeOf)) : error;
  }
}

function placedDetail(detail: Value, placeOf: PlaceOf): Value {
  const { path, ...more } = detail as { path: string };
  return { path: placeOf(path), ...more };
}

function messageOf([first, ...more]: readonly Problem[]): string | null {
  if (!first) return null;
  const others = more.length > 0 ? ` (and ${more.length} more)` : "";
  return `${first.path === "" ? "" : `${first.path}: `}${first.message}${others}`;
}

/** The data of an `ApiError`, also after a function boundary took its class away. */
export function errorDataOf(error: unknown): ErrorData | null {
  if (!(error instanceof ConvexError)) return null;
  const data: unknown = error.data;
  const isErrorData =
    typeof data === "object" && data !== null && "code" in data && "status" in data;
  return isErrorData ? (data as ErrorData) : null;
}
