import { expect, test, vi } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { type Backend, type Fixture, newBackend, newTenant } from "../helpers/backend";
import { line, openBooks } from "../invoicing/books";
import { type Contact, dataOf, type Merged, newContact } from "./bodies";

const DAY = 24 * 60 * 60 * 1000;

async function newProject({ request }: Fixture, contactIds: string[]): Promise<Id<"objects">> {
  const body = { subtype: "other", name: "Site", contactIds };
  return dataOf<{ id: Id<"objects"> }>(await request("POST", "/projects", { body })).id;
}

async function contactIdsOf(backend: Backend, projectId: Id<"objects">): Promise<string[]> {
  const project = await backend.run(async (ctx) => await ctx.db.get("objects", projectId));
  return (project?.customProperties as { contactIds: string[] }).contactIds;
}

async function merged(fixture: Fixture, target: string, source: string): Promise<Merged> {
  const body = { sourceId: source };
  return dataOf<Merged>(await fixture.request("POST", `/crm/contacts/${target}/merge`, { body }));
}

async function contact({ request }: Fixture, id: string): Promise<Contact> {
  return (await request("GET", `/crm/contacts/${id}`)).body as unknown as Contact;
}

async function finishJobs({ backend }: Fixture): Promise<void> {
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
}

test("a merge takes over what the target lacks, moves what refers to the source, and deletes it", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const target = await newContact(request, {
    firstName: "Ada",
    email: "ada@x.test",
    tags: ["a"],
    phone: "1234567",
  });
  const source = await newContact(request, {
    firstName: "Augusta",
    lastName: "King",
    email: "king@x.test",
    phone: "7654321",
    tags: ["b"],
    subtype: "customer",
    customFields: { x: 1 },
  });
  const project = await newProject(fixture, [source, target]);
  const { contact: result, merge } = await merged(fixture, target, source);
  expect(result).toMatchObject({
    firstName: "Ada",
    lastName: "King",
    email: "ada@x.test",
    subtype: "customer",
    tags: ["a", "b"],
    customFields: { x: 1, otherEmails: ["king@x.test"], otherPhones: ["7654321"] },
  });
  expect(merge).toMatchObject({ status: "done", moved: 1, sourceId: source, targetId: target });
  expect(await contactIdsOf(backend, project)).toEqual([target]);
  expect((await request("GET", `/crm/contacts/${source}`)).status).toBe(404);
  const again = await request("POST", `/crm/contacts/${target}/merge`, {
    body: { sourceId: source },
  });
  expect(again.code).toBe("CONTACT_NOT_FOUND");
});

test("a portal user of the source becomes one of the target, and goes back when it is undone", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const target = await newContact(request, { firstName: "Ada" });
  const source = await newContact(request, { firstName: "Ada", email: "ada@x.test" });
  const body = { email: "ada@x.test", name: "Ada", oauthProvider: "google", oauthId: "1" };
  const user = await request("POST", "/auth/sync-user", { body });
  const linked = async (): Promise<unknown> => {
    const id = (user.body as unknown as { _id: Id<"objects"> })._id;
    const object = await fixture.backend.run(async (ctx) => await ctx.db.get("objects", id));
    return (object?.customProperties as { crmContactId?: string }).crmContactId;
  };
  expect(await linked()).toBe(source);
  const { contact: result, merge } = await merged(fixture, target, source);
  expect([result.email, await linked()]).toEqual(["ada@x.test", target]);
  await request("POST", `/crm/contacts/merges/${merge.id}/undo`);
  expect(await linked()).toBe(source);
});

