import { createHash } from "node:crypto";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";

/** A message as Resend's API takes it: https://resend.com/docs/api-reference/emails/send-email */
export type ResendEmail = {
  from: string;
  to: string | string[];
  reply_to?: string | string[];
  subject: string;
  html: string;
  text: string;
  attachments?: { filename: string; content: string; content_type?: string }[];
  tags?: { name: string; value: string }[];
};
export type Taken = { id: string; key: string; email: ResendEmail };

type Refusal = {
  status: number;
  name: string;
  headers?: Record<string, string>;
  message?: string;
};

/** What a test lets happen to the next request: an answer instead of the usual one, or a lost one. */
type Fault =
  | Refusal
  /** The message is taken, and the connection ends without an answer. */
  | "taken, no answer"
  /** The message is taken, and the connection stays open without an answer. */
  | "taken, then silence"
  | "no answer";

export type ResendServer = {
  url: string;
  /** Messages that were taken, each once, whatever was asked again. */
  taken: Taken[];
  requests: number;
  faults: Fault[];
  /** Answers every request so while it is set. */
  down: Fault | null;
  close: () => Promise<void>;
};

const API_KEY = "re_test_key";
export const RESEND_ENV = { RESEND_API_KEY: API_KEY, EMAIL_FROM: "Studio <mail@studio.test>" };

/** A server on loopback that speaks Resend's API: it checks what it gets, and keeps keys for 24 hours. */
export async function startResend(): Promise<ResendServer> {
  const app = fastify({ bodyLimit: 40 * 1024 * 1024 });
  const keys = new Map<string, { id: string; digest: string }>();
  const server: ResendServer = {
    url: "",
    taken: [],
    requests: 0,
    faults: [],
    down: null,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
  app.post("/emails", async (request, reply) => {
    server.requests += 1;
    const fault = server.down ?? server.faults.shift();
    if (fault === "no answer") return hangUp(reply);
    if (typeof fault === "object") return refuse(reply, fault);
    if (request.headers.authorization !== `Bearer ${API_KEY}`) {
      return refuse(reply, { status: 403, name: "invalid_api_key" });
    }
    const email = request.body as ResendEmail;
    const problem = problemOf(email);
    if (problem !== null) return refuse(reply, { status: 422, name: problem });
    const key = String(request.headers["idempotency-key"] ?? "");
    const digest = createHash("sha256").update(JSON.stringify(email)).digest("hex");
    const known = keys.get(key);
    if (known && known.digest !== digest) {
      return refuse(reply, { status: 409, name: "invalid_idempotent_request" });
    }
    const id = known?.id ?? crypto.randomUUID();
    if (!known) {
      keys.set(key, { id, digest });
      server.taken.push({ id, key, email });
    }
    if (fault === "taken, no answer") return hangUp(reply);
    return fault === "taken, then silence" ? reply.hijack() : reply.send({ id });
  });
  server.url = await listening(app);
  return server;
}

export async function listening(app: FastifyInstance): Promise<string> {
  return await app.listen({ host: "127.0.0.1", port: 0 });
}

export function hangUp(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}

function refuse(
  reply: FastifyReply,
  { status, name, headers = {}, message = `The test says ${name}.` }: Refusal,
): FastifyReply {
  return reply.code(status).headers(headers).send({ statusCode: status, name, message });
}

function problemOf({ from, to, subject, html, text }: ResendEmail): string | null {
  const address = /^[^<>]*<[^\s@<>]+@[^\s@<>]+>$/;
  if (!address.test(from)) return "invalid_from_address";
  if ([to].flat().some((one) => !/^[^\s@]+@[^\s@]+$/.test(one))) return "validation_error";
  return subject && html && text ? null : "missing_required_field";
}
