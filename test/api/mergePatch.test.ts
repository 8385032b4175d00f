import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import fc from "fast-check";
import { endpoints } from "../../convex/api/endpoints";
import { ApiError } from "../../convex/kit/errors";
import { beginsAnew, mergedChanges, patchOf } from "../../convex/kit/mergePatch";
import { type Fixture, newBackend } from "../helpers/backend";

let home: Fixture;

const SENDER = { name: "Studio", email: "hello@studio.example", replyTo: "re@studio.example" };
const ADDRESS = { street: "Rosenstr. 1", city: "Berlin", postalCode: "10115", country: "DE" };

async function settings(): Promise<Record<string, unknown>> {
  return Object.fromEntries(Object.entries((await home.request("GET", "/organization")).body.data));
}

describe("PATCH /organization", () => {
  beforeEach(async () => {
    home = await newBackend();
    const taxIds = { vatId: "DE123456789", taxNumber: "1/2" };
    const businessHours = { from: 9, to: 17, weekdays: [1, 2] };
    const rules = [{ days: 7, level: 1 }];
    const reminders = { enabled: false, channels: ["email"], rules, businessHours };
    const body = { sender: SENDER, address: ADDRESS, taxIds, reminders };
    expect((await home.request("PATCH", "/organization", { body })).status).toBe(200);
  });

  test("a field of a nested object changes alone, and null removes one", async () => {
    const body = {
      address: { city: "Hamburg", postalCode: null, state: null },
      taxIds: { vatId: "DE999999999" },
      sender: { name: "Atelier" },
    };
    const { body: answer } = await home.request("PATCH", "/organization", { body });
    const { postalCode: _gone, ...rest } = ADDRESS;
    expect(answer.data).toMatchObject({
      sender: { ...SENDER, name: "Atelier" },
      taxIds: { vatId: "DE999999999", taxNumber: "1/2" },
      version: 3,
    });
    expect(answer.data.address).toEqual({ ...rest, city: "Hamburg" });
    expect(await settings()).toEqual(answer.data);
  });

  test("an empty text removes what null removes", async () => {
    const body = { address: { street: "" }, sender: { replyTo: "" } };
    const { data } = (await home.request("PATCH", "/organization", { body })).body;
    expect(data.address).not.toHaveProperty("street");
    const { name, email } = SENDER;
    expect(await settings()).toMatchObject({ sender: { name, email } });
    expect(await settings()).not.toMatchObject({ sender: { replyTo: SENDER.replyTo } });
  });

  test("it merges deep, and replaces lists", async () => {
    const body = { reminders: { enabled: true, businessHours: { to: 18, weekdays: [5] } } };
    await home.request("PATCH", "/organization", { body });
    expect((await settings())["reminders"]).toEqual({
      enabled: true,
      channels: ["email"],
      rules: [{ days: 7, level: 1 }],
      businessHours: { from: 9, to: 18, weekdays: [5] },
    });
  });

  test.each<[object, string]>([
    [{ sender: { email: null } }, "body.sender.email"],
    [{ sender: { name: "" } }, "body.sender.name"],
    [{ sender: { mail: "a@b.example" } }, "body.sender.mail"],
    [{ reminders: { businessHours: { to: 9 } } }, "body.reminders.businessHours.to"],
    [{ reminders: { businessHours: { from: null } } }, "body.reminders.businessHours.from"],
    [{ reminders: { rules: [{ days: 1 }] } }, "body.reminders.rules.0.level"],
    [{ address: { city: { name: "Berlin" } } }, "body.address.city"],
  ])("what %j would make of it is refused at %s, and nothing changes", async (body, path) => {
    const answer = await home.request("PATCH", "/organization", { body });
    expect([answer.status, answer.paths]).toEqual([400, [path]]);
    expect(await settings()).toMatchObject({ sender: SENDER, address: ADDRESS, version: 2 });
  });

  test("a part of what is not there is held to what the whole needs", async () => {
    await home.request("PATCH", "/organization", { body: { sender: null, reminders: null } });
    const body = { sender: { name: "S" }, reminders: { businessHours: { from: 1 } } };
    const answer = await home.request("PATCH", "/organization", { body });
    expect(answer.paths.sort()).toEqual([
      "body.reminders.businessHours.to",
      "body.reminders.businessHours.weekdays",
      "body.reminders.channels",
      "body.reminders.enabled",
      "body.reminders.rules",
      "body.sender.email",
    ]);
  });

  test("a dry run shows the merged object, and keeps the one of before", async () => {
    const answer = await home.request("PATCH", "/organization?dryRun=true", {
      body: { address: { city: "Hamburg" } },
    });
    expect(answer.body.data.address).toEqual({ ...ADDRESS, city: "Hamburg" });
    expect((await settings()).address).toEqual(ADDRESS);
  });

  test("two changes of different fields of one object at once keep both", async () => {
    await Promise.all([
      home.request("PATCH", "/organization", { body: { address: { city: "Hamburg" } } }),
      home.request("PATCH", "/organization", { body: { address: { postalCode: "20095" } } }),
    ]);
    expect((await settings()).address).toEqual({
      ...ADDRESS,
      city: "Hamburg",
      postalCode: "20095",
    });
  });

  test("the trail has the object as it was and as it is", async () => {
    await home.request("PATCH", "/organization", { body: { address: { city: "Hamburg" } } });
    const { body } = await home.request("GET", "/audit?objectType=organization&limit=1");
    const [entry] = body.data as unknown as { changes: unknown[] }[];
    expect(entry?.changes).toEqual([
      { field: "address", before: ADDRESS, after: { ...ADDRESS, city: "Hamburg" } },
    ]);
  });

  test("a merge that changes nothing keeps the version", async () => {
    const body = { address: { city: "Berlin", state: null }, sender: {} };
    const { data } = (await home.request("PATCH", "/organization", { body })).body;
    expect(data).toMatchObject({ address: ADDRESS, sender: SENDER, version: 2 });
  });

  test("what an older version let in does not stand in the way of another field", async () => {
    await home.backend.run(({ db }) =>
      db.patch("organizations", home.organizationId, {
        sender: { name: "Studio", email: "x<a@b.c>" },
      }),
    );
    const patch = (sender: object) => home.request("PATCH", "/organization", { body: { sender } });
    await patch({ name: "Atelier" });
    expect((await settings())["sender"]).toEqual({
      name: "Atelier",
      email: "x<a@b.c>",
    });
    expect((await patch({ email: "x<a@b.c>" })).paths).toEqual(["body.sender.email"]);
  });

  test("`/tenants/:id` merges alike", async () => {
    const { body } = await home.request("PATCH", `/tenants/${home.organizationId}`, {
      body: { address: { city: "Hamburg" } },
    });
    expect(body.data.address).toEqual({ ...ADDRESS, city: "Hamburg" });
  });
});

