import { randomBytes } from "node:crypto";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";

/** A Payment Link as the server keeps it: https://docs.stripe.com/api/payment-link/object */
export type StripeLink = {
  id: string;
  /** The account that it pays. */
  account: string;
  url: string;
  active: boolean;
  amount: number;
  currency: string;
  productName: string;
  metadata: Record<string, string>;
  intentMetadata: Record<string, string>;
  /** How many may complete, and have. */
  limit: number;
  completed: number;
};

/** What a test lets happen to the next request instead of the usual. */
type Fault =
  | { status: number; type: string; message: string }
  /** It is carried out, and the connection ends without an answer. */
  | "taken, no answer"
  /** It is carried out, and never answered. */
  | "taken, hangs";

export type StripeEvent = {
  id: string;
  object: "event";
  type: string;
  created: number;
  data: { object: Record<string, unknown> };
};

const API_KEY = "sk_test_loopback";
const FIELDS = [
  /^line_items\[0\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[name))\]$/,
  /^(payment_intent_data\[metadata\]|metadata)\[\w+\]$/,
  /^restrictions\[completed_sessions\]\[limit\]$/,
];

/**
 * Stripe's API on loopback, as far as it is called: it checks the key, the version, the form and its
 * fields, and keeps idempotency keys (https://docs.stripe.com/api/idempotent_requests). Whoever pays
 * a link (`pay`) makes the events that Stripe would send.
 */
export class StripeServer {
  readonly links: StripeLink[] = [];
  readonly faults: Fault[] = [];
  /** The keys that are good, and whose account each is of. */
  readonly accounts = new Map([[API_KEY, "acct_deployment"]]);
  /** Every request: its path and its idempotency key. */
  readonly requests: { path: string; key: string }[] = [];
  private readonly replies = new Map<string, { form: string; answer: object }>();

  private constructor(
    private readonly app: FastifyInstance,
    readonly url: string,
  ) {}

