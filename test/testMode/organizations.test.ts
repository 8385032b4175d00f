import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Answer } from "../helpers/answer";
import {
  type Fixture,
  newBackend,
  newTestTenant,
  requestsOf,
  type Tenant,
} from "../helpers/backend";
import { eventually } from "../helpers/server";
import { created, type Doc, invoice, line, shown } from "../invoicing/books";

/** A test organization: how it is founded and shown, its numbers, and that a live one is not touched. */
let home: Fixture;
let trial: Tenant;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 20, 10) });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
  trial = await newTestTenant(home);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const post = async (at: Pick<Tenant, "request">, path: string, body: object): Promise<Doc> =>
  created(await at.request("POST", path, { body }));

const newInvoice = async (at: Pick<Tenant, "request">, fields: object = {}): Promise<Doc> =>
  await post(at, "/invoices", invoice({ ...fields }));

const newQuote = async (at: Pick<Tenant, "request">, fields: object = {}): Promise<Doc> => {
  const { dueDate: _due, ...body } = invoice();
  return await post(at, "/quotes", { ...body, ...fields });
};

async function differencesIn({ request }: Pick<Tenant, "request">): Promise<unknown> {
  const { data } = (await request("GET", "/integrity")).body;
  return (data as unknown as { differences: unknown }).differences;
}

describe("an organization's mode", () => {
  test("is shown wherever the organization is; one of before is live", async () => {
    const owner = requestsOf(home.backend, home.sessionToken);
    const modes = (await owner("GET", "/tenants")).body.data.map(({ id, mode }) => [id, mode]);
    expect(modes).toEqual([
      [home.organizationId, "live"],
      [trial.organizationId, "test"],
    ]);
    for (const [{ organizationId, request }, mode] of [
      [home, "live"],
      [trial, "test"],
    ] as const) {
      for (const path of ["/organization", `/tenants/${organizationId}`]) {
        expect((await request("GET", path)).body.data.mode).toBe(mode);
      }
    }
    const row = await home.backend.run(
      async ({ db }) => await db.get("organizations", home.organizationId),
    );
    expect(row).not.toHaveProperty("mode");
  });

  test("is live where nothing is said, and one of the two", async () => {
    const owner = requestsOf(home.backend, home.sessionToken);
    const found = async (mode: unknown): Promise<Answer> =>
      await owner("POST", "/tenants", { body: { name: "Another", mode } });
    expect((await found(undefined)).body.data).toMatchObject({ mode: "live", role: "owner" });
    expect((await found("live")).body.data).toMatchObject({ mode: "live" });
    expect((await found("sandbox")).paths).toEqual(["body.mode"]);
  });

  test("never changes", async () => {
    for (const path of ["/organization", `/tenants/${trial.organizationId}`]) {
      const body = { name: "Renamed", mode: "live" };
      expect((await trial.request("PATCH", path, { body })).status).toBe(400);
    }
    await trial.request("PATCH", "/organization", { body: { name: "Renamed" } });
    const { data } = (await trial.request("GET", "/organization")).body;
    expect(data).toMatchObject({ name: "Renamed", mode: "test" });
  });
});

