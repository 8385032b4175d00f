import { readFileSync, existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { verifyStandardWebhook } from "../../convex/kit/signatures";
import { Webhook } from "standardwebhooks";
import { type Books, openBooks, shown } from "../invoicing/books";
import { newTenant } from "../helpers/backend";
import { signedEvent, stripeEvent } from "../helpers/webhooks";

type Row = { id: string; amountInCents: number; reason: string; reference: string; kind: string };
const TOTAL = 11_900;

function paid(data: Record<string, unknown>, type = "payment.succeeded"): unknown {
  const paidAt = Date.UTC(2026, 0, 20);
  const money = { amountInCents: TOTAL, currency: "EUR", transactionRef: "T1", paidAt };
  return { type, data: { ...money, ...data } };
}

function tools(books: Books) {
  return {
    generic: async (event: unknown, options?: Parameters<typeof signedEvent>[1]) =>
      await books.request("POST", "/webhooks/payments/generic", signedEvent(event, options)),
    stripe: async (type: string, object: object, id = `evt_${crypto.randomUUID()}`) => {
      const event = { id, object: "event", type, created: 1_790_000_000, data: { object } };
      return await books.request("POST", "/webhooks/payments/stripe", stripeEvent(event));
    },
    unmatched: async () => (await books.get("/payments/unmatched")).body.data as unknown as Row[],
    state: async (id: string) => {
      const { status, customProperties } = shown(await books.get(`/invoices/${id}`));
      return [status, customProperties["amountPaidInCents"]];
    },
    payments: async (id: string) =>
      (await books.get(`/invoices/${id}/payments`)).body.data.map(
        ({ customProperties }) => customProperties["amountInCents"],
      ),
  };
}

describe("a signed payment", () => {
  test("is applied once, however often it comes", async () => {
    const books = await openBooks();
    const { generic, state, payments } = tools(books);
    const { id } = await books.sent();
    const event = paid({ invoiceId: id });
    for (const message of ["a", "a", "b"]) {
      expect((await generic(event, { id: message })).status).toBe(200);
    }
    expect(await state(id)).toEqual(["paid", TOTAL]);
    expect(await payments(id)).toEqual([TOTAL]);
  });

  test("is the payment that somebody has recorded by hand under its reference", async () => {
    const books = await openBooks();
    const { generic, payments, unmatched } = tools(books);
    const { id } = await books.sent();
    await books.post(`/invoices/${id}/pay`, { paymentMethod: "card", transactionRef: "T1" });
    await generic(paid({ invoiceId: id }));
    expect(await payments(id)).toEqual([TOTAL]);
    expect(await unmatched()).toEqual([]);
  });

  test("finds its invoice by number, also when that is sent later", async () => {
    const books = await openBooks();
    const { generic, unmatched, state } = tools(books);
    const { id, name } = await books.draft();
    await generic(paid({ invoiceNumber: name.toLowerCase() }));
    expect(await unmatched()).toMatchObject([{ amountInCents: TOTAL }]);
    await books.post(`/invoices/${id}/send`);
    await expect.poll(() => state(id)).toEqual(["paid", TOTAL]);
    expect(await unmatched()).toEqual([]);
  });

  test("above what is open leaves the rest for a person, who matches or dismisses it", async () => {
    const books = await openBooks();
    const { generic, unmatched, state } = tools(books);
    const [one, two] = [await books.sent(), await books.sent()];
    await generic(paid({ invoiceId: one.id, amountInCents: TOTAL + 2000 }));
    expect(await state(one.id)).toEqual(["paid", TOTAL]);
    const [rest] = await unmatched();
    expect(rest).toMatchObject({ amountInCents: 2000, reference: "T1:rest" });
    const path = `/payments/unmatched/${rest?.id ?? ""}`;
    const matched = await books.post(`${path}/match`, { invoiceId: two.id });
    expect(matched.body.data).toMatchObject({ status: "applied", invoiceId: two.id });
    expect(await state(two.id)).toEqual(["sent", 2000]);
    const again = await books.post(`${path}/match`, { invoiceId: two.id });
    expect(again.code).toBe("INVALID_STATE");
    expect((await books.post(`${path}/dismiss`)).code).toBe("INVALID_STATE");
  });

  test("of another currency, of no invoice, or of an unknown one waits, and says why", async () => {
    const books = await openBooks();
    const { generic, unmatched } = tools(books);
    const { id } = await books.sent();
    await generic(paid({ invoiceId: id, currency: "USD", transactionRef: "usd" }));
    await generic(paid({ transactionRef: "none" }));
    await generic(paid({ invoiceNumber: "INV-9", transactionRef: "nine" }));
    const reasons = (await unmatched()).map(({ reason }) => reason);
    expect(reasons.sort()).toEqual([
      "It is in USD, the invoice in EUR.",
      "It names no invoice.",
      "There is no invoice INV-9.",
    ]);
    const [first] = await unmatched();
    const matched = await books.post(`/payments/unmatched/${first?.id ?? ""}/match`, {
      invoiceId: "nonsense",
    });
    expect(matched.code).toBe("INVOICE_NOT_FOUND");
  });

  test("of another organization's invoice is that organization's alone", async () => {
    const books = await openBooks();
    const { generic, unmatched, state } = tools(books);
    const other = await newTenant(books.backend);
    const { id } = await books.sent();
    const { organizationId } = other;
    await generic(paid({ organizationId, invoiceId: id, transactionRef: "foreign" }));
    expect(await state(id)).toEqual(["sent", 0]);
    expect(await unmatched()).toEqual([]);
    const theirs = (await other.request("GET", "/payments/unmatched")).body.data;
    expect(theirs).toMatchObject([{ reference: "foreign", reason: "It names no invoice." }]);
    const path = `/payments/unmatched/${theirs[0]?.id ?? ""}/match`;
    expect((await books.post(path, { invoiceId: id })).code).toBe("PAYMENT_NOT_FOUND");
  });
});

test("two organizations' providers may give the same reference", async () => {
  const books = await openBooks();
  const { generic, unmatched, state } = tools(books);
  const other = await newTenant(books.backend);
  const { id } = await books.sent();
  await generic(paid({ organizationId: other.organizationId, invoiceNumber: "INV-1" }), {
    id: "m1",
  });
  await generic(paid({ organizationId: books.organizationId, invoiceId: id }), { id: "m2" });
  expect(await state(id)).toEqual(["paid", TOTAL]);
  const refund = { organizationId: books.organizationId, refundOf: "T1", transactionRef: "R1" };
  await generic(paid(refund, "payment.refunded"), { id: "m3" });
  expect((await state(id))[1]).toBe(0);
  expect(await unmatched()).toEqual([]);
  const theirs = (await other.request("GET", "/payments/unmatched")).body.data;
  expect(theirs).toMatchObject([{ reference: "T1", reason: "There is no invoice INV-1." }]);
});

describe("refunds", () => {
  test("open the invoice again, also when they come before their payment", async () => {
    const books = await openBooks();
    const { generic, unmatched, state, payments } = tools(books);
    const { id } = await books.sent();
    const refund = { transactionRef: "R1", refundOf: "T1", amountInCents: 900 };
    await generic(paid({ ...refund }, "payment.refunded"));
    expect(await unmatched()).toMatchObject([{ kind: "refund" }]);
    await generic(paid({ invoiceId: id }));
    expect((await payments(id)).sort()).toEqual([-900, TOTAL]);
    expect((await state(id))[1]).toBe(TOTAL - 900);
    expect(await unmatched()).toEqual([]);
  });
});

describe("Stripe", () => {
  const session = (invoiceId: string, organizationId: string) => ({
    id: "cs_1",
    object: "checkout.session",
    payment_status: "paid",
    payment_intent: "pi_1",
    amount_total: TOTAL,
    currency: "eur",
    metadata: { invoiceId, organizationId },
  });
  const intent = { id: "pi_1", object: "payment_intent", amount_received: TOTAL, currency: "eur" };
  const dispute = { id: "dp_1", amount: TOTAL - 500, currency: "eur", payment_intent: "pi_1" };
  const refund = { id: "re_1", amount: 500, currency: "eur", payment_intent: "pi_1" };

  test("tells of one payment by its session and its intent, in any order", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const books = await openBooks();
      const { stripe, state, payments } = tools(books);
      const { id } = await books.sent();
      const events = [
        ["checkout.session.completed", session(id, books.organizationId)],
        ["payment_intent.succeeded", { ...intent, metadata: {} }],
      ] as const;
      for (const index of order) {
        const [type, object] = events[index] ?? events[0];
        expect((await stripe(type, object)).status).toBe(200);
      }
      expect(await state(id)).toEqual(["paid", TOTAL]);
      expect(await payments(id)).toEqual([TOTAL]);
    }
  });

  test("a refund, and a dispute that is won, come to the same in every order", async () => {
    type Event = readonly [string, object];
    const orders = (events: readonly Event[]): Event[][] =>
      events.length < 2
        ? [[...events]]
        : events.flatMap((first) =>
            orders(events.filter((event) => event !== first)).map((rest) => [first, ...rest]),
          );
    const books = await openBooks();
    const { id: shape } = await books.sent();
    const events = (invoiceId: string): Event[] => [
      ["checkout.session.completed", session(invoiceId, books.organizationId)],
      ["charge.dispute.funds_withdrawn", dispute],
      ["charge.dispute.funds_reinstated", dispute],
      ["refund.updated", { ...refund, status: "succeeded" }],
    ];
    for (const order of orders(events(shape))) {
      const fresh = await openBooks();
      const { stripe, unmatched, payments } = tools(fresh);
      const { id } = await fresh.sent();
      for (const [type, object] of order) {
        const named = { metadata: { invoiceId: id, organizationId: fresh.organizationId } };
        await stripe(type, type.startsWith("checkout") ? { ...object, ...named } : object);
      }
      const title = order.map(([type]) => type).join();
      expect(await unmatched(), title).toEqual([]);
      const sum = (await payments(id)).reduce((a: number, b) => a + Number(b), 0);
      expect(sum, title).toBe(TOTAL - 500);
    }
  });

  test("a refund that fails after all, or a dispute that is lost, is what the books say", async () => {
    const books = await openBooks();
    const { stripe, state, payments } = tools(books);
    const { id } = await books.sent();
    await stripe("refund.failed", { ...refund, status: "failed" });
    await stripe("checkout.session.completed", session(id, books.organizationId));
    await stripe("refund.created", { ...refund, status: "pending" });
    await stripe("refund.updated", { ...refund, status: "succeeded" });
    expect(await state(id)).toEqual(["paid", TOTAL]);
    await stripe("charge.dispute.funds_withdrawn", dispute);
    await stripe("charge.dispute.closed", { ...dispute, status: "lost" });
    expect((await payments(id)).length).toBe(4);
    expect((await state(id))[1]).toBe(500);
  });

  test("an event that moves no money is recorded and ignored, also one of an unknown type", async () => {
    const books = await openBooks();
    const { stripe } = tools(books);
    for (const type of ["charge.dispute.created", "customer.created", "of.tomorrow"]) {
      expect((await stripe(type, { id: "x" })).status).toBe(200);
    }
    const rows = await books.backend.run(
      async ({ db }) => await db.query("incomingEvents").collect(),
    );
    expect(rows.map(({ status }) => status)).toEqual(["ignored", "ignored", "ignored"]);
  });

  test("an event in another shape is listed as unreadable, with the path of what is wrong", async () => {
    const books = await openBooks();
    const { stripe } = tools(books);
    const odd = { id: "pi_1", currency: "eur", amount_received: "100" };
    expect((await stripe("payment_intent.succeeded", odd)).status).toBe(200);
    const { data } = (await books.get("/webhooks/incoming")).body;
    expect(data).toMatchObject([
      { status: "unreadable", attempts: 1, path: "body.data.object.amount_received" },
    ]);
  });

  test("an event whose type is a word of the language moves no money", async () => {
    const books = await openBooks();
    const { stripe } = tools(books);
    expect((await stripe("constructor", { id: "x" })).status).toBe(200);
    const { data } = (await books.get("/webhooks/incoming")).body;
    expect(data).toMatchObject([{ status: "ignored", type: "constructor" }]);
  });
});

