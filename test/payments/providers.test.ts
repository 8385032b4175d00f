import { convexToJson } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Answer } from "../helpers/answer";
import { newMember, newTenant, requestsOf, type Tenant } from "../helpers/backend";
import { signedEvent, stripeEvent } from "../helpers/webhooks";
import { type Books, invoice, openBooks, shown } from "../invoicing/books";

/** Payments of several organizations on one deployment: each has its own secrets and address. */
type Provider = { provider: string; endpointKey: string; webhookUrl: string; secretHint: string };
type Event = { status: string; path: string | null; note: string; provider: string; id: string };

const TOTAL = 11_900;
const newSecret = (): string => {
  const random = crypto.getRandomValues(new Uint8Array(24));
  return `whsec_${btoa(String.fromCharCode(...random))}`;
};
const payment = (data: Record<string, unknown>): unknown => ({
  type: "payment.succeeded",
  data: {
    ...{ amountInCents: TOTAL, currency: "eur", transactionRef: "T1" },
    ...{ paidAt: "2026-11-20T12:00:00+01:00", ...data },
  },
});

async function put(
  { request }: Pick<Tenant, "request">,
  provider: "stripe" | "generic",
  body: object,
): Promise<Provider> {
  const answer = await request("PUT", `/organization/payment-providers/${provider}`, { body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Provider;
}

async function send(
  { request }: Pick<Tenant, "request">,
  { provider, endpointKey }: Provider,
  secret: string,
  event: unknown,
  id?: string,
): Promise<Answer> {
  const path = `/webhooks/payments/${provider}/${endpointKey}`;
  const signed =
    provider === "stripe"
      ? stripeEvent(event, { secret })
      : signedEvent(event, id === undefined ? { secret } : { secret, id });
  return await request("POST", path, signed);
}

async function dataOf<Row>({ request }: Pick<Tenant, "request">, path: string): Promise<Row[]> {
  const answer = await request("GET", path);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Row[];
}

async function sentInvoice({ request }: Pick<Tenant, "request">): Promise<string> {
  const { id } = shown(await request("POST", "/invoices", { body: invoice() }));
  shown(await request("POST", `/invoices/${id}/send`, { body: { channels: [] } }));
  return id;
}

async function paidOf({ request }: Pick<Tenant, "request">, id: string): Promise<unknown> {
  return shown(await request("GET", `/invoices/${id}`)).customProperties["amountPaidInCents"];
}

async function asOwner(books: Books): Promise<Pick<Tenant, "request">> {
  return { request: requestsOf(books.backend, books.sessionToken) };
}

describe("an organization's own address", () => {
  test("takes its payments, by number and with a currency in any case and a time in ISO 8601", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    const secret = newSecret();
    const provider = await put(other, "generic", { webhookSecret: secret });
    const id = await sentInvoice(other);
    const { name } = shown(await other.request("GET", `/invoices/${id}`));
    const ours = await sentInvoice(books);
    expect(shown(await books.get(`/invoices/${ours}`)).name).toBe(name);
    expect((await send(other, provider, secret, payment({ invoiceNumber: name }))).status).toBe(
      200,
    );
    expect([await paidOf(other, id), await paidOf(books, ours)]).toEqual([TOTAL, 0]);
    const [settled] = await dataOf<{ customProperties: { paidDate: number } }>(
      other,
      `/invoices/${id}/payments`,
    );
    const day = new Date(settled?.customProperties.paidDate ?? 0).toISOString().slice(0, 10);
    expect(day).toBe("2026-11-20");
  });

  test("never pays another's invoice, whatever the event names", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    const ours = await sentInvoice(books);
    const { organizationId } = books;
    const [generic, stripe] = [newSecret(), "whsec_of_the_other"];
    const one = await put(other, "generic", { webhookSecret: generic });
    const two = await put(other, "stripe", { secretKey: "sk_test_other", webhookSecret: stripe });
    await send(other, one, generic, payment({ organizationId, invoiceId: ours }));
    const intent = {
      ...{ id: "pi_1", amount_received: TOTAL, currency: "eur" },
      metadata: { organizationId, invoiceId: ours },
    };
    const event = { id: "evt_1", created: 1_790_000_000, type: "payment_intent.succeeded" };
    await send(other, two, stripe, { ...event, data: { object: intent } });
    expect(await paidOf(books, ours)).toBe(0);
    expect(await dataOf(books, "/payments/unmatched")).toEqual([]);
    const waiting = await dataOf<{ reference: string }>(other, "/payments/unmatched");
    expect(waiting.map(({ reference }) => reference).sort()).toEqual(["T1", "pi_1"]);
  });

  test("is 401 with another's secret, the deployment's, after it was taken away, and where there is none", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    const [mine, theirs] = [newSecret(), newSecret()];
    const provider = await put(books, "generic", { webhookSecret: mine });
    await put(other, "generic", { webhookSecret: theirs });
    const event = payment({});
    const deployments = process.env["PAYMENT_WEBHOOK_SECRET"] ?? "";
    const refused = [
      await send(books, provider, theirs, event),
      await send(books, provider, deployments, event),
      await send(books, { ...provider, endpointKey: "0".repeat(64) }, mine, event),
    ];
    const path = "/organization/payment-providers/generic";
    expect((await books.request("DELETE", path)).status).toBe(204);
    expect((await books.request("DELETE", path)).code).toBe("PAYMENT_PROVIDER_NOT_FOUND");
    refused.push(await send(books, provider, mine, event));
    expect(refused.map(({ code }) => code)).toEqual(refused.map(() => "INVALID_SIGNATURE"));
    expect(await dataOf(books, "/organization/payment-providers")).toEqual([]);
    expect(await dataOf(books, "/webhooks/incoming")).toEqual([]);
  });

  test("keeps events apart that two organizations' providers give the same id", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    for (const tenant of [books, other]) {
      const secret = newSecret();
      const provider = await put(tenant, "generic", { webhookSecret: secret });
      const invoiceId = await sentInvoice(tenant);
      await send(tenant, provider, secret, payment({ invoiceId }), "msg_1");
      expect(await paidOf(tenant, invoiceId)).toBe(TOTAL);
    }
  });

  test("does not take over what waits at the deployment's under the same reference", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    const refund = { refundOf: "T1", transactionRef: "R1" };
    const waiting = { ...(payment(refund) as object), type: "payment.refunded" };
    await books.request("POST", "/webhooks/payments/generic", signedEvent(waiting));
    const secret = newSecret();
    const provider = await put(other, "generic", { webhookSecret: secret });
    const invoiceId = await sentInvoice(other);
    await send(other, provider, secret, payment({ invoiceId }));
    expect(await paidOf(other, invoiceId)).toBe(TOTAL);
    const unplaced = await dataOf(await asOwner(books), "/admin/payments/unplaced");
    expect(unplaced).toMatchObject([{ kind: "refund", reference: "refund:R1" }]);
  });
});