describe("numbers of a test organization", () => {
  test("begin with TEST-, of every type, and have no gaps", async () => {
    const names: string[] = [];
    for (let turn = 1; turn <= 2; turn++) {
      const draft = await newInvoice(trial);
      const quote = await newQuote(trial);
      const sent = await trial.request("POST", `/invoices/${draft.id}/send`, { body: {} });
      expect(sent.status, sent.text).toBe(200);
      const credit = {
        lineItems: [line({ unitPriceInCents: 100 })],
        issueDate: Date.UTC(2026, 0, 31),
      };
      const path = `/invoices/${draft.id}/credit-notes`;
      const answer = await trial.request("POST", path, { body: credit });
      const { creditNote } = answer.body.data as unknown as { creditNote: Doc };
      const project = await post(trial, "/projects", { subtype: "internal", name: "P" });
      const code = project.customProperties["projectCode"];
      names.push(draft.name, quote.name, creditNote.name, String(code));
    }
    expect(names).toEqual(
      ["001", "002"].flatMap((serial) => [
        `TEST-INV-2026-01-${serial}`,
        `TEST-QUO-2026-01-${serial}`,
        `TEST-CN-2026-01-${serial}`,
        `TEST-PRJ-2026-${serial}`,
      ]),
    );
    expect(await differencesIn(trial)).toEqual([]);
  });

  test("begin so too where they are given by hand, once", async () => {
    const given = ["R-1", "TEST-R-2", "test-R-3"];
    const names: string[] = [];
    for (const invoiceNumber of given)
      names.push((await newInvoice(trial, { invoiceNumber })).name);
    expect(names).toEqual(["TEST-R-1", "TEST-R-2", "TEST-R-3"]);
    expect((await newQuote(trial, { quoteNumber: "Q-1" })).name).toBe("TEST-Q-1");
    const taken = await trial.request("POST", "/invoices", {
      body: invoice({ invoiceNumber: "TEST-R-1" }),
    });
    expect(taken).toMatchObject({ status: 409 });
    const longest = "9".repeat(50);
    const { id, name } = await newInvoice(trial, { invoiceNumber: longest });
    const found = await trial.request("GET", `/invoices?invoiceNumber=${name}`);
    expect(found.body.data.map((each) => each.id)).toEqual([id]);
    // What was sent when it was made is its number still.
    for (const invoiceNumber of [longest, name]) {
      const body = { invoiceNumber };
      expect((await trial.request("PATCH", `/invoices/${id}`, { body })).status).toBe(200);
    }
    const other = { invoiceNumber: "R-9" };
    expect((await trial.request("PATCH", `/invoices/${id}`, { body: other })).paths).toEqual([
      "body.invoiceNumber",
    ]);
  });

  test("given ones that are the series' own count, with their prefix or without", async () => {
    const names = [
      (await newInvoice(trial, { invoiceNumber: "INV-2026-01-001" })).name,
      (await newInvoice(trial, { invoiceNumber: "TEST-INV-2026-01-002" })).name,
      (await newInvoice(trial)).name,
    ];
    expect(names).toEqual(["001", "002", "003"].map((serial) => `TEST-INV-2026-01-${serial}`));
    expect(await differencesIn(trial)).toEqual([]);
  });

  test("a gap in them is a difference of /integrity", async () => {
    const first = await newInvoice(trial);
    await newInvoice(trial);
    await home.backend.run(async ({ db }) => {
      const rows = await db.query("serials").collect();
      const row = rows.find(({ series }) => series === "TEST-INV-2026-01");
      if (!row) throw new Error(`No series of ${first.name}`);
      await db.patch("serials", row._id, { last: 3 });
    });
    expect(JSON.stringify(await differencesIn(trial))).toContain(
      "the number TEST-INV-2026-01-003 is on no document",
    );
  });

  test("a copy, the invoice of a quote and that of a schedule have them", async () => {
    const { id } = await newInvoice(trial, { invoiceNumber: "R-1" });
    const copied = created(await trial.request("POST", `/invoices/${id}/copy`, { body: {} }));
    const quote = await newQuote(trial);
    for (const verb of ["send", "accept"]) {
      shown(await trial.request("POST", `/quotes/${quote.id}/${verb}`, { body: {} }));
    }
    const invoiced = created(
      await trial.request("POST", `/quotes/${quote.id}/invoice`, { body: {} }),
    );
    const { lineItems, billTo } = invoice();
    const schedule = { frequency: "monthly", startDay: "2026-11-20" };
    await post(trial, "/recurring-invoices", {
      ...{ title: "Care", type: "b2c_single", lineItems, billTo, schedule, delivery: "send" },
    });
    await home.backend.mutation(internal.invoicingJobs.round, { cursor: null });
    await home.backend.finishInProgressScheduledFunctions();
    const { data } = (await trial.request("GET", "/invoices?sort=createdAt")).body;
    const names = data.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(["TEST-R-1", copied.name, invoiced.name]);
    for (const name of names) expect(name).toMatch(/^TEST-/);
  });
});