describe("the events that came in", () => {
  type Shown = { provider: string; eventId: string; type: string; status: string; note: string };

  test("are listed for their organization alone, newest first, by provider and status", async () => {
    const books = await openBooks();
    const { generic, stripe } = tools(books);
    const other = await newTenant(books.backend);
    const { organizationId } = books;
    const { id } = await books.sent();
    await generic(paid({ organizationId, invoiceId: id }), { id: "m1" });
    await generic(paid({ organizationId, transactionRef: "T2" }), { id: "m2" });
    const intent = {
      id: "pi_9",
      amount_received: 1,
      currency: "eur",
      metadata: { organizationId },
    };
    await stripe("payment_intent.succeeded", intent, "evt_1");
    const theirs = { organizationId: other.organizationId, transactionRef: "T3" };
    await generic(paid(theirs), { id: "theirs" });
    const ids = async (query: string, request = books.request): Promise<string[]> => {
      const { body } = await request("GET", `/webhooks/incoming${query}`);
      return (body.data as unknown as Shown[]).map(({ eventId }) => eventId);
    };
    expect(await ids("")).toEqual(["evt_1", "m2", "m1"]);
    expect(await ids("?provider=generic")).toEqual(["m2", "m1"]);
    expect(await ids("?status=applied&limit=1")).toEqual(["evt_1"]);
    expect(await ids("?provider=generic&status=failed")).toEqual([]);
    expect(await ids("", other.request)).toEqual(["theirs"]);
    const { body } = await books.get("/webhooks/incoming?provider=generic&limit=1");
    const note = expect.stringMatching(/^Unmatched: /) as string;
    expect(body.data).toMatchObject([{ type: "payment.succeeded", note }]);
    const next = `?provider=generic&limit=1&cursor=${body.meta.nextCursor ?? ""}`;
    expect(await ids(next)).toEqual(["m1"]);
    expect((await books.get("/webhooks/incoming?status=lost")).code).toBe("VALIDATION_ERROR");
  });
});