describe("the objects of every other PATCH merge alike", () => {
  beforeEach(async () => {
    home = await newBackend();
  });

  type Made = { id?: string; contactId?: string };
  async function made(path: string, body: object): Promise<string> {
    const answer = await home.request("POST", path, { body });
    const { id, contactId } = (answer.body.data ?? answer.body) as Made;
    return `${path}/${id ?? contactId}`;
  }
  async function patched(path: string, body: object): Promise<Record<string, unknown>> {
    const answer = await home.request("PATCH", path, { body });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
    const { data } = answer.body;
    return Object.fromEntries([
      ...Object.entries(data),
      ...Object.entries<unknown>((data as Partial<typeof data>).customProperties ?? {}),
    ]);
  }

  test("the address of a contact and of a CRM organization, also in bulk", async () => {
    const contact = await made("/crm/contacts", { firstName: "Ada", address: ADDRESS });
    const company = await made("/crm/organizations", { name: "Acme", address: ADDRESS });
    const body = { address: { city: "Hamburg", postalCode: null } };
    const { postalCode: _gone, ...rest } = ADDRESS;
    expect(await patched(contact, body)).toMatchObject({ address: { ...rest, city: "Hamburg" } });
    for (const [path, bulk] of [
      [contact, "/crm/contacts/bulk"],
      [company, "/crm/organizations/bulk"],
    ] as const) {
      const items = [{ id: path.split("/").at(-1), address: { city: "Kiel" } }];
      await home.request("POST", bulk, { body: { items } });
      const { body: shown } = await home.request("GET", path);
      const { address } = path === contact ? shown : shown.data;
      expect(address).toMatchObject({ street: ADDRESS.street, city: "Kiel" });
    }
    expect(await patched(company, { address: { country: "AT" } })).toMatchObject({
      address: { ...ADDRESS, city: "Kiel", country: "AT" },
    });
  });

  test("the budget of a project, whose decimals are those of its currency then", async () => {
    const budget = { amount: 12.5, currency: "EUR" };
    const project = await made("/projects", { subtype: "internal", name: "P", budget });
    expect(await patched(project, { budget: { amount: 99.99 } })).toMatchObject({
      budget: { amount: 99.99, currency: "EUR" },
    });
    const answer = await home.request("PATCH", project, { body: { budget: { currency: "JPY" } } });
    expect(answer.paths).toEqual(["body.budget.amount"]);
  });

  const line = { description: "Work", quantity: 1, unitPriceInCents: 100 };
  const billTo = { name: "Ada", email: "ada@example.com", address: ADDRESS };
  const draft = { type: "b2c_single", lineItems: [line], billTo };
  const schedule = { frequency: "monthly", startDay: "2199-01-01", dayOfMonth: 15 };

  test.each<[string, object]>([
    ["/invoices", draft],
    ["/quotes", draft],
    ["/recurring-invoices", { ...draft, title: "R", schedule }],
  ])("the party of a draft of %s", async (path, body) => {
    const document = await made(path, body);
    const change = { billTo: { email: null, address: { city: "Hamburg" } } };
    expect((await patched(document, change))["billTo"]).toEqual({
      name: "Ada",
      address: { ...ADDRESS, city: "Hamburg" },
    });
  });

  test("a party that is named takes nothing over from the one before", async () => {
    const invoice = await made("/invoices", draft);
    const contact = await made("/crm/contacts", { firstName: "Bo", email: "bo@example.com" });
    const contactId = contact.split("/").at(-1);
    expect((await patched(invoice, { billTo: { contactId } }))["billTo"]).toEqual({
      contactId,
      name: "Bo",
      email: "bo@example.com",
    });
    const named = await patched(invoice, { billTo: { contactId: null, email: "b@example.com" } });
    expect(named["billTo"]).toEqual({ name: "Bo", email: "b@example.com" });
  });

  test("a schedule changes in part, and begins anew with a frequency", async () => {
    const recurring = await made("/recurring-invoices", { ...draft, title: "R", schedule });
    expect((await patched(recurring, { schedule: { dayOfMonth: 20 } }))["schedule"]).toMatchObject({
      ...schedule,
      dayOfMonth: 20,
    });
    const weekly = { frequency: "weekly", startDay: "2199-01-01" };
    const anew = (await patched(recurring, { schedule: weekly }))["schedule"];
    expect(anew).toEqual({ ...weekly, interval: 1 });
    const answer = await home.request("PATCH", recurring, { body: { schedule: { month: 3 } } });
    expect(answer.paths).toEqual(["body.schedule.month"]);
  });
});

