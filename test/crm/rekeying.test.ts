import { expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { KEY_RULES } from "../../convex/ontology/rekeying";
import { line, openBooks } from "../invoicing/books";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { type Contact, dataOf, newContact } from "./bodies";

type Keys = {
  status: string;
  checked: number;
  changed: number;
  collided: number;
  collisions: { type: string; key: string; ids: string[] }[];
  failed: string[];
};

async function keysOf({ request }: Fixture): Promise<Keys | null> {
  return dataOf<{ keys: Keys | null }>(await request("GET", "/integrity")).keys;
}

/** The organization and its contacts as an earlier version wrote them. */
async function asOfBefore(
  { backend, organizationId }: Fixture,
  rows: Record<string, { lookupKey?: string; tags?: string[]; email?: string }>,
): Promise<void> {
  await backend.run(async (ctx) => {
    const old = { keyRules: undefined, phoneRegion: undefined };
    await ctx.db.patch("organizations", organizationId, old);
    for (const object of await ctx.db.query("objects").collect()) {
      if (object.organizationId !== organizationId || object.type !== "crm_contact") continue;
      const { firstName = "", lastName, email, phone } = object.customProperties;
      const before = rows[object._id];
      const { lookupKey = email, tags = object.customProperties.tags, ...address } = before ?? {};
      await ctx.db.patch("objects", object._id, {
        ...(lookupKey === undefined ? {} : { lookupKey }),
        searchText: [firstName, lastName, email, phone].filter(Boolean).join(" "),
        customProperties: { ...object.customProperties, ...address, tags },
      });
      const keys = await ctx.db
        .query("objectMatchKeys")
        .withIndex("by_object", (q) => q.eq("objectId", object._id))
        .collect();
      for (const { _id, kind } of keys) {
        if (kind === "phone") {
          const key = (phone ?? "").replace(/\D/g, "").slice(-9);
          await ctx.db.patch("objectMatchKeys", _id, { key, isShared: false });
        }
        if (kind === "email" && lookupKey !== undefined) {
          await ctx.db.patch("objectMatchKeys", _id, { key: lookupKey, isShared: false });
        }
      }
    }
  });
}

async function found({ request }: Fixture, search: string): Promise<string[]> {
  const answer = await request("GET", `/crm/contacts?search=${encodeURIComponent(search)}`);
  const { contacts } = answer.body as unknown as { contacts: { id: string }[] };
  return contacts.map(({ id }) => id).sort();
}

async function duplicates({ request }: Fixture): Promise<unknown> {
  const groups = dataOf<{ by: string; value: string; contacts: { id: string }[] }[]>(
    await request("GET", "/crm/contacts/duplicates"),
  );
  return groups.map(({ by, value, contacts }) => [by, value, contacts.map(({ id }) => id)]);
}

async function versionOf({ backend }: Fixture, id: string): Promise<unknown> {
  const object = await backend.run(async (ctx) => await ctx.db.get("objects", id as Id<"objects">));
  return [object?.version, object?.commitTs];
}

async function finish({ backend }: Fixture): Promise<void> {
  vi.useFakeTimers();
  await backend.mutation(internal.rekeying.wake, {});
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  vi.useRealTimers();
}

test("rows of an earlier version get today's keys by themselves, and keep what they say and their version", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  await request("PATCH", "/organization", { body: { address: { country: "DE" } } });
  await finish(fixture);
  const one = await newContact(request, { firstName: "Ada", phone: "+49 (0)171/1234567" });
  const two = await newContact(request, { firstName: "Ida", phone: "0171 1234567" });
  const three = await newContact(request, { firstName: "Eva", email: "eva@bücher.example" });
  await asOfBefore(fixture, { [three]: { lookupKey: "eva@bücher.example" } });
  const before = await versionOf(fixture, one);
  expect(await found(fixture, "00491711234567")).toEqual([]);
  await finish(fixture);
  expect(await found(fixture, "00491711234567")).toEqual([one, two].sort());
  expect(await duplicates(fixture)).toEqual([["phone", "+491711234567", [one, two]]]);
  const body = { email: "eva@xn--bcher-kva.example" };
  expect((await request("POST", "/crm/contacts", { body })).body.contactId).toBe(three);
  expect(await versionOf(fixture, one)).toEqual(before);
  expect(await keysOf(fixture)).toMatchObject({ status: "completed", changed: 3, collided: 0 });
  const again = await fixture.backend.mutation(internal.rekeying.wake, {});
  expect(again).toEqual({ begun: 0 });
});

