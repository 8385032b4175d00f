import { beforeAll, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { newToken } from "../../convex/kit/tokens";
import { type Fixture, newBackend, newMember, newTenant, type Tenant } from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";

const crm = api.crmOntology;
const page = { paginationOpts: { numItems: 2, cursor: null } };

let home: Fixture;
let other: Tenant;
/** In the order of their creation. */
let contacts: string[];
let crmOrgId: string;
let theirs: { contactId: string; crmOrgId: string };

beforeAll(async () => {
  home = await newBackend();
  other = await newTenant(home.backend);
  const add = async (
    tenant: Tenant,
    body: object,
  ): Promise<{ contactId: string; crmOrgId: string }> => {
    const answer = (await tenant.request("POST", "/crm/contacts", { body })).body;
    return { contactId: answer.contactId, crmOrgId: answer.crmOrganizationId };
  };
  const acme = { organizationInfo: { name: "Acme" } };
  const made = [
    await add(home, { firstName: "Ada", subtype: "lead", ...acme }),
    await add(home, { firstName: "Bob", subtype: "customer", status: "inactive" }),
    await add(home, {
      firstName: "Adam",
      subtype: "customer",
      customFields: { größe: 1 },
      ...acme,
    }),
  ];
  contacts = made.map(({ contactId }) => contactId);
  crmOrgId = made[0]?.crmOrgId ?? "";
  theirs = await add(other, { firstName: "Ada", ...acme });
  const gone = await add(home, { firstName: "Ada" });
  await home.request("DELETE", `/crm/contacts/${gone.contactId}`);
});

const ids = (rows: { _id: string }[]): string[] => rows.map(({ _id }) => _id);
const own = (): { sessionId: string; organizationId: Id<"organizations"> } => ({
  sessionId: home.sessionToken,
  organizationId: home.organizationId,
});

/** Every live function, called by this session for this tenant's objects. */
function calls(
  sessionId: string,
  tenant: { organizationId: Id<"organizations">; contactId: string; crmOrgId: string },
): [string, Promise<unknown>][] {
  const { organizationId, contactId, crmOrgId } = tenant;
  const all = { sessionId, organizationId };
  const { backend } = home;
  return [
    ["getContacts", backend.query(crm.getContacts, all)],
    ["getContactsPaginated", backend.query(crm.getContactsPaginated, { ...all, ...page })],
    ["getContact", backend.query(crm.getContact, { sessionId, contactId })],
    ["searchContacts", backend.query(crm.searchContacts, { ...all, searchTerm: "ada" })],
    ["getCrmOrganizations", backend.query(crm.getCrmOrganizations, all)],
    [
      "getCrmOrganizationsPaginated",
      backend.query(crm.getCrmOrganizationsPaginated, { ...all, ...page }),
    ],
    ["getCrmOrganization", backend.query(crm.getCrmOrganization, { sessionId, crmOrgId })],
    [
      "getContactsByOrganization",
      backend.query(crm.getContactsByOrganization, { sessionId, crmOrgId }),
    ],
    [
      "getContactsByOrganizationPaginated",
      backend.query(crm.getContactsByOrganizationPaginated, { sessionId, crmOrgId, ...page }),
    ],
  ];
}
const mine = (): Parameters<typeof calls>[1] => ({
  organizationId: home.organizationId,
  contactId: contacts[0] ?? "",
  crmOrgId,
});
const foreign = (): Parameters<typeof calls>[1] => ({
  organizationId: other.organizationId,
  ...theirs,
});

test("every public function of the module is called here", async () => {
  const module = await import("../../convex/crmOntology");
  const called = calls(home.sessionToken, mine());
  await Promise.all(called.map(([, result]) => result));
  expect(called.map(([name]) => name).sort()).toEqual(Object.keys(module).sort());
});

describe("the caller", () => {
  test.each([
    ["nonsense", () => "nonsense"],
    ["empty", () => ""],
    ["an unknown session", () => newToken("session")],
    ["an API key", () => home.apiKey],
  ])("with a sessionId that is %s is UNAUTHORIZED everywhere", async (_name, sessionId) => {
    for (const [name, result] of calls(sessionId(), mine())) {
      expect([name, (await refusalOf(result)).code]).toEqual([name, "UNAUTHORIZED"]);
    }
  });

  test("of another tenant is FORBIDDEN where they name the organization, and finds no object where they name that", async () => {
    for (const [name, result] of calls(home.sessionToken, foreign())) {
      const { code } = await refusalOf(result);
      const namesObject = /^(getContact|getCrmOrganization|getContactsByOrganization.*)$/.test(
        name,
      );
      expect([name, code]).toEqual([
        name,
        namesObject ? expect.stringMatching(/^(CONTACT|CRM_ORGANIZATION)_NOT_FOUND$/) : "FORBIDDEN",
      ]);
    }
  });

  test("who is a viewer may read all of it", async () => {
    const { organizationId } = home;
    const viewer = await newMember(home.backend, [{ organizationId, role: "viewer" }]);
    await Promise.all(calls(viewer.sessionToken, mine()).map(([, result]) => result));
  });

  test("who is only invited may not", async () => {
    const { organizationId } = home;
    const guest = await newMember(home.backend, [
      { organizationId, role: "owner", status: "invited" },
    ]);
    for (const [name, result] of calls(guest.sessionToken, mine())) {
      expect([name, (await refusalOf(result)).code]).toEqual([
        name,
        expect.stringMatching(/^FORBIDDEN$|_NOT_FOUND$/),
      ]);
    }
  });

  test("who belongs to several organizations reads each by its name", async () => {
    const member = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "viewer" },
      { organizationId: other.organizationId, role: "viewer" },
    ]);
    for (const tenant of [mine(), foreign()]) {
      await Promise.all(calls(member.sessionToken, tenant).map(([, result]) => result));
    }
  });
});