describe("as RFC 7396 says", () => {
  const leaf = z.union([z.string(), z.array(z.string())]);
  const inner = z.strictObject({ x: leaf.optional(), y: leaf.optional() });
  const outer = z.strictObject({ a: leaf.optional(), b: inner.optional(), c: inner.optional() });
  const update = z.strictObject({ it: outer.nullable().optional() });

  const text = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 2 }));
  const record = (value: fc.Arbitrary<unknown>, nested: fc.Arbitrary<unknown>) =>
    fc.record({ a: value, b: nested, c: nested }, { requiredKeys: [] });
  const whole = record(text, fc.record({ x: text, y: text }, { requiredKeys: [] }));
  const gone = fc.constant(null);
  const part = fc.record(
    { x: fc.oneof(text, gone), y: fc.oneof(text, gone) },
    { requiredKeys: [] },
  );
  const patch = record(fc.oneof(text, gone), fc.oneof(part, gone));

  /** The pseudocode of section 2, to the letter. */
  function mergePatch(target: unknown, change: unknown): unknown {
    if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
    const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
    const result = new Map<string, unknown>(isObject ? Object.entries(target) : []);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) result.delete(name);
      else result.set(name, mergePatch(result.get(name), value));
    }
    return Object.fromEntries(result);
  }

  test("any change of any object gives what the RFC's own pseudocode gives", () => {
    fc.assert(
      fc.property(whole, patch, (it, change) => {
        const parsed = patchOf(update).parse({ it: change });
        expect(mergedChanges(update, { it }, parsed)).toEqual({ it: mergePatch(it, change) });
      }),
    );
  });

  test("what is registered begins anew with its field, and only with a value of it", () => {
    const party = z.strictObject({ id: z.string().optional(), name: z.string().optional() });
    beginsAnew.add(party, { with: ["id"] });
    const parties = z.strictObject({ party: party.optional() });
    const from = (change: object) =>
      mergedChanges(parties, { party: { id: "1", name: "A" } }, { party: change }).party;
    expect(from({ id: "2" })).toEqual({ id: "2" });
    expect(from({ id: null })).toEqual({ name: "A" });
    expect(() => mergedChanges(parties, {}, { party: { name: 1 } })).toThrow(ApiError);
  });
});

test("no PATCH replaces an object whose fields are known: each takes it in part", () => {
  const whole = endpoints.flatMap(({ method, path, body }) =>
    method === "PATCH" && body instanceof z.ZodObject ? wholeObjects(path, body.shape) : [],
  );
  expect(whole).toEqual([]);
});

/** Where a nested object has a field that may not be left out. */
function wholeObjects(path: string, shape: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    const object = unwrapped(field);
    if (!(object instanceof z.ZodObject)) return [];
    const fields: Record<string, unknown> = object.shape;
    const where = `${path} ${name}`;
    const isWhole = Object.values(fields).some((one) => !(one instanceof z.ZodOptional));
    return [...(isWhole ? [where] : []), ...wholeObjects(where, fields)];
  });
}

function unwrapped(field: unknown): unknown {
  return field instanceof z.ZodOptional || field instanceof z.ZodNullable
    ? unwrapped(field.unwrap())
    : field;
}