test("a job that is interrupted goes on where it was, and meets every row", async () => {
  const fixture = await newBackend();
  const { request, backend, organizationId } = fixture;
  const items = Array.from({ length: 450 }, (_, i) => ({
    ...{ firstName: `P${i}`, phone: `+49 171 ${1_000_000 + i}` },
  }));
  for (let from = 0; from < items.length; from += 150) {
    const body = { items: items.slice(from, from + 150) };
    await request("POST", "/crm/contacts/bulk", { body });
  }
  await asOfBefore(fixture, {});
  vi.useFakeTimers();
  await backend.mutation(internal.rekeying.wake, {});
  const job = async () =>
    await backend.run(
      async (ctx) =>
        await ctx.db
          .query("rekeyings")
          .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
          .unique(),
    );
  const rekeyingId = (await job())?._id;
  if (!rekeyingId) throw new Error("The job was not begun.");
  await backend.mutation(internal.rekeying.step, { rekeyingId });
  // What was scheduled is lost with the process.
  await backend.run(async (ctx) => {
    for (const { _id } of await ctx.db.system.query("_scheduled_functions").collect()) {
      await ctx.scheduler.cancel(_id);
    }
  });
  const half = await job();
  expect(half).toMatchObject({ status: "running" });
  expect(half?.checked).toBeGreaterThan(0);
  expect(half?.checked).toBeLessThan(450);
  const resumed = async (): Promise<number> =>
    (await backend.mutation(internal.jobs.recovery.recover, { kind: "rekeying" })).interrupted;
  expect(await resumed()).toBe(0);
  vi.setSystemTime(Date.now() + 11 * 60 * 1000);
  expect(await resumed()).toBe(1);
  expect(await backend.mutation(internal.rekeying.wake, {})).toEqual({ begun: 0 });
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  vi.useRealTimers();
  expect(await job()).toMatchObject({
    status: "completed",
    checked: 450,
    changed: 450,
    failed: [],
  });
  const keys = await backend.run(async (ctx) => await ctx.db.query("objectMatchKeys").collect());
  expect(keys.filter(({ kind }) => kind === "phone")).toHaveLength(450);
  expect(await found(fixture, "00491711000449")).toHaveLength(1);
});

test("contacts that are equal by today's rules are listed as duplicates, and neither is touched", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const one = await newContact(request, { firstName: "Ada", email: "ada@xn--bcher-kva.example" });
  const two = await newContact(request, { firstName: "Ida", email: "ida@y.example" });
  await asOfBefore(fixture, {
    [two]: { email: "ada@bücher.example", lookupKey: "ada@bücher.example" },
  });
  await finish(fixture);
  const key = "ada@xn--bcher-kva.example";
  expect(await keysOf(fixture)).toMatchObject({
    collided: 1,
    collisions: [{ type: "crm_contact", key, ids: [one, two] }],
  });
  expect(await duplicates(fixture)).toEqual([["email", key, [one, two]]]);
  for (const id of [one, two]) {
    const patched = await request("PATCH", `/crm/contacts/${id}`, { body: { jobTitle: "CTO" } });
    expect([patched.status, dataOf<Contact>(patched).jobTitle]).toEqual([200, "CTO"]);
  }
  const other = await newContact(request, { firstName: "Eva" });
  const taken = await request("PATCH", `/crm/contacts/${other}`, { body: { email: key } });
  expect([taken.status, taken.code]).toEqual([409, "EMAIL_EXISTS"]);
});

test("invoice numbers that are one by today's rule are listed, and both invoices stay", async () => {
  const books = await openBooks();
  const { backend, organizationId } = books;
  const made = async (invoiceNumber: string): Promise<string> =>
    dataOf<{ id: string }>(
      await books.request("POST", "/invoices", {
        body: {
          ...{ type: "b2c_single", currency: "EUR", billTo: { name: "A" }, invoiceNumber },
          lineItems: [line()],
        },
      }),
    ).id;
  const [one, two] = [await made("RE-1"), await made("RE-2")];
  await backend.run(async (ctx) => {
    const old = await ctx.db.get("objects", two as Id<"objects">);
    if (old?.type !== "invoice") throw new Error("The invoice is missing.");
    const invoiceNumber = "RE-\u200b1";
    const customProperties = { ...old.customProperties, invoiceNumber };
    const columns = { name: invoiceNumber, lookupKey: invoiceNumber };
    await ctx.db.patch("objects", old._id, { customProperties, ...columns });
    await ctx.db.patch("organizations", organizationId, { keyRules: KEY_RULES - 1 });
  });
  await finish(books);
  expect(await keysOf(books)).toMatchObject({
    collisions: [{ type: "invoice", key: "RE-1", ids: [one, two] }],
  });
});

