import { beforeAll, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { changedFieldsIn, dataIn, previousIn } from "../../convex/ontology/eventData";
import { type Fixture, newBackend } from "../helpers/backend";
import { projectType } from "../../convex/types/project/type";
import { refusalOf } from "../helpers/refusal";
import { created, invoice } from "../invoicing/books";

/** A record is shown in one form, whoever asks for it and however. */
let home: Fixture;
let contactId: string;
let crmOrgId: string;
let projectId: string;
let invoiceId: string;

const NAMES_OF_OURS = projectType.map.fields;
const OWN = { größe: "L", plain: [1, { tiefe: true }] };
/** As Convex passes the names. */
const PASSED = { [encodeURIComponent("größe")]: "L", plain: [1, { tiefe: true }] };

beforeAll(async () => {
  home = await newBackend();
  const { body } = await home.request("POST", "/crm/contacts", {
    body: { email: "ada@x.test", customFields: OWN, organizationInfo: { name: "Acme" } },
  });
  ({ contactId, crmOrganizationId: crmOrgId } = body);
  await home.request("PATCH", `/crm/organizations/${crmOrgId}`, { body: { customFields: OWN } });
  const idOf = async (path: string, body: object): Promise<string> =>
    created(await home.request("POST", path, { body })).id;
  projectId = await idOf("/projects", {
    ...{ name: "Site", subtype: "client_project", contactIds: [contactId] },
    customProperties: OWN,
  });
  invoiceId = await idOf(
    "/invoices",
    invoice({ billTo: { contactId }, projectId, customFields: OWN }),
  );
});

type Shown = Record<string, unknown>;

async function rest(path: string): Promise<Shown> {
  const { body } = await home.request("GET", path);
  return (body.data ?? body) as unknown as Shown;
}

/** What the latest event of the object says, as a webhook tells it. */
async function told(objectId: string): Promise<{ data: Shown; previous: Shown | undefined }> {
  const events = await home.backend.run(async ({ db }) => await db.query("events").collect());
  const event = events.findLast((each) => each.objectId === objectId);
  if (!event) throw new Error(`Nothing was told of ${objectId}.`);
  return { data: dataIn(event), previous: previousIn(event) };
}

async function pulled(objectId: string): Promise<Shown> {
  const { body } = await home.request("GET", "/sync/pull");
  const { changes } = body.data as unknown as { changes: { id: string; data: Shown }[] };
  return changes.find(({ id }) => id === objectId)?.data ?? {};
}

function withPassedNames(record: Shown): Shown {
  const { customFields, customProperties, ...others } = record as Record<string, Shown>;
  if (customFields) return { ...others, customFields: PASSED };
  const { größe: _name, customFields: nested, ...named } = customProperties ?? {};
  const own = nested ? { customFields: PASSED } : PASSED;
  return { ...others, customProperties: { ...named, ...own } };
}

/** Without what routes of flat records say of fields that have no value, and who they are stored as. */
function withoutNull({ _id, type: _type, createdBy: _by, ...record }: Shown): Shown {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

describe("what a live function answers is what the route does, but for names that Convex refuses", () => {
  test("of a project and an invoice", async () => {
    const { sessionToken: sessionId, backend } = home;
    const project = await backend.query(api.projectOntology.getProject, { sessionId, projectId });
    expect(project).toEqual(withPassedNames(await rest(`/projects/${projectId}`)));
    const invoice = await backend.query(api.invoicingOntology.getInvoice, { sessionId, invoiceId });
    expect(invoice).toEqual(withPassedNames(await rest(`/invoices/${invoiceId}`)));
  });

  test("of a contact and a CRM organization, flat, and with what has a value in customProperties too", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    const contact = await backend.query(api.crmOntology.getContact, { sessionId, contactId });
    const acme = await backend.query(api.crmOntology.getCrmOrganization, { sessionId, crmOrgId });
    const flat = [
      withPassedNames(await rest(`/crm/contacts/${contactId}`)),
      withPassedNames(await rest(`/crm/organizations/${crmOrgId}`)),
    ];
    for (const [index, live] of [contact, acme].entries()) {
      const { customProperties, _id, type, createdBy, ...stamped } = live;
      const record = flat[index] ?? {};
      expect(live).toMatchObject({ ...record, organizationId });
      expect(stamped).not.toHaveProperty("_creationTime");
      expect(withoutNull(record)).toMatchObject(customProperties);
      expect([_id, type, createdBy]).toEqual([
        live.id,
        index === 0 ? "crm_contact" : "crm_organization",
        expect.any(String),
      ]);
    }
  });

  test("and what was read can be written back: it changes nothing", async () => {
    const { sessionToken: sessionId, backend } = home;
    const odd = { ...OWN, "100%": 1, "a%20b": 2, toString: { ü: 3 } };
    const body = { name: "Odd", subtype: "internal", customProperties: odd };
    const made = created(await home.request("POST", "/projects", { body }));
    const at = { sessionId, projectId: made.id };
    const { customProperties } = await backend.query(api.projectOntology.getProject, at);
    const read = customProperties as Record<string, unknown>;
    const names = Object.keys(read).filter((name) => !Object.hasOwn(NAMES_OF_OURS, name));
    const own = Object.fromEntries(names.map((name) => [name, read[name]]));
    const updates = { customProperties: own };
    const after = await backend.mutation(api.projectOntology.updateProject, { ...at, updates });
    expect(after.version).toBe(1);
    expect((await rest(`/projects/${made.id}`)).customProperties).toMatchObject(odd);
  });

  test("a page's size that is none names its argument", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    const asked = (numItems: number): Promise<unknown> =>
      backend.query(api.projectOntology.getProjectsPaginated, {
        ...{ sessionId, organizationId, paginationOpts: { numItems, cursor: null } },
      });
    for (const numItems of [0, -5, 1.5]) {
      expect(await refusalOf(asked(numItems))).toMatchObject({
        ...{ code: "VALIDATION_ERROR", details: [{ path: "paginationOpts.numItems" }] },
      });
    }
    expect(await asked(1e9)).toMatchObject({ isDone: true });
  });

  test("and can be printed as JSON", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    const all = { sessionId, organizationId };
    for (const rows of [
      await backend.query(api.crmOntology.getContacts, all),
      await backend.query(api.crmOntology.getCrmOrganizations, all),
      (await backend.query(api.projectOntology.getProjects, all)).slice(0, 1),
      await backend.query(api.invoicingOntology.listInvoices, all),
    ]) {
      expect(rows).toHaveLength(1);
      expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
    }
  });

  test("a value too wide for Convex is its JSON text, and a name too long stays one of its own", async () => {
    const wide = Array.from({ length: 9000 }, () => 0);
    const [long, other] = ["界".repeat(199) + "a", "界".repeat(199) + "b"];
    const { body } = await home.request("POST", "/crm/contacts", {
      body: { lastName: "Wide", customFields: { wide, [long]: 1, [other]: 2 } },
    });
    const contact = await home.backend.query(api.crmOntology.getContact, {
      ...{ sessionId: home.sessionToken, contactId: body.contactId },
    });
    const { wide: passed, ...named } = contact.customProperties.customFields;
    expect(passed).toBe(JSON.stringify(wide));
    expect(Object.values(named).sort()).toEqual([1, 2]);
    expect(Object.keys(named).every((name) => name.length <= 1024)).toBe(true);
    const starts = Object.keys(named).map((name) => decodeURIComponent(name).slice(0, 100));
    expect(starts).toEqual(["界".repeat(100), "界".repeat(100)]);
  });
});

