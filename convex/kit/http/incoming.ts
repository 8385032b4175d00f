import { bodyLimit } from "hono/body-limit";
import { internal } from "../../_generated/api";
import { ApiError, errorDataOf } from "../errors";
import type { MountedWebhook } from "../incomingWebhook";
import { invalidSignature, type SignedRequest } from "../signatures";
import { sha256Hex } from "../tokens";
import { failure } from "./answer";
import { retryConflicts } from "./conflicts";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import { meterStranger } from "./strangers";

/** Beside it, the row that keeps the body has a few short fields, and Convex takes 1 MiB a row. */
const DEFAULT_BODY_LIMIT = 1000 * 1024;
const MAX_ID = 255;

export function incomingRoutes(app: HttpApp, webhooks: readonly MountedWebhook[]): void {
  for (const webhook of webhooks) {
    const path = API_PREFIX + webhook.path;
    app.post(path, limitBody(webhook), (c) => serveIncoming(c, webhook));
    const { challenge } = webhook;
    if (!challenge) continue;
    app.get(path, (c) => {
      const answer = challenge(new URL(c.req.url).searchParams);
      return answer === null ? failure(c, invalidSignature()) : c.text(answer);
    });
  }
}

function limitBody({
  bodyLimit: maxSize = DEFAULT_BODY_LIMIT,
}: MountedWebhook): ReturnType<typeof bodyLimit> {
  return bodyLimit({
    maxSize,
    onError: (c: HttpContext) => {
      const message = `The body is larger than ${maxSize} bytes.`;
      const details = { limitBytes: maxSize };
      return failure(c, new ApiError("PAYLOAD_TOO_LARGE", message, { details }));
    },
  });
}

async function serveIncoming(c: HttpContext, webhook: MountedWebhook): Promise<Response> {
  try {
    const request = await signedRequest(c);
    webhook.verify(secretOf(webhook), request);
    const { id, type } = webhook.read(request, parsed(request.payload));
    const { provider, functionName: handler } = webhook;
    const eventId = id !== null && id.length <= MAX_ID ? id : sha256Hex(request.payload);
    const event = { provider, eventId, type: type.slice(0, MAX_ID), handler };
    await retryConflicts(() =>
      c.env.runMutation(internal.kit.incoming.receive, { ...event, payload: request.payload }),
    );
    c.header("Cache-Control", "no-store");
    const meta = { traceId: c.get("requestId") };
    return c.json({ success: true, data: { received: true }, error: null, meta });
  } catch (error) {
    const isStranger = errorDataOf(error)?.code === "INVALID_SIGNATURE";
    return failure(c, isStranger ? await meterStranger(c, error) : error);
  }
}

/** @throws SERVICE_UNAVAILABLE where the deployment has no secret for this provider */
function secretOf({ secret, provider }: MountedWebhook): string {
  const value = process.env[secret];
  if (value) return value;
  const message = `Webhooks of ${provider} are not set up here: ${secret} is not set.`;
  throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 3600 });
}

async function signedRequest(c: HttpContext): Promise<SignedRequest> {
  const bytes = await c.req.arrayBuffer();
  const header = (name: string): string | null => c.req.header(name) ?? null;
  try {
    const payload = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { payload, header, now: Date.now() };
  } catch {
    // No provider signs what is not UTF-8.
    throw invalidSignature();
  }
}

/** The body as JSON, or null: one that cannot be read is signed all the same, and is recorded. */
function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return null;
  }
}