test("a tag and a custom field with invisible characters of before are as they look, and counted so", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  await newContact(request, { firstName: "Ada", tags: ["VIP"] });
  const two = await newContact(request, { firstName: "Ida", tags: ["V\u200bIP"] });
  await backend.run(async (ctx) => {
    const old = await ctx.db.get("objects", two as Id<"objects">);
    if (old?.type !== "crm_contact") throw new Error("The contact is missing.");
    const customFields = [
      { key: "si\u00adze", json: '"L"' },
      { key: "co\u200blour", json: '"red"' },
      { key: "colour", json: '"blue"' },
    ];
    const customProperties = { ...old.customProperties, customFields };
    await ctx.db.patch("objects", old._id, { customProperties });
  });
  await asOfBefore(fixture, { [two]: { tags: ["V\u200bIP", "VIP"] } });
  await finish(fixture);
  const contact = (await request("GET", `/crm/contacts/${two}`)).body as unknown as Contact;
  expect(contact.tags).toEqual(["VIP"]);
  expect(contact.customFields).toEqual({ size: "L", "co\u200blour": "red", colour: "blue" });
  const counted = await request("GET", "/crm/contacts/tags");
  expect(dataOf(counted)).toEqual([{ tag: "VIP", count: 2 }]);
});

test("another country of the organization makes the keys of its phone numbers anew, and of no other's", async () => {
  const fixture = await newBackend();
  const other = await newTenant(fixture.backend);
  for (const { request } of [fixture, other]) {
    await newContact(request, { firstName: "Ada", phone: "0664 1234567" });
    await newContact(request, { firstName: "Ida", phone: "+43 664 1234567" });
  }
  const keys = async (): Promise<unknown[]> => {
    const rows = await fixture.backend.run(
      async (ctx) => await ctx.db.query("objectMatchKeys").collect(),
    );
    const of = (id: string): string[] =>
      rows
        .filter(({ kind, organizationId }) => kind === "phone" && organizationId === id)
        .map(({ key }) => key)
        .sort();
    return [of(fixture.organizationId), of(other.organizationId)];
  };
  const ends = ["641234567", "641234567"];
  expect(await keys()).toEqual([ends, ends]);
  const move = async (country: string | null): Promise<void> => {
    const address = country === null ? null : { country };
    await fixture.request("PATCH", "/organization", { body: { address } });
    await finish(fixture);
  };
  await move("Österreich");
  expect(await keys()).toEqual([["+436641234567", "+436641234567"], ends]);
  await move("DE");
  expect(await keys()).toEqual([["+436641234567", "+496641234567"], ends]);
  await move(null);
  expect(await keys()).toEqual([ends, ends]);
});

test("suppressed addresses and accounts of staff are known by today's keys", async () => {
  const fixture = await newBackend();
  const { backend, organizationId } = fixture;
  const insert = async (email: string, emailKey: string, createdAt: number): Promise<unknown> =>
    await backend.run(
      async (ctx) =>
        await ctx.db.insert("suppressions", {
          ...{ organizationId, email, emailKey, createdAt },
          reason: "bounced",
        }),
    );
  const older = await insert("a@bücher.example", "a@bücher.example", 1);
  await insert("a@xn--bcher-kva.example", "a@xn--bcher-kva.example", 2);
  await backend.run(async (ctx) => {
    for (const { _id } of await ctx.db.query("users").collect()) {
      const email = "olga@bücher.example";
      await ctx.db.patch("users", _id, { email, emailKey: email });
    }
    await ctx.db.patch("organizations", organizationId, { keyRules: undefined });
  });
  await finish(fixture);
  const left = await backend.run(async (ctx) => await ctx.db.query("suppressions").collect());
  expect(left).toMatchObject([{ _id: older, emailKey: "a@xn--bcher-kva.example" }]);
  const users = await backend.run(async (ctx) => await ctx.db.query("users").collect());
  expect(users.map(({ emailKey }) => emailKey)).toEqual(["olga@xn--bcher-kva.example"]);
});
