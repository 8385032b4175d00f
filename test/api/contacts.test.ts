import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Body } from "../helpers/answer";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

/** The request that source document 002 prints. */
const DOCUMENTED = {
  subtype: "lead",
  firstName: "John",
  lastName: "Doe",
  email: "john.doe@example.com",
  phone: "+1234567890",
  company: "Acme Corp",
  jobTitle: "Developer",
  source: "api",
  sourceRef: "website-form",
  tags: ["freelancer", "developer"],
  notes: "Interested in project management features",
  customFields: { skillLevel: "senior", availability: "full-time" },
  organizationInfo: {
    name: "Acme Corp",
    website: "https://acme.com",
    industry: "Technology",
    address: {
      street: "123 Main St",
      city: "San Francisco",
      state: "CA",
      postalCode: "94105",
      country: "US",
    },
    taxId: "12-3456789",
    billingEmail: "billing@acme.com",
    phone: "+1234567890",
  },
};

const REGISTRATION = {
  eventId: "k7stu901",
  eventName: "Tech Conference 2025",
  eventDate: 1234567890,
  attendeeInfo: {
    firstName: "John",
    lastName: "Doe",
    email: "john.doe@example.com",
    phone: "+1234567890",
    company: "Acme Corp",
    tags: ["vip", "speaker"],
  },
  organizationInfo: { name: "Acme Corp", website: "https://acme.com", industry: "Technology" },
};

async function save(body: object): Promise<Body & { httpStatus: number }> {
  const answer = await home.request("POST", "/crm/contacts", { body });
  expect(answer.status, answer.text).toBeLessThan(300);
  return { ...answer.body, httpStatus: answer.status };
}
async function show(id: string): Promise<Body> {
  const answer = await home.request("GET", `/crm/contacts/${id}`);
  expect(answer.status).toBe(200);
  return answer.body;
}
async function patch(id: string, body: object): Promise<Body> {
  const answer = await home.request("PATCH", `/crm/contacts/${id}`, { body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data;
}
async function organizations(): Promise<readonly Body[]> {
  return (await home.request("GET", "/crm/organizations?sort=createdAt")).body.data;
}

describe("the documented bodies", () => {
  test("CC1: a new contact is answered literally, with 201", async () => {
    const { status, body } = await home.request("POST", "/crm/contacts", { body: DOCUMENTED });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      contactId: expect.any(String) as string,
      crmOrganizationId: expect.any(String) as string,
      isNewContact: true,
      message: "Contact created successfully",
    });
  });

  test("CC2: a list is answered literally; nextCursor and the later fields are extra", async () => {
    const { contactId, crmOrganizationId } = await save(DOCUMENTED);
    const { body } = await home.request("GET", "/crm/contacts");
    expect(body).toEqual({
      contacts: [
        {
          id: contactId,
          name: "John Doe",
          firstName: "John",
          lastName: "Doe",
          email: "john.doe@example.com",
          phone: "+1234567890",
          company: "Acme Corp",
          subtype: "lead",
          status: "active",
          source: "api",
          tags: ["freelancer", "developer"],
          createdAt: expect.any(Number) as number,
          crmOrganizationId,
          version: 1,
          updatedAt: expect.any(Number) as number,
        },
      ],
      total: 1,
      limit: 50,
      offset: 0,
      nextCursor: null,
    });
  });

  test("CC3: a contact is answered literally", async () => {
    const { contactId, crmOrganizationId } = await save(DOCUMENTED);
    const { organizationInfo: _info, ...fields } = DOCUMENTED;
    expect(await show(contactId)).toEqual({
      ...fields,
      id: contactId,
      emailStatus: null,
      name: "John Doe",
      status: "active",
      createdAt: expect.any(Number) as number,
      updatedAt: expect.any(Number) as number,
      crmOrganizationId,
      version: 1,
      address: null,
      taxId: null,
    });
  });

  test("CC4: a registration is answered literally", async () => {
    const { status, body } = await home.request("POST", "/crm/contacts/from-event", {
      body: REGISTRATION,
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      contactId: expect.any(String) as string,
      eventId: "k7stu901",
      crmOrganizationId: expect.any(String) as string,
      organizationId: home.organizationId,
      isNewContact: true,
      message: "Contact created successfully",
    });
  });
});