describe("contacts", () => {
  test("come newest first, without deleted ones, as records of the ontology", async () => {
    const rows = await home.backend.query(crm.getContacts, own());
    expect(ids(rows)).toEqual([...contacts].reverse());
    expect(rows[0]).toMatchObject({
      type: "crm_contact",
      subtype: "customer",
      name: "Adam",
      customProperties: {
        ...{ firstName: "Adam", tags: [] },
        customFields: { [encodeURIComponent("größe")]: 1 },
      },
    });
  });

  test("filter by subtype, by status and by both", async () => {
    const [ada, bob, adam] = contacts;
    expect(
      ids(await home.backend.query(crm.getContacts, { ...own(), subtype: "customer" })),
    ).toEqual([adam, bob]);
    expect(ids(await home.backend.query(crm.getContacts, { ...own(), status: "active" }))).toEqual([
      adam,
      ada,
    ]);
    const both = { ...own(), subtype: "customer", status: "inactive" } as const;
    expect(ids(await home.backend.query(crm.getContacts, both))).toEqual([bob]);
  });

  test("page to the end", async () => {
    const first = await home.backend.query(crm.getContactsPaginated, { ...own(), ...page });
    const paginationOpts = { numItems: 2, cursor: first.continueCursor };
    const rest = await home.backend.query(crm.getContactsPaginated, { ...own(), paginationOpts });
    expect([...ids(first.page), ...ids(rest.page)]).toEqual([...contacts].reverse());
    expect(rest.isDone).toBe(true);
  });

  test("are found by text, in the tenant alone", async () => {
    const found = await home.backend.query(crm.searchContacts, { ...own(), searchTerm: "ADA" });
    expect(ids(found).sort()).toEqual([contacts[0], contacts[2]].sort());
  });

  test("are found up to a limit", async () => {
    const found = await home.backend.query(crm.searchContacts, {
      ...own(),
      searchTerm: "ada",
      limit: 1,
    });
    expect(found).toHaveLength(1);
    expect(
      await home.backend.query(crm.searchContacts, { ...own(), searchTerm: "ada", limit: 1e9 }),
    ).toHaveLength(2);
  });

  test.each([-1, 0.5, Number.NaN])("a limit of %d is refused with a reason", async (limit) => {
    const found = home.backend.query(crm.searchContacts, { ...own(), searchTerm: "ada", limit });
    expect((await refusalOf(found)).code).toBe("VALIDATION_ERROR");
  });

  test.each(["", " ", "!!!"])("nothing is found by %j", async (searchTerm) => {
    expect(await home.backend.query(crm.searchContacts, { ...own(), searchTerm })).toEqual([]);
  });

  test("of an organization are those that are linked to it", async () => {
    const args = { sessionId: home.sessionToken, crmOrgId };
    const expected = [contacts[2], contacts[0]];
    expect(ids(await home.backend.query(crm.getContactsByOrganization, args))).toEqual(expected);
    const paged = await home.backend.query(crm.getContactsByOrganizationPaginated, {
      ...args,
      ...page,
    });
    expect(ids(paged.page)).toEqual(expected);
  });
});

test.each(["nonsense", ""])("an object with the id %j is not found", async (id) => {
  const { backend, sessionToken: sessionId } = home;
  expect((await refusalOf(backend.query(crm.getContact, { sessionId, contactId: id }))).code).toBe(
    "CONTACT_NOT_FOUND",
  );
  expect(
    (await refusalOf(backend.query(crm.getCrmOrganization, { sessionId, crmOrgId: id }))).code,
  ).toBe("CRM_ORGANIZATION_NOT_FOUND");
});

test("a contact is no organization, and the other way round", async () => {
  const { backend, sessionToken: sessionId } = home;
  const asContact = backend.query(crm.getContact, { sessionId, contactId: crmOrgId });
  const asOrganization = backend.query(crm.getCrmOrganization, {
    sessionId,
    crmOrgId: contacts[0] ?? "",
  });
  expect((await refusalOf(asContact)).code).toBe("CONTACT_NOT_FOUND");
  expect((await refusalOf(asOrganization)).code).toBe("CRM_ORGANIZATION_NOT_FOUND");
});

test("organizations filter by subtype and status", async () => {
  expect(
    ids(await home.backend.query(crm.getCrmOrganizations, { ...own(), subtype: "customer" })),
  ).toEqual([crmOrgId]);
  expect(
    await home.backend.query(crm.getCrmOrganizations, { ...own(), status: "inactive" }),
  ).toEqual([]);
});

test("a live list is sorted as its route is, and refuses another order by name", async () => {
  const home = await newBackend();
  for (const name of ["Beta", "Alpha"]) {
    await home.request("POST", "/projects", { body: { subtype: "internal", name } });
  }
  const at = { sessionId: home.sessionToken, organizationId: home.organizationId };
  const named = await home.backend.query(api.projectOntology.getProjects, { ...at, sort: "name" });
  expect(named.map(({ name }) => name)).toEqual(["Alpha", "Beta"]);
  const refused = home.backend.query(api.projectOntology.getProjects, { ...at, sort: "colour" });
  expect(await refusalOf(refused)).toMatchObject({ code: "VALIDATION_ERROR" });
});
