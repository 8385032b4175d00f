import { expect, test } from "vitest";
import { ObjectStore } from "../../convex/ontology/store";
import { newContact } from "../crm/bodies";
import { type Books, line, openBooks, shown } from "../invoicing/books";

/** The status that something has already is no change: nothing happens, and nobody hears of it. */
async function traces({ backend }: Books): Promise<Record<string, number>> {
  return await backend.run(async (ctx) => {
    const tables = ["auditLogs", "events", "countDeltas", "notifications"] as const;
    const counts: Record<string, number> = {};
    for (const table of tables) counts[table] = (await ctx.db.query(table).collect()).length;
    return counts;
  });
}

async function statusOf(books: Books, path: string): Promise<{ status: string; version: number }> {
  const { body } = await books.get(path);
  const { status, version } = (body.data ?? body) as unknown as { status: string; version: number };
  return { status, version };
}

const WAYS: Record<string, string[]> = {
  draft: [],
  planning: ["planning"],
  active: ["planning", "active"],
  on_hold: ["planning", "on_hold"],
  completed: ["planning", "active", "completed"],
  cancelled: ["cancelled"],
};

test.each(Object.keys(WAYS))(
  "a project that is %s and is made so again stays as it is",
  async (status) => {
    const books = await openBooks();
    const { id } = shown(await books.post("/projects", { subtype: "other", name: "Site" }));
    const path = `/projects/${id}`;
    for (const step of WAYS[status] ?? []) shown(await books.patch(path, { status: step }));
    const before = [await traces(books), await statusOf(books, path)];
    shown(await books.patch(path, { status }));
    expect([await traces(books), await statusOf(books, path)]).toEqual(before);
    // The rules of the other fields hold, and what is given beside it changes.
    const dates = { startDate: Date.UTC(2026, 5, 2), targetEndDate: Date.UTC(2026, 5, 1) };
    const refused = await books.patch(path, { status, ...dates });
    expect([refused.status, refused.paths]).toEqual([400, ["body.targetEndDate"]]);
    shown(await books.patch(path, { status, name: "Other" }));
    const [audited] = before as [Record<string, number>];
    expect((await traces(books))["auditLogs"]).toBe((audited["auditLogs"] ?? 0) + 1);
  },
);

test("contacts, CRM organizations, portal users and webhooks keep their version", async () => {
  const books = await openBooks();
  const contact = await newContact(books.request, { firstName: "Ada", status: "inactive" });
  const organization = shown(await books.post("/crm/organizations", { name: "Acme" })).id;
  const user = { email: "ada@x.test", name: "Ada", oauthProvider: "google", oauthId: "1" };
  const portalUser = (await books.post("/auth/sync-user", user)).body as unknown as { _id: string };
  const url = "https://hooks.example/in";
  const webhook = shown(await books.post("/webhooks", { url, events: ["*"], description: "Ours" }));
  const cases: [string, Record<string, unknown>][] = [
    [`/crm/contacts/${contact}`, { status: "inactive", subtype: "lead" }],
    [`/crm/organizations/${organization}`, { status: "active" }],
    [`/portal/users/${portalUser._id}`, { status: "active" }],
    [`/webhooks/${webhook.id}`, { status: "active" }],
    [`/webhooks/${webhook.id}`, { status: "active", url, events: ["*"], description: "Ours" }],
  ];
  for (const [path, body] of cases) {
    const before = [await traces(books), await statusOf(books, path)];
    expect((await books.patch(path, body)).status, path).toBe(200);
    expect([await traces(books), await statusOf(books, path)], path).toEqual(before);
  }
  await books.patch(`/webhooks/${webhook.id}`, { status: "disabled" });
  const off = [await traces(books), await statusOf(books, `/webhooks/${webhook.id}`)];
  await books.patch(`/webhooks/${webhook.id}`, { status: "disabled" });
  expect([await traces(books), await statusOf(books, `/webhooks/${webhook.id}`)]).toEqual(off);
});

test("an invoice that waits for the employer and is said to wait keeps its version; its notes change", async () => {
  const books = await openBooks();
  const { id } = await books.sent({ type: "b2b_single" });
  const path = `/invoices/${id}`;
  const waiting = { status: "awaiting_employer_payment" };
  shown(await books.patch(path, waiting));
  const before = [await traces(books), await statusOf(books, path)];
  shown(await books.patch(path, waiting));
  expect([await traces(books), await statusOf(books, path)]).toEqual(before);
  expect(shown(await books.patch(path, { ...waiting, notes: "x" })).customProperties["notes"]).toBe(
    "x",
  );
});

test.each([
  ["/invoices", [], "cancel"],
  ["/quotes", [], "cancel"],
  ["/quotes", ["send"], "accept"],
  ["/quotes", ["send"], "decline"],
  ["/recurring-invoices", [], "pause"],
  ["/recurring-invoices", [], "end"],
])("of %s after %j, a second %s is refused, and nothing is written", async (path, first, step) => {
  const books = await openBooks();
  const schedule = { frequency: "monthly", startDay: "2030-01-31" };
  const sale = { type: "b2c_single", lineItems: [line()], billTo: { name: "Ada" } };
  const body = path === "/recurring-invoices" ? { ...sale, title: "Care", schedule } : sale;
  const { id } = path === "/invoices" ? await books.draft() : shown(await books.post(path, body));
  for (const each of [...first, step]) shown(await books.post(`${path}/${id}/${each}`));
  const before = [await traces(books), await statusOf(books, `${path}/${id}`)];
  const again = await books.post(`${path}/${id}/${step}`);
  expect([again.status, again.code]).toEqual([409, "INVALID_STATE"]);
  expect([await traces(books), await statusOf(books, `${path}/${id}`)]).toEqual(before);
});

test("the store lets no object become what it is, whoever asks it to", async () => {
  const books = await openBooks();
  const { backend, organizationId } = books;
  const { id } = await books.draft();
  await books.post(`/invoices/${id}/cancel`, {});
  const actor = { type: "system" as const, id: "test", name: "Test" };
  const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
  const again = backend.mutation(async (ctx) => {
    const store = new ObjectStore(ctx, scope);
    const invoice = await store.require("invoice", id);
    const changes = { status: "cancelled" as const, customProperties: { cancelledDate: 1 } };
    await store.update(invoice, changes, "cancelled");
  });
  await expect(again).rejects.toMatchObject({ data: { code: "INVALID_STATE" } });
});