test("an undo gives back both as they were, and keeps what changed since", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const target = await newContact(request, { firstName: "Ada", tags: ["a"] });
  const source = await newContact(request, {
    firstName: "Augusta",
    lastName: "King",
    email: "king@x.test",
    tags: ["b"],
    organizationInfo: { name: "Acme" },
  });
  const before = [await contact(fixture, target), await contact(fixture, source)];
  const project = await newProject(fixture, [source]);
  const { merge } = await merged(fixture, target, source);
  await request("PATCH", `/crm/contacts/${target}`, { body: { lastName: "Lovelace" } });
  const undone = dataOf<Merged>(await request("POST", `/crm/contacts/merges/${merge.id}/undo`));
  expect(undone.merge.status).toBe("undone");
  const anyNumber = expect.any(Number) as number;
  const kept = { version: anyNumber, updatedAt: anyNumber };
  expect(await contact(fixture, target)).toEqual({
    ...before[0],
    ...kept,
    lastName: "Lovelace",
    name: "Ada Lovelace",
  });
  expect(await contact(fixture, source)).toEqual({ ...before[1], ...kept });
  expect(await contactIdsOf(backend, project)).toEqual([source]);
  const twice = await request("POST", `/crm/contacts/merges/${merge.id}/undo`);
  expect([twice.status, twice.code]).toEqual([409, "INVALID_STATE"]);
});

test("attachments go with the contact, and come back with the undo unless they went elsewhere", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const into = await newContact(request, { firstName: "Ada" });
  const from = await newContact(request, { firstName: "Ida" });
  const elsewhere = await newContact(request, { firstName: "Eve" });
  const attach = async (ownerId: string, fileName: string): Promise<string> => {
    const body = { url: "https://files.example/a", fileName, ownerId };
    return (await request("POST", "/attachments", { body })).body.data.id;
  };
  const namesOf = async (ownerId: string): Promise<string[]> => {
    const { body } = await request("GET", `/attachments?ownerId=${ownerId}`);
    return body.data.map((each) => (each as unknown as { fileName: string }).fileName).sort();
  };
  await attach(into, "own");
  await attach(from, "kept");
  const given = await attach(from, "given on");
  const { merge } = await merged(fixture, into, from);
  expect(merge.moved).toBe(2);
  expect(await namesOf(into)).toEqual(["given on", "kept", "own"]);
  await request("PATCH", `/attachments/${given}`, { body: { ownerId: elsewhere } });
  await request("POST", `/crm/contacts/merges/${merge.id}/undo`);
  const after = [await namesOf(into), await namesOf(from), await namesOf(elsewhere)];
  expect(after).toEqual([["own"], ["kept"], ["given on"]]);
});

test("more links than one transaction moves are moved by a job, also back again", async () => {
  vi.useFakeTimers();
  const fixture = await newBackend();
  const target = await newContact(fixture.request, { firstName: "Ada" });
  const source = await newContact(fixture.request, { firstName: "Augusta" });
  const projects = [];
  for (let i = 0; i < 230; i++) projects.push(await newProject(fixture, [source]));
  const { merge } = await merged(fixture, target, source);
  expect(merge).toMatchObject({ status: "moving", moved: 100 });
  await finishJobs(fixture);
  const done = await fixture.request("GET", `/crm/contacts/merges/${merge.id}`);
  expect(dataOf(done)).toMatchObject({ status: "done", moved: 230 });
  for (const id of projects) expect(await contactIdsOf(fixture.backend, id)).toEqual([target]);
  await fixture.request("POST", `/crm/contacts/merges/${merge.id}/undo`);
  await finishJobs(fixture);
  const undone = await fixture.request("GET", `/crm/contacts/merges/${merge.id}`);
  expect(dataOf(undone)).toMatchObject({ status: "undone", moved: 0 });
  for (const id of projects) expect(await contactIdsOf(fixture.backend, id)).toEqual([source]);
  vi.useRealTimers();
});