describe("secrets", () => {
  test("are stored sealed, shown by their ends, and not in the trail", async () => {
    vi.stubEnv("ENCRYPTION_KEY", btoa("k".repeat(32)));
    const books = await openBooks();
    const given = {
      secretKey: "sk_test_0123456789abcdef",
      webhookSecret: "whsec_fedcba9876543210",
    };
    const provider = await put(books, "stripe", given);
    expect(provider).toMatchObject({
      ...{ provider: "stripe", isConfigured: true, secretHint: "sk_test_…cdef" },
    });
    expect(provider.webhookUrl).toMatch(
      new RegExp(`/api/v1/webhooks/payments/stripe/${provider.endpointKey}$`),
    );
    const listed = await books.get("/organization/payment-providers");
    expect(listed.body.data).toEqual([provider]);
    const rows = await books.backend.run(async ({ db }) => [
      await db.query("paymentProviders").collect(),
      await db.query("paymentKeys").collect(),
      await db.query("auditLogs").collect(),
    ]);
    for (const secret of Object.values(given)) {
      expect(JSON.stringify(convexToJson(rows))).not.toContain(secret);
      expect(listed.text).not.toContain(secret);
    }
  });

  test("that are replaced verify until their own ends, however often that happens", async () => {
    const books = await openBooks();
    const secrets = Array.from({ length: 7 }, newSecret);
    let provider: Provider | undefined;
    for (const webhookSecret of secrets.slice(0, 6)) {
      provider = await put(books, "generic", { webhookSecret });
      await put(books, "generic", { webhookSecret });
    }
    if (!provider) throw new Error("There is no provider.");
    for (const [index, secret] of secrets.slice(0, 6).entries()) {
      const event = payment({ transactionRef: `T${index}` });
      expect((await send(books, provider, secret, event)).status).toBe(200);
    }
    const path = "/organization/payment-providers/generic";
    const seventh = { webhookSecret: secrets[6] ?? "" };
    expect((await books.request("PUT", path, { body: seventh })).code).toBe("CONFLICT");
    await put(books, "generic", { ...seventh, overlapSeconds: 0 });
    const answers = [];
    for (const secret of secrets) {
      answers.push((await send(books, provider, secret, payment({}))).status);
    }
    expect(answers).toEqual([401, 401, 401, 401, 401, 401, 200]);
  });

  test("of another form are refused with the field's name", async () => {
    const books = await openBooks();
    const bad: [string, object, string][] = [
      ["stripe", {}, "body"],
      ["stripe", { secretKey: "pk_test_0123456789" }, "body.secretKey"],
      ["stripe", { secretKey: "sk_test with spaces" }, "body.secretKey"],
      ["stripe", { secretKey: "whsec_0123456789" }, "body.secretKey"],
      ["generic", {}, "body.webhookSecret"],
      ["generic", { webhookSecret: "whsec_not base64" }, "body.webhookSecret"],
      ["generic", { webhookSecret: "whsec_AAAA" }, "body.webhookSecret"],
    ];
    for (const [provider, body, path] of bad) {
      const answer = await books.request("PUT", `/organization/payment-providers/${provider}`, {
        body,
      });
      expect([answer.code, ...new Set(answer.paths)]).toEqual(["VALIDATION_ERROR", path]);
    }
  });
});