describe("what a webhook says is what the route does", () => {
  test("of each type", async () => {
    const shown = [await told(projectId), await told(invoiceId), await told(crmOrgId)].map(
      ({ data }) => data,
    );
    expect(shown).toEqual([
      await rest(`/projects/${projectId}`),
      await rest(`/invoices/${invoiceId}`),
      await rest(`/crm/organizations/${crmOrgId}`),
    ]);
    expect((await told(contactId)).data).toMatchObject(await rest(`/crm/contacts/${contactId}`));
  });

  test("and what was before stands where it stood", async () => {
    const budget = { amount: 5, currency: "EUR" };
    const body = { progress: 10, budget, customProperties: { ...OWN, plain: 2 } };
    await home.request("PATCH", `/projects/${projectId}`, { body });
    expect((await told(projectId)).previous).toEqual({
      customProperties: { progress: 0, budget: null, plain: OWN.plain },
    });
    const odd = { customProperties: { ...body.customProperties, toString: 1, constructor: 2 } };
    await home.request("PATCH", `/projects/${projectId}`, { body: odd });
    expect(Object.entries((await told(projectId)).previous?.customProperties ?? {})).toEqual([
      ["toString", null],
      ["constructor", null],
    ]);
    await home.request("PATCH", `/crm/contacts/${contactId}`, { body: { jobTitle: "X" } });
    expect((await told(contactId)).previous).toEqual({ jobTitle: null });
  });
});

test("what a device pulls is the record, with its fields in customProperties", async () => {
  const { subtype, name, status, description, customProperties } = await rest(
    `/projects/${projectId}`,
  );
  expect(await pulled(projectId)).toEqual({
    ...{ subtype, name, status, description, customProperties },
  });
  const contact = await rest(`/crm/contacts/${contactId}`);
  const { customProperties: fields } = (await pulled(contactId)) as { customProperties: Shown };
  for (const [field, value] of Object.entries(fields))
    expect([field, value]).toEqual([field, contact[field]]);
  expect(fields).toMatchObject({ email: "ada@x.test", customFields: OWN });
});

test("an event of an earlier version, whose data is no text, is told as it was kept", () => {
  const data = { id: "1", type: "crm_contact", firstName: "Ada" };
  const event = { objectType: "crm_contact", data, previous: { firstName: "Eva", notes: null } };
  expect(dataIn(event)).toEqual(data);
  expect(previousIn(event)).toEqual({ firstName: "Eva", notes: null });
  expect(changedFieldsIn(event)).toEqual(["firstName", "notes"]);
});

test("a reference that names nothing is named, wherever it was sent", async () => {
  const body = { name: "P", subtype: "internal", contactIds: [contactId, "nobody"] };
  const answer = await home.request("POST", "/projects", { body });
  expect([answer.status, answer.body.error]).toEqual([
    404,
    expect.objectContaining({ code: "CONTACT_NOT_FOUND", details: { path: "body.contactIds.1" } }),
  ]);
  const change = { body: { crmOrganizationId: "none" } };
  const other = await home.request("PATCH", `/crm/contacts/${contactId}`, change);
  expect(other.body.error).toMatchObject({ details: { path: "body.crmOrganizationId" } });
});