test.each([
  ["itself", 400, "VALIDATION_ERROR"],
  ["a contact of another organization", 404, "CONTACT_NOT_FOUND"],
  ["a CRM organization", 404, "CONTACT_NOT_FOUND"],
  ["a word", 404, "CONTACT_NOT_FOUND"],
])("a merge with %s is refused, and nothing is written", async (what, status, code) => {
  const { backend, request } = await newBackend();
  const target = await newContact(request, { firstName: "Ada" });
  const sources: Record<string, string> = {
    itself: target,
    "a contact of another organization": await newContact((await newTenant(backend)).request, {
      firstName: "Theirs",
    }),
    "a CRM organization": dataOf<{ id: string }>(
      await request("POST", "/crm/organizations", { body: { name: "Acme" } }),
    ).id,
    "a word": "word",
  };
  const body = { sourceId: sources[what] };
  const answer = await request("POST", `/crm/contacts/${target}/merge`, { body });
  expect([answer.status, answer.code]).toEqual([status, code]);
  if (what === "itself") expect(answer.paths).toEqual(["body.sourceId"]);
  expect((await request("GET", `/crm/contacts/${target}`)).body.version).toBe(1);
});

test("a merge cannot be undone after 30 days, nor by another organization, nor over a taken e-mail", async () => {
  const fixture = await newBackend();
  const { backend, request } = fixture;
  const target = await newContact(request, { firstName: "Ada", email: "ada@x.test" });
  const source = await newContact(request, { firstName: "Bo", email: "bo@x.test" });
  const { merge } = await merged(fixture, target, source);
  const path = `/crm/contacts/merges/${merge.id}/undo`;
  const foreign = await (await newTenant(backend)).request("POST", path);
  expect([foreign.status, foreign.code]).toEqual([404, "MERGE_NOT_FOUND"]);
  const newcomer = await newContact(request, { firstName: "New" });
  await request("PATCH", `/crm/contacts/${newcomer}`, { body: { email: "bo@x.test" } });
  const taken = await request("POST", path);
  expect([taken.status, taken.code]).toEqual([409, "EMAIL_EXISTS"]);
  await request("DELETE", `/crm/contacts/${newcomer}`);
  vi.useFakeTimers({ now: Date.now() + 31 * DAY, toFake: ["Date"] });
  const late = await request("POST", path);
  expect([late.status, late.code]).toEqual([410, "GONE"]);
  vi.useRealTimers();
});

test("an undo leaves the target what named it before, in projects and invoices alike", async () => {
  const fixture = await openBooks();
  const { request, backend, draft } = fixture;
  const [target, source, other] = [
    await newContact(request, { firstName: "Ada" }),
    await newContact(request, { firstName: "Augusta" }),
    await newContact(request, { firstName: "Bo" }),
  ];
  const both = await newProject(fixture, [target, other, source]);
  const grown = await newProject(fixture, [target, source]);
  const invoice = await draft({
    type: "b2b_consolidated",
    billTo: { contactId: target, name: "Ada" },
    lineItems: [line({ contactId: target }), line({ contactId: source }), line({})],
  });
  const propertiesOf = async (): Promise<unknown> =>
    (await backend.run(async (ctx) => await ctx.db.get("objects", invoice.id as Id<"objects">)))
      ?.customProperties;
  const before = await propertiesOf();
  const { merge } = await merged(fixture, target, source);
  expect(await propertiesOf()).not.toEqual(before);
  expect(await contactIdsOf(backend, both)).toEqual([target, other]);
  const body = { contactIds: [target, other] };
  dataOf(await request("PATCH", `/projects/${grown}`, { body }));
  dataOf(await request("POST", `/crm/contacts/merges/${merge.id}/undo`));
  expect(await propertiesOf()).toEqual(before);
  expect(await contactIdsOf(backend, both)).toEqual([target, other, source]);
  expect(await contactIdsOf(backend, grown)).toEqual([target, source, other]);
});

