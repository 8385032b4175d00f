import type { AnswerCheck } from "./openapi";

/**
 * The fields that tests read of answers. Which of them an answer has is for its test to know; the
 * names are checked, so that a test cannot read a field that no answer ever had.
 */
export interface Body {
  success: boolean;
  data: Body & readonly Body[];
  error: { code: string; message: string; details: Body & readonly Problem[] };
  meta: Meta;

  // Records.
  id: string;
  name: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  company: string | null;
  subtype: string;
  status: string;
  source: string;
  mode: string;
  tags: readonly string[];
  notes: string | null;
  customFields: Record<string, unknown>;
  crmOrganizationId: string;
  version: number;
  createdAt: number;
  updatedAt: number;
  address: Record<string, string> | null;
  website: string | null;
  allowedOrigins: readonly string[];

  // The documented bodies of contacts.
  contactId: string;
  isNewContact: boolean;
  contacts: readonly Body[];
  total: number | null;
  limit: number;
  offset: number;
  page: number;
  nextCursor: string | null;

  // Projects and portal users.
  _id: string;
  organizationId: string;
  type: string;
  description: string | null;
  customProperties: Record<string, unknown>;
  createdBy: string;
  sessionToken: string;
  valid: boolean;
  user: Body;
  crmContext: { contactId: string | null; organizationId: string | null };
  displayName: string;
  oauthProvider: string;
  userId: string;

  // API keys.
  key: string;
  prefix: string;
  scopes: readonly string[];
  expiresAt: number | null;
  lastUsedAt: number | null;

  // Details of errors.
  links: readonly { id: string; type: string; linkType: string }[];
}

export type Problem = { path: string; message: string };

export type Meta = {
  traceId: string;
  total: number | null;
  limit: number;
  nextCursor: string | null;
  offset?: number;
  page?: number;
  totalPages?: number | null;
};

export type Answer = {
  status: number;
  headers: Headers;
  /** The body as it came. */
  text: string;
  body: Body;
  /** The error's code; undefined for a success. */
  code: string | undefined;
  /** The paths that a validation error names. */
  paths: string[];
};

export type RequestOptions = {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: BodyInit;
  headers?: Record<string, string>;
  /** Another bearer token than the tenant's key; null for none. */
  token?: string | null;
};

export type Request = (method: string, path: string, options?: RequestOptions) => Promise<Answer>;

/** What `fetch` of a server and `fetch` of the mock have in common. */
type Fetch = (path: string, init: RequestInit) => Promise<Response>;

/**
 * Requests below `/api/v1`, with this token where a request names no other. With `check`, every
 * answer is held against the OpenAPI document on the way.
 */
export function requester(fetchPath: Fetch, ownToken: string | null, check?: AnswerCheck): Request {
  return async (method, path, { body, raw, headers, token = ownToken } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetchPath(`/api/v1${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const answer = await answerOf(response);
    check?.(method, path, answer);
    return answer;
  };
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  const body = (isJson && text !== "" ? JSON.parse(text) : null) as Body;
  const error = (body as Partial<Body> | null)?.error;
  const details: unknown = error?.details;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body,
    code: error?.code,
    paths: Array.isArray(details) ? (details as Problem[]).map(({ path }) => path) : [],
  };
}
