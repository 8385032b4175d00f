import { expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import { completeUpload, requireAttachment } from "../../convex/attachments/attachments";
import { ObjectStore } from "../../convex/ontology/store";
import { systemScope } from "../../convex/tenancy";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { contactsOf, dataOf, newContact } from "./bodies";

const SECRETS = [
  "Zaphod",
  "Beeblebrox",
  "zaphod@betelgeuse.test",
  "5550199",
  "Heart of Gold",
  "oauth-of-zaphod",
];

const person = {
  firstName: "Zaphod",
  lastName: "Beeblebrox",
  email: "zaphod@betelgeuse.test",
  phone: "5550199",
  company: "Heart of Gold",
  taxId: "oauth-of-zaphod",
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
  await finished(fixture);
}

/** Nothing waits for days: what is finished below must not let a day pass. */
async function withoutPending({ backend }: Fixture): Promise<void> {
  await backend.run(async ({ db, scheduler }) => {
    for (const { _id } of await db.system.query("_scheduled_functions").collect()) {
      await scheduler.cancel(_id);
    }
  });
  vi.clearAllTimers();
}

async function finished({ backend }: Fixture): Promise<void> {
  await backend.finishAllScheduledFunctions(vi.runAllTimers, 2000);
  await backend.mutation(internal.maintenance.foldCounts, {});
}

test("an erasure leaves no trace of the person in any table", async () => {
  vi.useFakeTimers();
  const fixture = await newBackend();
  await withoutPending(fixture);
  const { request } = fixture;
  const headers = { "Idempotency-Key": "first" };
  const created = await request("POST", "/crm/contacts", { body: person, headers });
  const id = created.body.contactId;
  await request("PATCH", `/crm/contacts/${id}`, {
    body: { notes: "Zaphod likes tea", customFields: { ship: "Heart of Gold" } },
    headers: { "Idempotency-Key": "second" },
  });
  const body = {
    email: person.email,
    name: "Zaphod",
    oauthProvider: "google",
    oauthId: "oauth-of-zaphod",
  };
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
    "audit.erased",
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

test("a sent quote forgets the address that it was sent to", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const id = await newContact(fixture.request, person);
  const quote = { ...content, billTo: { contactId: id } };
  const quoteId = dataOf<{ id: string }>(await request("POST", "/quotes", { body: quote })).id;
  expect((await request("POST", `/quotes/${quoteId}/send`, { body: {} })).status).toBe(200);
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  expect(await traces(fixture)).toEqual([]);
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

const content = {
  type: "b2c_single",
  currency: "EUR",
  lineItems: [{ description: "Work", quantity: 1, unitPriceInCents: 1000, taxRatePercent: 19 }],
};

/** Drafts, quotes and recurring invoices for the contact, more than one transaction takes. */
async function manyDocuments({ request }: Fixture, contactId: string): Promise<void> {
  const body = { ...content, billTo: { contactId } };
  for (let i = 0; i < 80; i++) {
    const paymentTerms = "net30";
    const invoice = { ...body, issueDate: Date.UTC(2026, 0, 5), paymentTerms };
    dataOf(await request("POST", "/invoices", { body: invoice }));
    const quote = { ...body, issueDate: Date.UTC(2026, 0, 5), validUntil: Date.UTC(2099, 0, 5) };
    dataOf(await request("POST", "/quotes", { body: quote }));
  }
  for (let i = 0; i < 60; i++) {
    const schedule = { frequency: "monthly", startDay: "2099-01-31" };
    const recurring = { ...body, title: `Retainer ${i}`, schedule };
    dataOf(await request("POST", "/recurring-invoices", { body: recurring }));
  }
}

/** How many objects each transaction has changed since. */
async function changedAtOnce(fixture: Fixture, since: number): Promise<number[]> {
  const byCommit = new Map<string, Set<string>>();
  for (const { commitTs, objectId } of (await auditLogs(fixture)).slice(since)) {
    const commit = String(commitTs);
    byCommit.set(commit, (byCommit.get(commit) ?? new Set()).add(objectId));
  }
  return [...byCommit.values()].map(({ size }) => size);
}

async function auditLogs({ backend }: Fixture): Promise<Doc<"auditLogs">[]> {
  return await backend.run(async (ctx) => await ctx.db.query("auditLogs").collect());
}

test("all drafts, quotes and recurring invoices forget the person, a hundred at a time", async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  const fixture = await newBackend();
  const id = await newContact(fixture.request, person);
  await manyDocuments(fixture, id);
  const before = (await auditLogs(fixture)).length;
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  expect(await traces(fixture)).toEqual([]);
  expect(await changedAtOnce(fixture, before)).toEqual([100, 99, 22]);
});

test("an erasure goes on after its job was lost between two pages, and blanks nothing twice", async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  const fixture = await newBackend();
  const { backend, request } = fixture;
  const id = await newContact(request, person);
  await manyDocuments(fixture, id);
  const before = (await auditLogs(fixture)).length;
  vi.useFakeTimers();
  dataOf(await request("POST", `/crm/contacts/${id}/erase`));
  vi.clearAllTimers();
  expect(await traces(fixture)).not.toEqual([]);
  vi.setSystemTime(Date.now() + 11 * 60 * 1000);
  await backend.mutation(internal.jobs.recovery.recover, { kind: "erasure" });
  await finished(fixture);
  vi.useRealTimers();
  expect(await traces(fixture)).toEqual([]);
  const updates = (await auditLogs(fixture)).slice(before);
  const documents = updates.filter(
    ({ objectId, action }) => objectId !== id && action !== "audit.erased",
  );
  expect(documents).toHaveLength(220);
  expect(new Set(documents.map(({ objectId }) => objectId)).size).toBe(220);
});

test("what an erased portal user did stays, without their name", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const id = await newContact(request, person);
  const body = {
    email: person.email,
    name: "Zaphod",
    oauthProvider: "google",
    oauthId: "oauth-of-zaphod",
  };
  await request("POST", "/auth/sync-user", { body });
  const other = await newContact(request, { firstName: "Ford", email: "ford@betelgeuse.test" });
  const organizationId = fixture.organizationId;
  const userId = await backend.run(async (ctx) => {
    const users = await ctx.db.query("objects").collect();
    const user = users.find(({ type }) => type === "frontend_user");
    if (!user) throw new Error("There is no portal user.");
    const actor = { type: "portal_user" as const, id: user._id, name: "Zaphod" };
    const subject = { organizationId, actor, objectType: "crm_contact", objectId: other };
    const common = { ...subject, traceId: "t", at: 1, commitTs: ctx.db.vars.commitTs };
    const rest = { changes: [], ip: null, userAgent: null };
    await ctx.db.insert("auditLogs", { ...common, action: "contact.updated", ...rest });
    await ctx.db.insert("events", { ...common, type: "contact.updated", data: {} });
    return user._id;
  });
  vi.useFakeTimers();
  await erased(fixture, id);
  vi.useRealTimers();
  expect(await traces(fixture)).toEqual([]);
  const acts = (await auditLogs(fixture)).filter(({ actor }) => actor.id === userId);
  expect(acts.map(({ actor, objectId }) => [actor.name, objectId])).toEqual([["", other]]);
});

test("an erasure takes the person's files, with their names and addresses", async () => {
  vi.useFakeTimers();
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const id = await newContact(request, person);
  for (let i = 0; i < 60; i++) {
    const url = `https://files.example.com/Beeblebrox-${i}.pdf`;
    const body = { url, fileName: `Zaphod ${i}.pdf`, ownerId: id };
    const headers = { "Idempotency-Key": `attach-${i}` };
    const answer = await request("POST", "/attachments", { body, headers });
    if (i > 0) continue;
    const renamed = { body: { fileName: "Heart of Gold.pdf" } };
    await request("PATCH", `/attachments/${answer.body.data.id}`, renamed);
  }
  const permitted = await request("POST", "/attachments/presign", {
    body: { fileName: "Zaphod.txt", contentType: "text/plain", size: 6 },
  });
  const { attachmentId } = permitted.body.data as unknown as { attachmentId: string };
  const storageId = await backend.run(async (ctx) => {
    const stored = await ctx.storage.store(new Blob(["Zaphod"]));
    const store = new ObjectStore(ctx, systemScope(fixture.organizationId, "test"));
    const pending = await requireAttachment(store, attachmentId);
    const owner = await store.findObject(id);
    if (!owner) throw new Error("The contact is not there.");
    await ctx.db.patch("attachments", pending._id, { storageId: stored });
    await completeUpload(ctx, store, pending, { ownerId: owner._id });
    await store.finish();
    return stored;
  });

  await erased(fixture, id);
  expect(await traces(fixture)).toEqual([]);
  const left = await backend.run(async (ctx) => ({
    rows: await ctx.db.query("attachments").collect(),
    file: await ctx.db.system.get("_storage", storageId),
  }));
  expect(left).toEqual({ rows: [], file: null });
  vi.useRealTimers();
});
