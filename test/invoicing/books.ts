import { afterEach, expect } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend } from "../helpers/backend";

/** An organization with books, which must add up when its test is over. */
export type Books = Fixture & {
  contact: (fields?: Record<string, unknown>) => Promise<string>;
  draft: (fields?: Record<string, unknown>) => Promise<Doc>;
  sent: (fields?: Record<string, unknown>) => Promise<Doc>;
  post: (path: string, body?: unknown) => Promise<Answer>;
  patch: (path: string, body: unknown) => Promise<Answer>;
  get: (path: string) => Promise<Answer>;
};

/** A document as an answer shows it. */
export type Doc = {
  id: string;
  name: string;
  subtype: string;
  status: string;
  version: number;
  customProperties: Record<string, unknown> & {
    issueDate: number;
    dueDate: number;
    netAmountInCents: number;
    taxAmountInCents: number;
    totalAmountInCents: number;
  };
};

const opened: Fixture[] = [];

/** A fresh organization; after each test all of them are checked. */
export async function openBooks(settings: Record<string, unknown> = {}): Promise<Books> {
  const fixture = await newBackend();
  opened.push(fixture);
  const { request } = fixture;
  const post: Books["post"] = (path, body) =>
    request("POST", path, body === undefined ? {} : { body });
  if (Object.keys(settings).length > 0) {
    expect((await request("PATCH", "/organization", { body: settings })).status).toBe(200);
  }
  const draft: Books["draft"] = async (fields) => created(await post("/invoices", invoice(fields)));
  let contacts = 0;
  return {
    ...fixture,
    post,
    patch: (path, body) => request("PATCH", path, { body }),
    get: (path) => request("GET", path),
    draft,
    sent: async (fields) => shown(await post(`/invoices/${(await draft(fields)).id}/send`)),
    contact: async (fields = {}) => {
      contacts += 1;
      const body = { firstName: "Ada", email: `ada${contacts}@x.test`, ...fields };
      return (await post("/crm/contacts", body)).body.contactId;
    },
  };
}

afterEach(async () => {
  for (const { request, backend, organizationId } of opened.splice(0)) {
    const pending = await request("GET", "/integrity");
    expect(pending.body.data).toMatchObject({ differences: [], complete: true });
    // The same once everything pending is folded.
    await backend.mutation(internal.maintenance.foldCounts, {});
    const folded = await request("GET", "/integrity");
    expect(folded.body.data).toMatchObject({ differences: [], complete: true });
    const job = await backend.action(internal.integrityJobs.check, { organizationId });
    expect(job).toEqual({ found: 0 });
  }
});

/** The body of an invoice over 119.00 EUR, 19.00 of it tax. */
export function invoice(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: "b2c_single",
    issueDate: Date.UTC(2026, 0, 10),
    dueDate: Date.UTC(2026, 1, 9),
    currency: "EUR",
    lineItems: [line()],
    billTo: { name: "Ada Lovelace", email: "ada@x.test" },
    ...fields,
  };
}

export function line(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    description: "Work",
    quantity: 1,
    unitPriceInCents: 10_000,
    taxRatePercent: 19,
    ...fields,
  };
}

export function shown(answer: Answer): Doc {
  if (answer.status >= 400) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.data as unknown as Doc;
}

export function created(answer: Answer): Doc {
  expect(answer.text && answer.status).toBe(201);
  return shown(answer);
}

/** How many rows the tables have that a refused write must leave alone. */
export async function rowsOf({ backend }: Fixture): Promise<Record<string, number>> {
  return await backend.run(async (ctx) => {
    const tables = ["objects", "objectLinks", "auditLogs", "events", "countDeltas"] as const;
    const counts = await Promise.all(
      tables.map(async (table) => (await ctx.db.query(table).collect()).length),
    );
    const serials = await ctx.db.query("serials").collect();
    return {
      ...Object.fromEntries(tables.map((table, index) => [table, counts[index] ?? 0])),
      serials: serials.map(({ last }) => last).reduce((a, b) => a + b, 0),
    };
  });
}