describe("signatures", () => {
  test("a wrong, stale, missing or foreign one is 401, and nothing is recorded", async () => {
    const books = await openBooks();
    const { generic } = tools(books);
    const event = paid({});
    const late = new Date(Date.now() - 301_000);
    // Early still when a busy machine takes its time.
    const early = new Date(Date.now() + 400_000);
    const secret = `whsec_${btoa("another secret of some length")}`;
    const path = "/webhooks/payments/generic";
    const changed = { ...signedEvent(event), raw: JSON.stringify(paid({ amountInCents: 1 })) };
    const answers = [
      await generic(event, { at: late }),
      await generic(event, { at: early }),
      await generic(event, { secret }),
      await books.request("POST", path, changed),
      await books.request("POST", path, { raw: "{}", token: null }),
      await books.request(
        "POST",
        "/webhooks/payments/stripe",
        stripeEvent(event, { at: late.getTime() }),
      ),
      await books.request("POST", "/webhooks/payments/stripe", stripeEvent(event, { secret })),
    ];
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => "INVALID_SIGNATURE"));
    expect(answers[0]?.status).toBe(401);
    const rows = await books.backend.run(
      async ({ db }) => await db.query("incomingEvents").collect(),
    );
    expect(rows).toEqual([]);
  });

  const file = new URL("../../../shared/data/standard-webhooks.json", import.meta.url);
  test.skipIf(!existsSync(file))("the published vector of Standard Webhooks", () => {
    const { sign } = JSON.parse(readFileSync(file, "utf8")) as {
      sign: { secret: string; id: string; timestamp: number; body: string; expected: string };
    };
    const at = new Date(sign.timestamp * 1000);
    expect(new Webhook(sign.secret).sign(sign.id, at, sign.body)).toBe(sign.expected);
    const headers: Record<string, string> = {
      "webhook-id": sign.id,
      "webhook-timestamp": String(sign.timestamp),
      "webhook-signature": sign.expected,
    };
    // Of 2021: ours is as strict about its age as the library.
    const body = new TextEncoder().encode(sign.body);
    const request = { body, header: (name: string) => headers[name] ?? null, now: 0 };
    expect(() => {
      verifyStandardWebhook(sign.secret, request);
    }).toThrow(/signature/);
  });
});

