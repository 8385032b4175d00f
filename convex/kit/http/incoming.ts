import { makeFunctionReference } from "convex/server";
import { bodyLimit } from "hono/body-limit";
import { internal } from "../../_generated/api";
import type { Id } from "../../_generated/dataModel";
import { ApiError, errorDataOf, invalid } from "../errors";
import type { AddressSecrets } from "../incomingWebhook";
import { decodePayload, type Payload, piecesOf } from "../payloadPieces";
import { openSecret } from "../secretBox";
import {
  invalidSignature,
  isEqual,
  type SignedRequest,
  standardWebhookId,
  verifySignature,
} from "../signatures";
import { sha256Hex } from "../tokens";
import { failure } from "./answer";
import { retryConflicts } from "./conflicts";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import type { IncomingRoute } from "./route";
import { meterStranger } from "./strangers";

/** Meta's are the largest that are known of, of up to 3 MB. */
const BODY_LIMIT = 4 * 1024 * 1024;
const MAX_NAME = 255;

export function incomingRoutes(app: HttpApp, webhooks: readonly IncomingRoute[]): void {
  for (const webhook of webhooks) {
    const path = API_PREFIX + webhook.path;
    app.post(path, limitBody(), (c) => serveIncoming(c, webhook));
    const { challenge } = webhook;
    if (!challenge) continue;
    app.get(path, async (c) => {
      const answer = challengeAnswer(challenge, new URL(c.req.url).searchParams);
      return answer === null
        ? failure(c, await meterStranger(c, invalidSignature()))
        : c.text(answer);
    });
  }
}

/**
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests: the
 * challenge itself for who knows the token, null for others.
 */
function challengeAnswer(
  { variable }: { variable: string },
  query: URLSearchParams,
): string | null {
  const expected = process.env[variable] ?? "";
  const isOurs =
    expected !== "" &&
    query.get("hub.mode") === "subscribe" &&
    isEqual(query.get("hub.verify_token") ?? "", expected);
  return isOurs ? query.get("hub.challenge") : null;
}

function limitBody(): ReturnType<typeof bodyLimit> {
  return bodyLimit({
    maxSize: BODY_LIMIT,
    onError: (c: HttpContext) => {
      const message = `The body is larger than ${BODY_LIMIT} bytes.`;
      const details = { limitBytes: BODY_LIMIT };
      return failure(c, new ApiError("PAYLOAD_TOO_LARGE", message, { details }));
    },
  });
}

async function serveIncoming(c: HttpContext, webhook: IncomingRoute): Promise<Response> {
  try {
    const request = await signedRequest(c);
    const { secrets, addressedTo } = await secretsOf(c, webhook, request.now);
    requireSigned(webhook, secrets, request);
    const payload = decodePayload(request.body);
    const { unreadable } = await retryConflicts(() =>
      c.env.runMutation(internal.kit.incoming.receive, {
        ...identityOf(webhook, request, payload),
        ...(addressedTo === null ? {} : { addressedTo }),
        payload: piecesOf(payload.text),
        isUtf8: payload.isUtf8,
        handler: webhook.functionName,
      }),
    );
    if (unreadable && webhook.refusesUnreadable) throw invalid([unreadable]);
    c.header("Cache-Control", "no-store");
    const meta = { traceId: c.get("requestId") };
    return c.json({ success: true, data: { received: true }, error: null, meta });
  } catch (error) {
    const isStranger = errorDataOf(error)?.code === "INVALID_SIGNATURE";
    return failure(c, isStranger ? await meterStranger(c, error) : error);
  }
}

type Secrets = { secrets: string[]; addressedTo: Id<"organizations"> | null };

/**
 * The secrets that may sign here, and whose address it is.
 * @throws SERVICE_UNAVAILABLE where the deployment has no secret for this provider; INVALID_SIGNATURE
 *   at an address that is no organization's: to a stranger it is as one of which they lack the secret
 */
async function secretsOf(
  c: HttpContext,
  { secret, provider }: IncomingRoute,
  now: number,
): Promise<Secrets> {
  if ("variable" in secret) {
    const value = process.env[secret.variable];
    if (value) return { secrets: [value], addressedTo: null };
    const message = `Webhooks of ${provider} are not set up here: ${secret.variable} is not set.`;
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 3600 });
  }
  type Asked = { provider: string; endpointKey: string };
  const ask = makeFunctionReference<"query", Asked, AddressSecrets | null>(secret.query);
  const endpointKey = c.req.param("endpointKey") ?? "";
  const address = await c.env.runQuery(ask, { provider, endpointKey });
  if (!address) throw invalidSignature();
  const signing = address.secrets.filter(({ until }) => until === null || until > now);
  const secrets = await Promise.all(signing.map(({ sealed }) => openSecret(sealed)));
  return { secrets, addressedTo: address.organizationId };
}

/** @throws INVALID_SIGNATURE unless one of the secrets has signed it */
function requireSigned(
  webhook: IncomingRoute,
  secrets: readonly string[],
  request: SignedRequest,
): void {
  const holds = (secret: string): boolean => {
    try {
      verifySignature(webhook.signature, secret, request);
      return true;
    } catch (error) {
      if (errorDataOf(error)?.code === "INVALID_SIGNATURE") return false;
      throw error;
    }
  };
  if (!secrets.some(holds)) throw invalidSignature();
}

async function signedRequest(c: HttpContext): Promise<SignedRequest> {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const header = (name: string): string | null => c.req.header(name) ?? null;
  return { body, header, now: Date.now() };
}

/** Under which id an event is known; one of no good id by the hash of its body. */
function identityOf(
  { provider, identity, varying }: IncomingRoute,
  request: SignedRequest,
  { text }: Payload,
): { provider: string; eventId: string; type: string; contentHash: string } {
  const body = parsed(text);
  const id = identity.id === "standard-webhooks" ? standardWebhookId(request) : body.id;
  const type = identity.type ?? body.type ?? "unreadable";
  const contentHash = sha256Hex(varying ? text.replace(new RegExp(varying), "") : text);
  const isGood =
    identity.id !== null &&
    typeof id === "string" &&
    /^[\x21-\x7e]+$/.test(id) &&
    id.length <= MAX_NAME;
  const shown = type.slice(0, MAX_NAME).toWellFormed().replaceAll("\0", "");
  return { provider, eventId: isGood ? id : contentHash, type: shown, contentHash };
}

/** What the body says of itself: one that cannot be read is signed all the same, and is recorded. */
function parsed(payload: string): { id?: string; type?: string } {
  try {
    const { id, type } = (JSON.parse(payload) ?? {}) as { id?: unknown; type?: unknown };
    return {
      ...(typeof id === "string" ? { id } : {}),
      ...(typeof type === "string" ? { type } : {}),
    };
  } catch {
    return {};
  }
}