  static async listen(): Promise<StripeServer> {
    const app = fastify({ forceCloseConnections: true });
    const asText = { parseAs: "string" } as const;
    app.addContentTypeParser("application/x-www-form-urlencoded", asText, (_, body, done) => {
      done(null, body);
    });
    const server: { it?: StripeServer } = {};
    app.post("/v1/*", async (request, reply) => {
      await server.it?.answer(request, reply);
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return (server.it = new StripeServer(app, url));
  }

  /** For the environment of a server that is to use it. */
  get env(): Record<string, string> {
    const webhookSecret = process.env["STRIPE_WEBHOOK_SECRET"] ?? "";
    return {
      STRIPE_SECRET_KEY: API_KEY,
      STRIPE_BASE_URL: this.url,
      STRIPE_WEBHOOK_SECRET: webhookSecret,
    };
  }

  /** Somebody pays on the page of a link: the events that follow, in the order Stripe makes them. */
  pay(link: StripeLink): { session: StripeEvent; intent: StripeEvent; refund: StripeEvent } {
    if (!link.active || link.completed >= link.limit) throw new Error(`${link.id} is closed.`);
    link.completed += 1;
    const { amount, currency, metadata, intentMetadata } = link;
    const paymentIntent = newId("pi");
    const session = {
      ...{ id: newId("cs_test"), object: "checkout.session", payment_link: link.id },
      ...{ payment_status: "paid", payment_intent: paymentIntent, amount_total: amount },
      ...{ currency, metadata },
    };
    const intent = {
      ...{ id: paymentIntent, object: "payment_intent", status: "succeeded" },
      ...{ amount, amount_received: amount, currency, metadata: intentMetadata },
    };
    const refund = {
      ...{ id: newId("re"), object: "refund", status: "succeeded" },
      ...{ amount, currency, payment_intent: paymentIntent, metadata: {} },
    };
    return {
      intent: event("payment_intent.succeeded", intent),
      session: event("checkout.session.completed", session),
      refund: event("refund.created", refund),
    };
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  private async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const path = request.url;
    const key = String(request.headers["idempotency-key"] ?? "");
    this.requests.push({ path, key });
    const apiKey = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const account = this.accounts.get(apiKey);
    if (account === undefined) {
      return refuse(reply, 401, "invalid_request_error", "Invalid API Key provided.");
    }
    if (!/^\d{4}-\d\d-\d\d/.test(String(request.headers["stripe-version"]))) {
      return refuse(reply, 400, "invalid_request_error", "No API version.");
    }
    const fault = this.faults.shift();
    if (typeof fault === "object") return refuse(reply, fault.status, fault.type, fault.message);
    const form = typeof request.body === "string" ? request.body : "";
    const known = this.replies.get(account + key);
    if (known && known.form !== path + form) {
      return refuse(
        reply,
        400,
        "idempotency_error",
        "Keys can only be used with the same request.",
      );
    }
    const answer = known?.answer ?? this.carryOut(account, path, new URLSearchParams(form));
    if ("problem" in answer) {
      const code = "code" in answer ? String(answer.code) : undefined;
      return refuse(reply, 400, "invalid_request_error", String(answer.problem), code);
    }
    if (key !== "") this.replies.set(account + key, { form: path + form, answer });
    if (fault === "taken, hangs") return await new Promise<never>(() => undefined);
    if (fault === "taken, no answer") {
      request.raw.socket.destroy();
      return reply.hijack();
    }
    return reply.headers({ "request-id": newId("req") }).send(answer);
  }

  private carryOut(
    account: string,
    path: string,
    form: URLSearchParams,
  ): object | { problem: string } {
    if (path === "/v1/payment_links") return this.create(account, form);
    const own = this.links.filter((link) => link.account === account);
    const link = own.find(({ id }) => path === `/v1/payment_links/${id}`);
    if (!link) return { problem: `No such payment link: ${path}`, code: "resource_missing" };
    const [[field, value] = [], ...others] = [...form];
    if (field !== "active" || others.length > 0) return { problem: `Unknown: ${[...form].join()}` };
    link.active = value === "true";
    return shown(link);
  }

  private create(account: string, form: URLSearchParams): object | { problem: string } {
    const unknown = [...form.keys()].find((name) => !FIELDS.some((field) => field.test(name)));
    if (unknown !== undefined) return { problem: `Received unknown parameter: ${unknown}` };
    const price = "line_items[0][price_data]";
    const amount = Number(form.get(`${price}[unit_amount]`));
    const currency = form.get(`${price}[currency]`) ?? "";
    const productName = form.get(`${price}[product_data][name]`) ?? "";
    if (!Number.isInteger(amount) || amount <= 0) return { problem: "Invalid integer" };
    if (!/^[a-z]{3}$/.test(currency)) return { problem: `Invalid currency: ${currency}` };
    if (productName === "" || form.get("line_items[0][quantity]") !== "1") {
      return { problem: "Missing required param" };
    }
    const id = newId("plink");
    const link: StripeLink = {
      ...{
        id,
        account,
        url: `https://buy.stripe.test/${id}`,
        active: true,
        amount,
        currency,
        productName,
      },
      metadata: mapOf(form, "metadata"),
      intentMetadata: mapOf(form, "payment_intent_data[metadata]"),
      limit: Number(form.get("restrictions[completed_sessions][limit]") ?? Infinity),
      completed: 0,
    };
    this.links.push(link);
    return shown(link);
  }
}

function mapOf(form: URLSearchParams, name: string): Record<string, string> {
  const own = [...form].filter(([field]) => field.startsWith(`${name}[`));
  return Object.fromEntries(own.map(([field, value]) => [field.slice(name.length + 1, -1), value]));
}

function shown({ id, url, active, currency, metadata }: StripeLink): object {
  return { id, object: "payment_link", url, active, currency, livemode: false, metadata };
}

function event(type: string, object: Record<string, unknown>): StripeEvent {
  const created = Math.floor(Date.now() / 1000);
  return { id: newId("evt"), object: "event", type, created, data: { object } };
}

function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString("hex")}`;
}

/** https://docs.stripe.com/api/errors */
function refuse(
  reply: FastifyReply,
  status: number,
  type: string,
  message: string,
  code?: string,
): FastifyReply {
  return reply.status(status).send({ error: { type, message, code } });
}