test("a contact whose merge left more tags than a request may give is still upserted", async () => {
  const { request, ...rest } = await newBackend();
  const tagsOf = (name: string): string[] => Array.from({ length: 40 }, (_, i) => `${name}${i}`);
  const email = "ada@x.test";
  const target = await newContact(request, { firstName: "Ada", email, tags: tagsOf("a") });
  const source = await newContact(request, { firstName: "Augusta", tags: tagsOf("b") });
  await merged({ request, ...rest }, target, source);
  const upsert = { firstName: "Ada", email, jobTitle: "Countess", tags: ["a1"] };
  expect(await newContact(request, upsert)).toBe(target);
  const more = await request("POST", "/crm/contacts", { body: { ...upsert, tags: ["new"] } });
  expect([more.status, more.paths]).toEqual([400, ["body.tags"]]);
});

const ORDERS = [
  ["oldest first", [0, 1, 2]],
  ["newest first", [2, 1, 0]],
  ["the middle one first", [1, 0, 2]],
] as const;

test.each(ORDERS)(
  "merges undone %s take what they brought, and leave what another brought as well",
  async (_order, order) => {
    const fixture = await newBackend();
    const { request } = fixture;
    const own = { firstName: "X", email: "x@x.test", phone: "030 1234567" };
    const target = await newContact(request, own);
    const sources: string[] = [];
    for (const name of ["a", "b", "c"]) {
      sources.push(
        await newContact(request, {
          ...{
            firstName: name,
            email: `${name}@x.test`,
            phone: "0171 8000002",
            tags: [name, "all"],
          },
          customFields: { [name]: 1, otherEmails: ["shared@x.test"] },
        }),
      );
    }
    const made: Merged[] = [];
    for (const source of sources) made.push(await merged(fixture, target, source));
    const left = new Set(["a", "b", "c"]);
    for (const index of order) {
      const { merge } = made[index] as Merged;
      expect((await request("POST", `/crm/contacts/merges/${merge.id}/undo`)).status).toBe(200);
      left.delete("abc"[index] ?? "");
      const { customFields, tags } = await contact(fixture, target);
      const names = [...left];
      expect(Object.keys(customFields).sort()).toEqual(
        [...names, ...(names.length > 0 ? ["otherEmails", "otherPhones"] : [])].sort(),
      );
      expect([...tags].sort()).toEqual([...(names.length > 0 ? ["all"] : []), ...names].sort());
      const emails =
        names.length > 0 ? [...names.map((name) => `${name}@x.test`), "shared@x.test"] : [];
      expect([...((customFields["otherEmails"] ?? []) as string[])].sort()).toEqual(emails.sort());
    }
  },
);

test.each(ORDERS)(
  "merges into one contact undone %s: every reference and the target are what they were",
  async (_order, order) => {
    const fixture = await openBooks();
    const { request, backend, draft } = fixture;
    const target = await newContact(request, { firstName: "X", notes: "x", tags: ["x"] });
    const sources: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const fields = { firstName: name, email: `${name}@x.test`, notes: name, tags: [name] };
      sources.push(await newContact(request, fields));
    }
    const [a = "", b = "", c = ""] = sources;
    const other = await newContact(request, { firstName: "Other" });
    const projects = [
      await newProject(fixture, [a, b, c]),
      await newProject(fixture, [c, other, b, target, a]),
      await newProject(fixture, [b, a]),
      await newProject(fixture, [a]),
    ];
    const invoice = await draft({
      type: "b2b_consolidated",
      billTo: { contactId: b, name: "B" },
      lineItems: [line({ contactId: a }), line({ contactId: target }), line({ contactId: c })],
    });
    const propertiesOf = async (id: string): Promise<unknown> =>
      (await backend.run(async (ctx) => await ctx.db.get("objects", id as Id<"objects">)))
        ?.customProperties;
    const all = [...projects, invoice.id, target];
    const before = await Promise.all(all.map(propertiesOf));
    const merges: string[] = [];
    for (const source of sources) {
      merges.push((await merged(fixture, target, source)).merge.id);
    }
    expect(await contactIdsOf(backend, projects[0] as Id<"objects">)).toEqual([target]);
    const between = await newProject(fixture, [target]);
    for (const i of order) {
      dataOf(await request("POST", `/crm/contacts/merges/${merges[i] ?? ""}/undo`));
      const names = await contactIdsOf(backend, projects[0] as Id<"objects">);
      expect(names).toContain(sources[i]);
    }
    expect(await Promise.all(all.map(propertiesOf))).toEqual(before);
    expect(await contactIdsOf(backend, between)).toEqual([target]);
  },
);