describe("a signed event that cannot be read", () => {
  const cases: [string, unknown, string][] = [
    ["an amount as text", payment({ amountInCents: "10000" }), "body.data.amountInCents"],
    ["a currency that there is not", payment({ currency: "euro" }), "body.data.currency"],
    ["a time that is none", payment({ paidAt: "yesterday" }), "body.data.paidAt"],
    ["a time in seconds", payment({ paidAt: 1_795_190_400 }), "body.data.paidAt"],
    ["a day that there is not", payment({ paidAt: "2026-02-30" }), "body.data.paidAt"],
    ["no reference", payment({ transactionRef: undefined }), "body.data.transactionRef"],
    ["a reference of no text", payment({ transactionRef: "a\ud800" }), "body.reference"],
    ["an unknown type", { type: "payment.lost", data: {} }, "body.type"],
    ["a list", [], "body"],
    ["a great depth", JSON.parse("[".repeat(900) + "]".repeat(900)), "body"],
  ];

  test.each(cases)(
    "(%s) is 400 with its path, and is listed as unreadable",
    async (_name, event, path) => {
      const books = await openBooks();
      await newTenant(books.backend);
      const secret = newSecret();
      const provider = await put(books, "generic", { webhookSecret: secret });
      for (const turn of [1, 2]) {
        const answer = await send(books, provider, secret, event, "msg_1");
        expect([turn, answer.status, answer.code, answer.paths]).toEqual([
          ...[turn, 400, "VALIDATION_ERROR", [path]],
        ]);
      }
      const rows = await dataOf<Event>(books, "/webhooks/incoming?status=unreadable");
      expect(rows).toMatchObject([{ status: "unreadable", path, attempts: 2 }]);
      expect(rows[0]?.note).toContain(path);
    },
  );

  test("of bytes that are no text is listed, and so is one that is no JSON", async () => {
    const books = await openBooks();
    const secret = newSecret();
    const provider = await put(books, "generic", { webhookSecret: secret });
    const path = `/webhooks/payments/generic/${provider.endpointKey}`;
    const { createHmac } = await import("node:crypto");
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    for (const [id, raw] of [
      ["m1", Buffer.from([0x7b, 0xff, 0x7d])],
      ["m2", Buffer.from("{")],
    ] as const) {
      const at = String(Math.floor(Date.now() / 1000));
      const sum = createHmac("sha256", key).update(`${id}.${at}.`).update(raw).digest("base64");
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": `v1,${sum}`,
      };
      const answer = await books.request("POST", path, { raw, headers, token: null });
      expect([answer.status, answer.paths]).toEqual([400, ["body"]]);
    }
    const rows = await dataOf<Event>(books, "/webhooks/incoming");
    expect(rows.map(({ status }) => status)).toEqual(["unreadable", "unreadable"]);
  });

  test("at the deployment's address is the organization's that it belongs to, else the platform's", async () => {
    const books = await openBooks();
    const odd = signedEvent(payment({ amountInCents: "1" }), { id: "m1" });
    await books.request("POST", "/webhooks/payments/generic", odd);
    const other = await newTenant(books.backend);
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", other.organizationId);
    const second = signedEvent(payment({ amountInCents: "1" }), { id: "m2" });
    await books.request("POST", "/webhooks/payments/generic", second);
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", "");
    const third = signedEvent(payment({ amountInCents: "1" }), { id: "m3" });
    await books.request("POST", "/webhooks/payments/generic", third);
    const lists = [
      await dataOf<{ eventId: string }>(books, "/webhooks/incoming"),
      await dataOf<{ eventId: string }>(other, "/webhooks/incoming"),
      await dataOf<{ eventId: string }>(await asOwner(books), "/admin/incoming"),
    ];
    expect(lists.map((rows) => rows.map(({ eventId }) => eventId))).toEqual([
      ["m1"],
      ["m2"],
      ["m3"],
    ]);
  });
});