describe("creating", () => {
  test("a contact without anything but a name is an active lead of the API", async () => {
    const { contactId } = await save({ lastName: "Doe" });
    expect(await show(contactId)).toMatchObject({
      name: "Doe",
      subtype: "lead",
      status: "active",
      source: "api",
      email: null,
      tags: [],
      customFields: {},
      crmOrganizationId: null,
    });
  });

  test.each([{}, { notes: "x" }, { phone: "1" }, { organizationInfo: { name: "Acme" } }])(
    "%j could not be found again, and is refused",
    async (body) => {
      const answer = await home.request("POST", "/crm/contacts", { body });
      expect(answer).toMatchObject({ status: 400, paths: ["body.firstName"] });
    },
  );

  test("address and tax id are taken, beyond what the source documents", async () => {
    const address = { street: "Rosenstr. 1", postalCode: "10115", city: "Berlin", country: "DE" };
    const { contactId } = await save({ lastName: "Doe", address, taxId: "DE123" });
    expect(await show(contactId)).toMatchObject({ address, taxId: "DE123" });
  });

  test("two contacts without an e-mail are two contacts", async () => {
    const [one, two] = [await save({ lastName: "Doe" }), await save({ lastName: "Doe" })];
    expect(one.contactId).not.toBe(two.contactId);
  });

  test("text is trimmed, notes are not", async () => {
    const { contactId } = await save({ firstName: " Ada ", notes: "  two\nlines \n" });
    expect(await show(contactId)).toMatchObject({ firstName: "Ada", notes: "  two\nlines \n" });
  });

  test("custom fields come back as they were sent, whatever Unicode or nature gives their names", async () => {
    const customFields = {
      größe: "L",
      日本: { "": null, $in: [1.5, true, { _deep: "🙂" }] },
      constructor: 1,
      toString: "x",
      "a.b/c d": [[[]]],
    };
    const { contactId } = await save({ lastName: "Doe", customFields });
    expect((await show(contactId)).customFields).toEqual(customFields);
  });
});

