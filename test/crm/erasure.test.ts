import { expect, test, vi } from "vitest";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { contactsOf, dataOf, newContact } from "./bodies";

const SECRETS = [
  "Zaphod",
  "Beeblebrox",
  "zaphod@betelgeuse.test",
  "5550199",
  "Heart of Gold",
  "42-0",
];

const person = {
  firstName: "Zaphod",
  lastName: "Beeblebrox",
  email: "zaphod@betelgeuse.test",
  phone: "5550199",
  company: "Heart of Gold",
  taxId: "42-0",
  tags: ["Beeblebrox"],
};

/** Every document of every table that still says something of the person. */
async function traces({ backend }: Fixture): Promise<string[]> {
  const { default: schema } = await import("../../convex/schema");
  return await backend.run(async (ctx) => {
    const found: string[] = [];
    for (const table of Object.keys(schema.tables) as (keyof typeof schema.tables)[]) {
      for (const document of await ctx.db.query(table).collect()) {
        const text = JSON.stringify(document, (_, value: unknown) =>
          typeof value === "bigint" ? value.toString() : value,
        );
        for (const secret of SECRETS) {
          if (text.includes(secret)) found.push(`${table}: ${secret}`);
        }
      }
    }
    return [...new Set(found)];
  });
}

async function erased(fixture: Fixture, id: string): Promise<void> {
  const answer = await fixture.request("POST", `/crm/contacts/${id}/erase`);
  expect(dataOf(answer)).toMatchObject({ id });
  await fixture.backend.finishAllScheduledFunctions(vi.runAllTimers);
  await fixture.backend.mutation(
    (await import("../../convex/_generated/api")).internal.maintenance.foldCounts,
    {},
  );
}

test("an erasure leaves no trace of the person in any table", async () => {
  vi.useFakeTimers();
  const fixture = await newBackend();
  const { request } = fixture;
  const headers = { "Idempotency-Key": "first" };
  const created = await request("POST", "/crm/contacts", { body: person, headers });
  const id = created.body.contactId;
  await request("PATCH", `/crm/contacts/${id}`, {
    body: { notes: "Zaphod likes tea", customFields: { ship: "Heart of Gold" } },
    headers: { "Idempotency-Key": "second" },
  });
  const body = { email: person.email, name: "Zaphod", oauthProvider: "google", oauthId: "42-0" };
  await request("POST", "/auth/sync-user", { body });
  const merged = await newContact(request, {
    firstName: "Zaphod",
    lastName: "B",
    phone: "5550199",
  });
  await request("POST", `/crm/contacts/${id}/merge`, { body: { sourceId: merged } });
  for (let i = 0; i < 120; i++) {
    await request("PATCH", `/crm/contacts/${id}`, { body: { notes: `Zaphod ${i}` } });
  }
  expect(await traces(fixture)).not.toEqual([]);

  await erased(fixture, id);
  expect(await traces(fixture)).toEqual([]);
  expect((await request("GET", `/crm/contacts/${id}`)).status).toBe(404);
  expect(await contactsOf(request)).toEqual([]);
  expect((await request("GET", "/crm/contacts?search=Zaphod")).body.contacts).toEqual([]);
  const replay = await request("POST", "/crm/contacts", { body: person, headers });
  expect([replay.status, replay.code]).toEqual([410, "GONE"]);
  vi.useRealTimers();
});

test("the trail still says who did what to which fields", async () => {
  const fixture = await newBackend();
  const id = await newContact(fixture.request, person);
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  const trail = await fixture.backend.run(async (ctx) =>
    (await ctx.db.query("auditLogs").collect()).filter(({ objectId }) => objectId === id),
  );
  expect(trail.map(({ action }) => action)).toEqual([
    "contact.created",
    "contact.deleted",
    "contact.erased",
  ]);
  expect(trail[0]?.changes).toContainEqual({ field: "email" });
});

test("a draft invoice forgets the person, an issued one does not", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const id = await newContact(request, person);
  const invoice = {
    type: "b2c_single",
    currency: "EUR",
    issueDate: Date.UTC(2026, 0, 5),
    paymentTerms: "net30",
    billTo: { contactId: id },
    lineItems: [{ description: "Work", quantity: 1, unitPriceInCents: 1000, taxRatePercent: 19 }],
  };
  const draft = dataOf<{ id: string }>(await request("POST", "/invoices", { body: invoice })).id;
  const issued = dataOf<{ id: string }>(await request("POST", "/invoices", { body: invoice })).id;
  const sent = await request("POST", `/invoices/${issued}/send`, { body: { channels: [] } });
  expect(sent.status).toBe(200);
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  const billTo = async (invoiceId: string): Promise<unknown> =>
    await backend.run(async (ctx) => {
      const objectId = ctx.db.normalizeId("objects", invoiceId);
      const object = objectId && (await ctx.db.get("objects", objectId));
      return (object?.customProperties as { billTo: { name: string } }).billTo.name;
    });
  expect([await billTo(draft), await billTo(issued)]).toEqual(["", "Zaphod Beeblebrox"]);
});

test("an erasure happens once, also to a deleted contact, and not to another organization's", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const id = await newContact(request, person);
  const foreign = await (await newTenant(backend)).request("POST", `/crm/contacts/${id}/erase`);
  expect([foreign.status, foreign.code]).toEqual([404, "CONTACT_NOT_FOUND"]);
  await request("DELETE", `/crm/contacts/${id}`);
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  expect(await traces(fixture)).toEqual([]);
  const again = await request("POST", `/crm/contacts/${id}/erase`);
  expect([again.status, again.code]).toEqual([404, "CONTACT_NOT_FOUND"]);
});