test("of any other provider, an unreadable event is 200 and in the platform's list", async () => {
  vi.stubEnv("RESEND_WEBHOOK_SECRET", newSecret());
  const books = await openBooks();
  const svix = (variable: string): { secret: string; prefix: "svix" } => {
    return { secret: process.env[variable] ?? "", prefix: "svix" };
  };
  const { request } = books;
  const odd = { type: "email.bounced", data: [] };
  const user = { type: "user.updated", data: { id: 5 } };
  const answers = [
    await request("POST", "/webhooks/resend", signedEvent(odd, svix("RESEND_WEBHOOK_SECRET"))),
    await request("POST", "/webhooks/clerk", signedEvent(user, svix("CLERK_WEBHOOK_SECRET"))),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const rows = await dataOf<Event>(await asOwner(books), "/admin/incoming");
  expect(rows.map(({ provider, status, path }) => [provider, status, path])).toEqual([
    ["clerk", "unreadable", "body.data.id"],
    ["resend", "unreadable", "body.data"],
  ]);
  const outsider = await newMember(books.backend, [
    { organizationId: books.organizationId, role: "owner" },
  ]);
  for (const path of ["/admin/incoming", "/admin/payments/unplaced"]) {
    expect((await outsider.request("GET", path)).code).toBe("FORBIDDEN");
  }
});

test("one status that Meta garbles does not take the others of its payload with it", async () => {
  vi.stubEnv("WHATSAPP_APP_SECRET", "meta");
  const books = await openBooks();
  const statuses = [{ status: "delivered" }, { id: "wamid.1", status: "delivered" }];
  const raw = JSON.stringify({ entry: [{ changes: [{ value: { statuses } }] }] });
  const { createHmac } = await import("node:crypto");
  const sum = createHmac("sha256", "meta").update(raw).digest("hex");
  const headers = { "X-Hub-Signature-256": `sha256=${sum}` };
  const answer = await books.request("POST", "/webhooks/whatsapp", { raw, headers, token: null });
  expect(answer.status).toBe(200);
  expect(await dataOf(await asOwner(books), "/admin/incoming")).toMatchObject([
    { status: "unreadable", path: "body.entry.0.changes.0.value.statuses.0.id" },
  ]);
});

describe("at the deployment's address, with several organizations", () => {
  test("a payment that names none is in the platform's list", async () => {
    const books = await openBooks();
    await newTenant(books.backend);
    const event = payment({ invoiceNumber: "INV-2026-01-001" });
    const answer = await books.request("POST", "/webhooks/payments/generic", signedEvent(event));
    expect(answer.status).toBe(200);
    const unplaced = await dataOf(await asOwner(books), "/admin/payments/unplaced");
    const reason = "It names no organization of this deployment, and there are several.";
    expect(unplaced).toMatchObject([{ reference: "T1", amountInCents: TOTAL, reason }]);
    expect(await dataOf(books, "/payments/unmatched")).toEqual([]);
  });

  test("a payment is the organization's that PAYMENTS_ORGANIZATION_ID names, alone", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", books.organizationId);
    const [ours, theirs] = [await sentInvoice(books), await sentInvoice(other)];
    const { name } = shown(await books.get(`/invoices/${ours}`));
    const events = [
      payment({ invoiceNumber: name }),
      payment({ invoiceId: theirs, organizationId: other.organizationId, transactionRef: "T2" }),
    ];
    for (const event of events) {
      await books.request("POST", "/webhooks/payments/generic", signedEvent(event));
    }
    expect([await paidOf(books, ours), await paidOf(other, theirs)]).toEqual([TOTAL, 0]);
    expect(await dataOf(books, "/payments/unmatched")).toMatchObject([{ reference: "T2" }]);
    expect(await dataOf(other, "/payments/unmatched")).toEqual([]);
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", "");
  });

  test("no link is made with the deployment's key for whom it is not", async () => {
    const books = await openBooks();
    const other = await newTenant(books.backend);
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", books.organizationId);
    const link = async (tenant: Pick<Tenant, "request">): Promise<Answer> =>
      await tenant.request("POST", `/invoices/${await sentInvoice(tenant)}/payment-link`);
    expect((await link(books)).status).toBe(200);
    const refused = await link(other);
    expect([refused.status, refused.code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(refused.body.error.message).toContain("/organization/payment-providers/stripe");
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", "");
  });
});

describe("an id or a reference that comes again", () => {
  test("with another body is another event, and none is dropped", async () => {
    const books = await openBooks();
    const secret = newSecret();
    const provider = await put(books, "generic", { webhookSecret: secret });
    for (const transactionRef of ["A", "B", "A"]) {
      await send(books, provider, secret, payment({ transactionRef }), "msg_1");
    }
    const waiting = await dataOf<{ reference: string }>(books, "/payments/unmatched");
    expect(waiting.map(({ reference }) => reference).sort()).toEqual(["A", "B"]);
    expect(await dataOf(books, "/webhooks/incoming")).toHaveLength(2);
  });

  test("with another amount is said to be so, where events are listed", async () => {
    const books = await openBooks();
    const secret = newSecret();
    const provider = await put(books, "generic", { webhookSecret: secret });
    const invoiceId = await sentInvoice(books);
    await send(books, provider, secret, payment({ invoiceId, amountInCents: TOTAL + 50 }));
    await send(books, provider, secret, payment({ invoiceId, amountInCents: 7 }));
    const [second, first] = await dataOf<Event>(books, "/webhooks/incoming");
    expect([first?.status, second?.status]).toEqual(["applied", "ignored"]);
    expect(second?.note).toContain(String(TOTAL + 50));
  });
});

test("an event of more than a row holds is kept whole, and applied", async () => {
  const books = await openBooks();
  const invoiceId = await sentInvoice(books);
  const padding = "😀".repeat(400_000);
  const event = { ...(payment({ invoiceId }) as object), padding };
  const sent = signedEvent(event);
  expect((await books.request("POST", "/webhooks/payments/generic", sent)).status).toBe(200);
  expect(await paidOf(books, invoiceId)).toBe(TOTAL);
  const large = signedEvent({ padding: "x".repeat(5_000_000) });
  const refused = await books.request("POST", "/webhooks/payments/generic", large);
  expect([refused.status, refused.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
  const DAY = 24 * 60 * 60 * 1000;
  await books.backend.run(async ({ db }) => {
    for (const { _id } of await db.query("incomingEvents").collect()) {
      await db.patch("incomingEvents", _id, { receivedAt: Date.now() - 91 * DAY });
    }
  });
  await books.backend.mutation(internal.delivery.maintenance.cleanUp, {});
  const left = await books.backend.run(({ db }) => db.query("incomingEventPieces").collect());
  expect(left).toEqual([]);
});
