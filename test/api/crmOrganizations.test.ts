import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, newBackend } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

const FULL = {
  name: "Acme",
  subtype: "partner",
  status: "inactive",
  website: "https://acme.example",
  industry: "Tools",
  address: { street: "Main St 1", city: "Berlin", state: "BE", postalCode: "10115", country: "DE" },
  taxId: "T1",
  billingEmail: "billing@acme.example",
  phone: "+49 1",
  notes: "n",
  tags: ["a"],
  customFields: { größe: 1 },
};

async function create(body: object = FULL): Promise<string> {
  const answer = await home.request("POST", "/crm/organizations", { body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data.id;
}
async function member(crmOrganizationId: string, lastName = "Doe"): Promise<string> {
  const { body } = await home.request("POST", "/crm/contacts", { body: { lastName } });
  await home.request("PATCH", `/crm/contacts/${body.contactId}`, { body: { crmOrganizationId } });
  return body.contactId;
}

test("what is created is what is shown", async () => {
  const created = await home.request("POST", "/crm/organizations", { body: FULL });
  expect(created.headers.get("ETag")).toBe('"1"');
  expect(created.body.data).toMatchObject({ ...FULL, version: 1 });
  const shown = await home.request("GET", `/crm/organizations/${created.body.data.id}`);
  expect(shown.body.data).toEqual(created.body.data);
});

test("a name is all that it needs", async () => {
  const { body } = await home.request(
    "GET",
    `/crm/organizations/${await create({ name: "Acme" })}`,
  );
  expect(body.data).toMatchObject({
    subtype: "customer",
    status: "active",
    website: null,
    tags: [],
    customFields: {},
  });
});

test("two organizations may have one name", async () => {
  expect(await create({ name: "Acme" })).not.toBe(await create({ name: "Acme" }));
});

describe("PATCH", () => {
  test("changes the given fields and keeps the others", async () => {
    const path = `/crm/organizations/${await create()}`;
    const { body } = await home.request("PATCH", path, { body: { name: "Other", tags: [] } });
    expect(body.data).toMatchObject({ ...FULL, name: "Other", tags: [], version: 2 });
  });

  test.each(["website", "industry", "address", "taxId", "billingEmail", "phone", "notes"])(
    "null clears %s",
    async (field) => {
      const { body } = await home.request("PATCH", `/crm/organizations/${await create()}`, {
        body: { [field]: null },
      });
      expect(body.data).toMatchObject({ [field]: null });
    },
  );

  test.each(["name", "subtype", "status", "tags", "customFields"])(
    "null does not clear %s",
    async (field) => {
      const answer = await home.request("PATCH", `/crm/organizations/${await create()}`, {
        body: { [field]: null },
      });
      expect(answer).toMatchObject({ status: 400, paths: [`body.${field}`] });
    },
  );
});

describe("DELETE", () => {
  test("an organization with contacts stays, and the answer lists them", async () => {
    const id = await create();
    const contacts = [await member(id), await member(id)];
    const answer = await home.request("DELETE", `/crm/organizations/${id}`);
    expect(answer).toMatchObject({ status: 409, code: "CONFLICT" });
    expect([...answer.body.error.details.links].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
      contacts
        .sort()
        .map((contact) => ({ id: contact, type: "crm_contact", linkType: "member_of" })),
    );
    expect((await home.request("GET", `/crm/organizations/${id}`)).status).toBe(200);
  });

  test.each(["unlinked", "deleted", "moved"])(
    "it goes when its last contact is %s",
    async (how) => {
      const id = await create();
      const path = `/crm/contacts/${await member(id)}`;
      if (how === "deleted") await home.request("DELETE", path);
      else {
        const crmOrganizationId = how === "moved" ? await create({ name: "Other" }) : null;
        await home.request("PATCH", path, { body: { crmOrganizationId } });
      }
      expect((await home.request("DELETE", `/crm/organizations/${id}`)).status).toBe(204);
      const gone = await home.request("GET", `/crm/organizations/${id}`);
      expect(gone).toMatchObject({ status: 404, code: "CRM_ORGANIZATION_NOT_FOUND" });
      expect((await home.request("GET", `/crm/organizations/${id}/contacts`)).status).toBe(404);
    },
  );

  test("organizationInfo of a deleted organization's name makes a new one", async () => {
    const id = await create({ name: "Acme" });
    await home.request("DELETE", `/crm/organizations/${id}`);
    const { body } = await home.request("POST", "/crm/contacts", {
      body: { lastName: "A", organizationInfo: { name: "Acme" } },
    });
    expect(body.crmOrganizationId).not.toBe(id);
  });
});

describe("its contacts", () => {
  test("are those that are linked to it, newest first, with an exact total", async () => {
    const [id, other] = [await create(), await create({ name: "Other" })];
    const first = await member(id, "First");
    await member(other);
    const second = await member(id, "Second");
    const { body } = await home.request("GET", `/crm/organizations/${id}/contacts`);
    expect(body.data.map((contact) => contact.id)).toEqual([second, first]);
    expect(body.meta).toMatchObject({ total: 2, limit: 50, nextCursor: null });
  });

  test("are the ones that the contacts' own filter finds", async () => {
    const id = await create();
    await member(id);
    const { body } = await home.request("GET", `/crm/contacts?crmOrganizationId=${id}`);
    const own = await home.request("GET", `/crm/organizations/${id}/contacts`);
    expect(body.contacts).toEqual(own.body.data);
    expect(body.total).toBe(1);
  });

  test("page by cursor", async () => {
    const id = await create();
    const made = [await member(id), await member(id), await member(id)];
    const path = `/crm/organizations/${id}/contacts?limit=2`;
    const first = (await home.request("GET", path)).body;
    const rest = (await home.request("GET", `${path}&cursor=${first.meta.nextCursor ?? ""}`)).body;
    expect([...first.data, ...rest.data].map((contact) => contact.id)).toEqual(made.reverse());
    expect(rest.meta.nextCursor).toBeNull();
  });
});