describe("a known e-mail updates", () => {
  test("only the given fields change, and the answer is 200", async () => {
    const first = await save({ ...DOCUMENTED, status: "inactive" });
    const again = await save({ email: "john.doe@example.com", jobTitle: "Lead" });
    expect(again).toMatchObject({
      httpStatus: 200,
      contactId: first.contactId,
      crmOrganizationId: first.crmOrganizationId,
      isNewContact: false,
    });
    const { organizationInfo: _info, ...fields } = DOCUMENTED;
    expect(await show(first.contactId)).toMatchObject({
      ...fields,
      jobTitle: "Lead",
      status: "inactive",
      version: 2,
    });
  });

  test.each([
    ["john.doe@example.com", "JOHN.Doe@Example.COM"],
    ["jürgen@bücher.example", "JÜRGEN@BÜCHER.example"],
    ["jürgen@x.test", "ju\u0308rgen@x.test"],
  ])("%s and %s are one contact", async (one, other) => {
    const first = await save({ email: one });
    expect(await save({ email: other })).toMatchObject({
      contactId: first.contactId,
      isNewContact: false,
    });
  });

  test("tags are united, in the order in which they came, each once", async () => {
    const { contactId } = await save({ email: "a@x.test", tags: ["a", "b", "a"] });
    await save({ email: "a@x.test", tags: ["c", "b"] });
    expect((await show(contactId)).tags).toEqual(["a", "b", "c"]);
  });

  test("custom fields are joined: given keys change, the others stay", async () => {
    const { contactId } = await save({ email: "a@x.test", customFields: { a: 1, b: 1 } });
    await save({ email: "a@x.test", customFields: { b: 2, c: 2 } });
    expect((await show(contactId)).customFields).toEqual({ a: 1, b: 2, c: 2 });
  });

  test("a subtype never goes down", async () => {
    const ranks = ["lead", "prospect", "customer"] as const;
    const subtypes = fc.array(fc.option(fc.constantFrom(...ranks), { nil: undefined }), {
      minLength: 1,
      maxLength: 5,
    });
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(subtypes, async (given) => {
        serial += 1;
        let contactId = "";
        for (const subtype of given) {
          ({ contactId } = await save({
            email: `${serial}@x.test`,
            ...(subtype ? { subtype } : {}),
          }));
        }
        const highest = Math.max(0, ...given.map((subtype) => ranks.indexOf(subtype ?? "lead")));
        expect((await show(contactId)).subtype).toBe(ranks[highest]);
      }),
      { numRuns: 20 },
    );
  });

  test("the same request twice changes nothing the second time", async () => {
    const { contactId } = await save(DOCUMENTED);
    await save(DOCUMENTED);
    expect(await show(contactId)).toMatchObject({ version: 1 });
  });

  test("the limit of a contact's tags holds for the united ones", async () => {
    const tags = (letter: string): string[] =>
      Array.from({ length: 40 }, (_, i) => `${letter}${i}`);
    const { contactId } = await save({ email: "a@x.test", tags: tags("a") });
    const answer = await home.request("POST", "/crm/contacts", {
      body: { email: "a@x.test", tags: tags("b") },
    });
    expect([answer.status, (await show(contactId)).tags.length]).toEqual([400, 40]);
  });

  test("the limit of a contact's custom fields holds for the joined ones", async () => {
    const fields = (letter: string): object =>
      Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${letter}${i}`, i]));
    await save({ email: "a@x.test", customFields: fields("a") });
    const answer = await home.request("POST", "/crm/contacts", {
      body: { email: "a@x.test", customFields: fields("b") },
    });
    expect(answer).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
  });

  test("another tenant's contact of this e-mail stays its own", async () => {
    const other = await newTenant(home.backend);
    const first = await save({ email: "a@x.test" });
    const { body, status } = await other.request("POST", "/crm/contacts", {
      body: { email: "a@x.test" },
    });
    expect([status, body.isNewContact]).toEqual([201, true]);
    expect(body.contactId).not.toBe(first.contactId);
  });
});

describe("organizationInfo", () => {
  test("makes the organization with everything that was said of it, and links it", async () => {
    const { contactId, crmOrganizationId } = await save(DOCUMENTED);
    const { body } = await home.request("GET", `/crm/organizations/${crmOrganizationId}`);
    expect(body.data).toMatchObject({
      ...DOCUMENTED.organizationInfo,
      subtype: "customer",
      status: "active",
    });
    expect((await show(contactId)).crmOrganizationId).toBe(crmOrganizationId);
  });

  test("links the organization of that name, however it is written", async () => {
    const one = await save({ email: "a@x.test", organizationInfo: { name: "Acme Corp" } });
    const two = await save({ email: "b@x.test", organizationInfo: { name: "  ACME   corp " } });
    expect(two.crmOrganizationId).toBe(one.crmOrganizationId);
    expect(await organizations()).toHaveLength(1);
  });

  test("adds what the organization does not say yet, and overwrites nothing", async () => {
    await save({ email: "a@x.test", organizationInfo: { name: "Acme", taxId: "T1" } });
    await save({
      email: "b@x.test",
      organizationInfo: { name: "ACME", taxId: "T2", industry: "Tools" },
    });
    expect(await organizations()).toMatchObject([{ name: "Acme", taxId: "T1", industry: "Tools" }]);
  });

  test("moves a known contact to the organization that it names", async () => {
    const first = await save({ email: "a@x.test", organizationInfo: { name: "Acme" } });
    const again = await save({ email: "a@x.test", organizationInfo: { name: "Other" } });
    expect(again.crmOrganizationId).not.toBe(first.crmOrganizationId);
    const path = `/crm/organizations/${first.crmOrganizationId}/contacts`;
    expect((await home.request("GET", path)).body.data).toEqual([]);
  });

  test("of another tenant is never linked", async () => {
    const other = await newTenant(home.backend);
    const theirs = await other.request("POST", "/crm/organizations", { body: { name: "Acme" } });
    const { crmOrganizationId } = await save({
      email: "a@x.test",
      organizationInfo: { name: "Acme" },
    });
    expect(crmOrganizationId).not.toBe(theirs.body.data.id);
  });

  test("that is refused leaves no contact behind", async () => {
    const body = { email: "a@x.test", organizationInfo: { name: "Acme", website: "acme" } };
    const answer = await home.request("POST", "/crm/contacts", { body });
    expect(answer).toMatchObject({ status: 400, paths: ["body.organizationInfo.website"] });
    expect((await home.request("GET", "/crm/contacts")).body.total).toBe(0);
  });
});

describe("from an event", () => {
  async function register(changes: object = {}): Promise<Body & { httpStatus: number }> {
    const answer = await home.request("POST", "/crm/contacts/from-event", {
      body: { ...REGISTRATION, ...changes },
    });
    expect(answer.status, answer.text).toBeLessThan(300);
    return { ...answer.body, httpStatus: answer.status };
  }

  test("a new contact says where it came from", async () => {
    const { contactId } = await register();
    expect(await show(contactId)).toMatchObject({
      source: "event",
      sourceRef: "k7stu901",
      tags: ["vip", "speaker"],
    });
  });

  test("a known contact keeps where it came from", async () => {
    const { contactId } = await save(DOCUMENTED);
    expect(await register()).toMatchObject({ httpStatus: 200, contactId, isNewContact: false });
    expect(await show(contactId)).toMatchObject({
      source: "api",
      sourceRef: "website-form",
      tags: ["freelancer", "developer", "vip", "speaker"],
    });
  });

  test("who registers twice for an event is on it once", async () => {
    await register();
    await register({ eventName: "Renamed" });
    await register({ eventId: "another" });
    const [contact] = await home.backend.run(async ({ db }) => await db.query("objects").collect());
    const all = await home.backend.run(async ({ db }) => await db.query("objects").collect());
    const registered = all.find(({ type }) => type === "crm_contact")?.customProperties;
    expect(contact).toBeDefined();
    expect(registered).toMatchObject({
      eventRegistrations: [
        { eventId: "k7stu901", eventName: "Renamed" },
        { eventId: "another", eventName: "Tech Conference 2025" },
      ],
    });
  });

  test.each([
    ["without an e-mail", { attendeeInfo: { firstName: "A" } }, "body.attendeeInfo.email"],
    ["with a date as text", { eventDate: "01.01.2025" }, "body.eventDate"],
    ["with a date before the epoch", { eventDate: -1 }, "body.eventDate"],
    [
      "with fields that attendees have not",
      { attendeeInfo: { email: "a@x.test", subtype: "customer" } },
      "body.attendeeInfo.subtype",
    ],
    ["without an event", { eventId: undefined }, "body.eventId"],
  ])("a registration %s is refused", async (_name, changes, path) => {
    const answer = await home.request("POST", "/crm/contacts/from-event", {
      body: { ...REGISTRATION, ...changes },
    });
    expect(answer).toMatchObject({ status: 400, paths: [path] });
  });
});

describe("PATCH", () => {
  test("changes the given fields, keeps the others, and answers the whole contact with its new version", async () => {
    const { contactId } = await save(DOCUMENTED);
    const answer = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { firstName: "Jane", status: "inactive" },
    });
    expect(answer.headers.get("ETag")).toBe('"2"');
    expect(answer.body.data).toEqual(await show(contactId));
    expect(answer.body.data).toMatchObject({
      name: "Jane Doe",
      lastName: "Doe",
      status: "inactive",
      version: 2,
    });
  });

  test.each([
    "firstName",
    "lastName",
    "email",
    "phone",
    "company",
    "jobTitle",
    "sourceRef",
    "notes",
    "address",
    "taxId",
    "crmOrganizationId",
  ])("null clears %s", async (field) => {
    const { contactId } = await save({ ...DOCUMENTED, address: { city: "Berlin" }, taxId: "DE1" });
    const changed = await patch(contactId, { [field]: null });
    expect(changed).toMatchObject({ [field]: null, version: 2 });
  });

  test.each(["subtype", "status", "source", "tags", "customFields"])(
    "null does not clear %s",
    async (field) => {
      const { contactId } = await save(DOCUMENTED);
      const answer = await home.request("PATCH", `/crm/contacts/${contactId}`, {
        body: { [field]: null },
      });
      expect(answer).toMatchObject({ status: 400, paths: [`body.${field}`] });
    },
  );

  test("replaces tags and custom fields as a whole, and may lower the subtype", async () => {
    const { contactId } = await save({ ...DOCUMENTED, subtype: "customer" });
    const body = { tags: ["new"], customFields: { only: 1 }, subtype: "lead" };
    expect(await patch(contactId, body)).toMatchObject(body);
  });

  test("that changes nothing keeps the version and writes nothing", async () => {
    const { contactId } = await save(DOCUMENTED);
    expect(await patch(contactId, {})).toMatchObject({ version: 1 });
    expect(
      await patch(contactId, { firstName: "John", tags: ["freelancer", "developer"] }),
    ).toMatchObject({ version: 1 });
  });

  test("a taken e-mail is EMAIL_EXISTS, with the holder's id, and changes nothing", async () => {
    const holder = await save({ email: "a@x.test" });
    const { contactId } = await save({ email: "b@x.test" });
    const answer = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { email: "A@X.test", notes: "x" },
    });
    expect(answer).toMatchObject({ status: 409, code: "EMAIL_EXISTS" });
    expect(answer.body.error.details).toMatchObject({ path: "body.email", id: holder.contactId });
    expect(await show(contactId)).toMatchObject({ email: "b@x.test", notes: null, version: 1 });
  });

  test("a contact's own e-mail may change its case", async () => {
    const { contactId } = await save({ email: "a@x.test" });
    expect(await patch(contactId, { email: "A@X.test" })).toMatchObject({ email: "A@X.test" });
  });

  test("an e-mail that was given up is free for another", async () => {
    const { contactId } = await save({ email: "a@x.test", lastName: "A" });
    await patch(contactId, { email: null });
    expect(await save({ email: "a@x.test" })).toMatchObject({ isNewContact: true });
  });

  test("links an organization of the tenant, and no other", async () => {
    const other = await newTenant(home.backend);
    const mine = await home.request("POST", "/crm/organizations", { body: { name: "Mine" } });
    const theirs = await other.request("POST", "/crm/organizations", { body: { name: "Theirs" } });
    const { contactId } = await save({ lastName: "A" });
    const foreign = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { crmOrganizationId: theirs.body.data.id },
    });
    const absent = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { crmOrganizationId: "nonsense" },
    });
    expect([foreign.status, foreign.code]).toEqual([absent.status, absent.code]);
    expect(foreign.code).toBe("CRM_ORGANIZATION_NOT_FOUND");
    expect(await patch(contactId, { crmOrganizationId: mine.body.data.id })).toMatchObject({
      crmOrganizationId: mine.body.data.id,
    });
  });

  test("a contact cannot be linked to a contact", async () => {
    const { contactId } = await save({ lastName: "A" });
    const other = await save({ lastName: "B" });
    const answer = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { crmOrganizationId: other.contactId },
    });
    expect(answer.code).toBe("CRM_ORGANIZATION_NOT_FOUND");
  });
});

describe("DELETE", () => {
  test("answers 204, and the contact is gone from gets, lists and search", async () => {
    const { contactId } = await save(DOCUMENTED);
    const answer = await home.request("DELETE", `/crm/contacts/${contactId}`);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect((await home.request("GET", `/crm/contacts/${contactId}`)).code).toBe(
      "CONTACT_NOT_FOUND",
    );
    expect((await home.request("PATCH", `/crm/contacts/${contactId}`, { body: {} })).status).toBe(
      404,
    );
    expect((await home.request("DELETE", `/crm/contacts/${contactId}`)).status).toBe(404);
    for (const query of ["", "?search=john", "?email=john.doe@example.com", "?subtype=lead"]) {
      const { body } = await home.request("GET", `/crm/contacts${query}`);
      expect([query, body.contacts, body.total]).toEqual([query, [], 0]);
    }
  });

  test("leaves a tombstone with the time and the next version", async () => {
    const { contactId } = await save(DOCUMENTED);
    await home.request("DELETE", `/crm/contacts/${contactId}`);
    const all = await home.backend.run(async ({ db }) => await db.query("objects").collect());
    expect(all.find(({ _id }) => _id === contactId)).toMatchObject({
      lifecycle: "deleted",
      version: 2,
      deletedAt: expect.any(Number) as number,
    });
  });

  test("frees the e-mail", async () => {
    const { contactId } = await save({ email: "a@x.test" });
    await home.request("DELETE", `/crm/contacts/${contactId}`);
    const again = await save({ email: "a@x.test" });
    expect(again).toMatchObject({ isNewContact: true, httpStatus: 201 });
    expect(again.contactId).not.toBe(contactId);
  });
});

test("a change does not take away the last of what a contact is found by", async () => {
  const { request } = home;
  const body = { firstName: "Ada", email: "ada@nameless.test" };
  const { contactId } = (await request("POST", "/crm/contacts", { body })).body;
  const path = `/crm/contacts/${contactId}`;
  const nameless = await request("PATCH", path, { body: { firstName: null, email: null } });
  expect(nameless).toMatchObject({ status: 400, paths: ["body.firstName"] });
  const renamed = { firstName: null, email: null, company: "Acme" };
  expect((await request("PATCH", path, { body: renamed })).status).toBe(200);
});