describe("a signed payment that is dated ahead", () => {
  const at2099 = Date.UTC(2099, 5, 1);

  test("is booked on the day that it came, and its invoice is paid", async () => {
    const books = await openBooks();
    const { generic, state, unmatched } = tools(books);
    const { id } = await books.sent();
    const before = Date.now();
    expect((await generic(paid({ invoiceId: id, paidAt: at2099 }))).status).toBe(200);
    expect(await state(id)).toEqual(["paid", TOTAL]);
    const [payment] = (await books.get(`/invoices/${id}/payments`)).body.data;
    const paidDate = Number(payment?.customProperties["paidDate"]);
    expect(Math.abs(paidDate - before)).toBeLessThan(2 * 86_400_000);
    expect(await unmatched()).toEqual([]);
  });

  test("stays visible with its own date where no invoice is its", async () => {
    const books = await openBooks();
    const { generic, unmatched } = tools(books);
    const event = paid({ invoiceNumber: "INV-1999-01-001", paidAt: at2099 });
    expect((await generic(event)).status).toBe(200);
    expect(await unmatched()).toMatchObject([{ paidAt: at2099, amountInCents: TOTAL }]);
  });

  test("beyond all dates is kept as unreadable, and says why", async () => {
    const books = await openBooks();
    const { generic, unmatched } = tools(books);
    for (const paidAt of [Date.UTC(2400, 0, 1), 8.64e15, "2400-01-01", 1_790_000_000]) {
      const answer = await generic(paid({ paidAt }), { id: `at-${paidAt}` });
      expect([answer.status, answer.paths]).toEqual([400, ["body.data.paidAt"]]);
    }
    expect(await unmatched()).toEqual([]);
    const kept = (await books.get("/webhooks/incoming")).body.data;
    expect(kept.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "unreadable"));
  });
});