test("objects that name the source in two ways are all moved, however many there are", async () => {
  vi.useFakeTimers();
  const fixture = await openBooks();
  const { request, backend, draft } = fixture;
  const target = await newContact(request, { firstName: "Ada" });
  const source = await newContact(request, { firstName: "Augusta" });
  const ids: string[] = [];
  for (let i = 0; i < 60; i++) {
    const billTo = { contactId: source, name: "Augusta" };
    const lineItems = [line({ contactId: source })];
    ids.push((await draft({ type: "b2b_consolidated", billTo, lineItems })).id);
  }
  const { merge } = await merged(fixture, target, source);
  await finishJobs(fixture);
  const done = await request("GET", `/crm/contacts/merges/${merge.id}`);
  expect(dataOf(done)).toMatchObject({ status: "done", moved: 60 });
  const left = await backend.run(async (ctx) => await ctx.db.query("objectLinks").collect());
  expect(left.filter(({ to }) => to === source)).toEqual([]);
  vi.useRealTimers();
});

test("notes that do not fit into one contact are not cut: the merge is refused and names them", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const target = await newContact(request, { firstName: "Ada", notes: "a".repeat(15_000) });
  const source = await newContact(request, { firstName: "Augusta", notes: "b".repeat(5_000) });
  const path = `/crm/contacts/${target}/merge`;
  const refused = await request("POST", path, { body: { sourceId: source } });
  expect([refused.status, refused.code, refused.paths]).toEqual([
    400,
    "VALIDATION_ERROR",
    ["notes"],
  ]);
  expect((await contact(fixture, source)).notes).toHaveLength(5_000);
  await request("PATCH", `/crm/contacts/${source}`, { body: { notes: "b".repeat(4_998) } });
  const { contact: united } = await merged(fixture, target, source);
  expect(united.notes).toBe(`${"a".repeat(15_000)}\n\n${"b".repeat(4_998)}`);
});

test("the event registrations of both are kept, however many there are", async () => {
  const fixture = await newBackend();
  const { request, backend } = fixture;
  const registrationsOf = (
    prefix: string,
  ): { eventId: string; eventName: string; eventDate: number }[] =>
    Array.from({ length: 80 }, (_, i) => ({
      ...{ eventId: `${prefix}${i}`, eventName: "Fair", eventDate: Date.UTC(2026, 1, 1) },
    }));
  const give = async (id: string, prefix: string): Promise<void> => {
    await backend.run(async (ctx) => {
      const object = await ctx.db.get("objects", id as Id<"objects">);
      if (object?.type !== "crm_contact") throw new Error("no contact");
      const eventRegistrations = registrationsOf(prefix);
      const customProperties = { ...object.customProperties, eventRegistrations };
      await ctx.db.patch("objects", object._id, { customProperties });
    });
  };
  const target = await newContact(request, { firstName: "Ada", email: "ada@x.test" });
  const source = await newContact(request, { firstName: "Augusta" });
  await give(target, "t");
  await give(source, "s");
  await merged(fixture, target, source);
  const countOf = async (): Promise<number | undefined> =>
    await backend.run(async (ctx) => {
      const object = await ctx.db.get("objects", target as Id<"objects">);
      return object?.type === "crm_contact"
        ? object.customProperties.eventRegistrations?.length
        : undefined;
    });
  expect(await countOf()).toBe(160);
});