test("what a test organization does leaves the live one as it was: its numbers, and those of a second", async () => {
  const second = await newTestTenant(home);
  const names: string[] = [];
  for (const at of [home, trial, second, trial, home]) names.push((await newInvoice(at)).name);
  expect(names).toEqual([
    "INV-2026-01-001",
    "TEST-INV-2026-01-001",
    "TEST-INV-2026-01-001",
    "TEST-INV-2026-01-002",
    "INV-2026-01-002",
  ]);
  // A live organization may have such a number by hand: it is none of any series.
  const given = { invoiceNumber: "TEST-INV-2026-01-003" };
  expect((await newInvoice(home, given)).name).toBe("TEST-INV-2026-01-003");
  expect((await newInvoice(home)).name).toBe("INV-2026-01-003");
  for (const at of [home, trial, second]) expect(await differencesIn(at)).toEqual([]);
});

describe("Stripe's keys", () => {
  const put = async (at: Tenant, secretKey: string): Promise<Answer> =>
    await at.request("PUT", "/organization/payment-providers/stripe", { body: { secretKey } });

  test("in a test organization are test keys: any other is CONFLICT, and nothing is kept", async () => {
    for (const key of [
      "sk_live_0123456789abcdef",
      "rk_live_0123456789abcdef",
      "0123456789abcdef",
    ]) {
      const refused = await put(trial, key);
      expect(refused).toMatchObject({ status: 409, code: "CONFLICT" });
      expect(refused.body.error.details).toMatchObject({ path: "body.secretKey", mode: "test" });
    }
    const none = await trial.request("GET", "/organization/payment-providers");
    expect(none.body.data).toEqual([]);
    for (const key of ["sk_test_0123456789abcdef", "rk_test_0123456789abcdef"]) {
      expect((await put(trial, key)).status).toBe(200);
    }
    expect((await put(home, "sk_live_0123456789abcdef")).status).toBe(200);
    expect((await put(home, "sk_test_0123456789abcdef")).status).toBe(200);
  });

  test("the deployment's stays the live organization's, and asks a test one's customers for nothing", async () => {
    vi.stubEnv("STRIPE_SECRET_KEY", "sk_live_0123456789abcdef");
    vi.stubEnv("STRIPE_BASE_URL", "http://127.0.0.1:9");
    const linkOf = async (at: Pick<Tenant, "request">): Promise<Answer> => {
      const { id } = await newInvoice(at);
      shown(await at.request("POST", `/invoices/${id}/send`, { body: { channels: [] } }));
      return await at.request("POST", `/invoices/${id}/payment-link`);
    };
    // The test organization beside it does not take the only one's part.
    expect((await linkOf(home)).status).toBe(200);
    expect((await linkOf(trial)).code).toBe("SERVICE_UNAVAILABLE");
    vi.stubEnv("PAYMENTS_ORGANIZATION_ID", trial.organizationId);
    expect((await linkOf(trial)).code).toBe("SERVICE_UNAVAILABLE");
    vi.stubEnv("STRIPE_SECRET_KEY", "sk_test_0123456789abcdef");
    expect((await linkOf(trial)).status).toBe(200);
    // Changed before Stripe is asked: it is not.
    vi.stubEnv("STRIPE_SECRET_KEY", "sk_live_0123456789abcdef");
    const errors = await eventually(
      async () => {
        const links = await home.backend.run(
          async ({ db }) => await db.query("paymentLinks").collect(),
        );
        const { organizationId } = trial;
        return links
          .filter((link) => link.organizationId === organizationId)
          .map(({ error }) => error);
      },
      ([error]) => error !== undefined,
    );
    expect(errors).toEqual([expect.stringContaining("Stripe's test keys alone")]);
  });
});
