import { expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { contactType } from "../../convex/types/contact/type";
import { crmOrganizationType, organizationNameKey } from "../../convex/types/crmOrganization/type";
import type { Properties } from "../../convex/ontology/registry";

function contactColumns(
  given: Partial<Properties<"crm_contact">>,
): ReturnType<typeof contactType.columns> {
  const customProperties = { source: "api" as const, tags: [], customFields: [], ...given };
  return contactType.columns({ subtype: "lead", status: "active", customProperties });
}

test.each<[Partial<Properties<"crm_contact">>, string]>([
  [{ firstName: "Ada", lastName: "Lovelace", company: "AE", email: "a@x.test" }, "Ada Lovelace"],
  [{ lastName: "Lovelace" }, "Lovelace"],
  [{ company: "AE", email: "a@x.test" }, "AE"],
  [{ email: "a@x.test" }, "a@x.test"],
  [{}, "Unnamed contact"],
])("a contact of %j is called %s", (properties, name) => {
  expect(contactColumns(properties).name).toBe(name);
});

test("a contact is looked up by its e-mail in lower case, and has no key without one", () => {
  expect(contactColumns({ email: "ADA@X.Test" }).lookupKey).toBe("ada@x.test");
  expect(contactColumns({}).lookupKey).toBeUndefined();
});

test("a contact is found by name, e-mail, phone, company, job and tags, not by notes or tax id", () => {
  const { searched } = contactColumns({
    firstName: "Ada",
    email: "a@x.test",
    phone: "+49 1",
    company: "AE",
    jobTitle: "Countess",
    tags: ["vip"],
    notes: "secret",
    taxId: "DE1",
  });
  const texts = ["Ada", "a@x.test", "+49 1", "AE", "Countess", "vip"];
  expect(searched.map(({ text }) => text)).toEqual(texts);
});

test("a contact's organization is its parent and its only link", () => {
  const crmOrganizationId = "o1" as Id<"objects">;
  expect(contactColumns({ crmOrganizationId })).toMatchObject({
    parentId: "o1",
    links: [{ linkType: "member_of", to: "o1" }],
  });
  expect(contactColumns({}).links).toEqual([]);
});

test.each([
  ["Acme Corp", "  acme   CORP "],
  ["ＡＣＭＥ", "acme"],
  ["Café", "cafe\u0301"],
])("organizations %j and %j have one name", (one, other) => {
  expect(organizationNameKey(one)).toBe(organizationNameKey(other));
});

test("an organization is looked up by its name, and found by what identifies it", () => {
  const customProperties = {
    name: "Acme",
    website: "https://acme.example",
    taxId: "T1",
    tags: ["x"],
    notes: "secret",
    customFields: [],
  };
  const columns = crmOrganizationType.columns({
    subtype: "customer",
    status: "active",
    customProperties,
  });
  expect(columns).toMatchObject({ name: "Acme", lookupKey: "acme", links: [] });
  expect(columns.searched.map(({ text }) => text)).toEqual([
    ...["Acme", "https://acme.example", "T1", "x"],
  ]);
});
