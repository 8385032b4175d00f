import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Body } from "../helpers/answer";
import {
  allContacts,
  differencesOf,
  SHARED,
  sharedFile,
  type Site,
  startSite,
} from "../helpers/site";

type Customer = Record<
  | "FirstName"
  | "LastName"
  | "Company"
  | "Address"
  | "City"
  | "State"
  | "Country"
  | "PostalCode"
  | "Phone"
  | "Email",
  string
>;

const file = sharedFile("data/chinook/customers.json");
const customers = JSON.parse(file ?? "[]") as Customer[];

let site: Site;
let data: string;

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-customers-"));
  site = await startSite({ data });
});
afterAll(async () => {
  await site.server.remove();
});

function bodyOf(customer: Customer): object {
  const given = (fields: Record<string, string>): object =>
    Object.fromEntries(
      Object.entries(fields)
        .map(([name, value]) => [name, value.trim()])
        .filter(([, value]) => value !== ""),
    ) as object;
  const { FirstName, LastName, Email, Phone, Company, Address, City, State, Country, PostalCode } =
    customer;
  return {
    ...given({
      firstName: FirstName,
      lastName: LastName,
      email: Email,
      phone: Phone,
      company: Company,
    }),
    subtype: "customer",
    tags: [Country],
    address: given({
      street: Address,
      city: City,
      state: State,
      country: Country,
      postalCode: PostalCode,
    }),
    ...(Company === "" ? {} : { organizationInfo: { name: Company } }),
  };
}

describe.skipIf(file === null)("the 59 customers of ../shared/data/chinook/customers.json", () => {
  const ids = new Map<string, string>();

  test("are created, each once, however often they are sent", async () => {
    expect(customers).toHaveLength(59);
    for (const customer of customers) {
      const { status, body } = await site.request("POST", "/crm/contacts", {
        body: bodyOf(customer),
      });
      expect([status, body.isNewContact]).toEqual([201, true]);
      ids.set(customer.Email, body.contactId);
    }
    for (const customer of customers) {
      const { status, body } = await site.request("POST", "/crm/contacts", {
        body: bodyOf(customer),
      });
      expect([status, body.contactId]).toEqual([200, ids.get(customer.Email)]);
    }
    expect((await allContacts(site.request)).length).toBe(59);
  });

  test("come back with every name and address as it was", async () => {
    for (const customer of customers) {
      const { body } = await site.request("GET", `/crm/contacts/${ids.get(customer.Email) ?? ""}`);
      const { organizationInfo: _info, ...expected } = bodyOf(customer) as {
        organizationInfo?: object;
      };
      expect(body).toMatchObject(expected);
      expect(body.name).toBe(`${customer.FirstName} ${customer.LastName}`);
    }
  });

  test("their companies are organizations, each with its people", async () => {
    const companies = [
      ...new Set(customers.map(({ Company }) => Company).filter((name) => name !== "")),
    ];
    const { body } = await site.request("GET", "/crm/organizations?limit=200");
    expect(body.data.map(({ name }) => name).sort()).toEqual(companies.sort());
    for (const { id, name } of body.data) {
      const people = (await site.request("GET", `/crm/organizations/${id}/contacts`)).body;
      expect(people.meta.total).toBe(customers.filter(({ Company }) => Company === name).length);
    }
  });

  test("list the same by cursor, by offset and by page", async () => {
    const names = (rows: readonly Body[]): string[] => rows.map(({ email }) => email ?? "");
    const newestFirst = customers.map(({ Email }) => Email).reverse();
    const byCursor: string[] = [];
    let cursor: string | null = null;
    do {
      const at: string = cursor === null ? "" : `&cursor=${cursor}`;
      const { body } = await site.request("GET", `/crm/contacts?limit=10${at}`);
      byCursor.push(...names(body.contacts));
      cursor = body.nextCursor;
    } while (cursor !== null);
    const byOffset: string[] = [];
    const byPage: string[] = [];
    for (let page = 1; page <= 6; page++) {
      const one = (await site.request("GET", `/crm/contacts?limit=10&page=${page}`)).body;
      const two = (await site.request("GET", `/crm/contacts?limit=10&offset=${(page - 1) * 10}`))
        .body;
      expect([one.total, two.total]).toEqual([59, 59]);
      byPage.push(...names(one.contacts));
      byOffset.push(...names(two.contacts));
    }
    expect(byCursor).toEqual(newestFirst);
    expect(byOffset).toEqual(newestFirst);
    expect(byPage).toEqual(newestFirst);
  });

  test("are found by name, company and country", async () => {
    for (const [search, email] of [
      ["Luís", "luisg@embraer.com.br"],
      ["Embraer", "luisg@embraer.com.br"],
      ["Köhler", "leonekohler@surfeu.de"],
      ["tremblay", "ftremblay@gmail.com"],
    ] as const) {
      const { body } = await site.request(
        "GET",
        `/crm/contacts?${new URLSearchParams({ search }).toString()}`,
      );
      expect(body.contacts.map((contact) => contact.email)).toContain(email);
    }
    const germans = customers
      .filter(({ Country }) => Country === "Germany")
      .map(({ Email }) => Email);
    const { body } = await site.request("GET", "/crm/contacts?search=Germany");
    expect(body.contacts.map(({ email }) => email).sort()).toEqual(germans.sort());
  });

  test("change and go, and are so after a restart of the server", async () => {
    const [first = "", second = ""] = customers.map(({ Email }) => ids.get(Email) ?? "");
    const patched = await site.request("PATCH", `/crm/contacts/${first}`, {
      body: { jobTitle: "Director", phone: null, status: "inactive" },
      headers: { "If-Match": '"1"' },
    });
    expect(patched.body.data).toMatchObject({ jobTitle: "Director", phone: null, version: 2 });
    expect((await site.request("DELETE", `/crm/contacts/${second}`)).status).toBe(204);
    const before = await allContacts(site.request);

    expect(await site.server.stop()).toEqual({ code: 0, signal: null });
    site = await startSite({ data });
    expect(await allContacts(site.request)).toEqual(before);
    expect(before).toHaveLength(58);
    expect((await site.request("GET", `/crm/contacts/${first}`)).body).toEqual(patched.body.data);
    expect((await site.request("GET", `/crm/contacts/${second}`)).code).toBe("CONTACT_NOT_FOUND");
    expect((await allContacts(site.request, "status=inactive")).map(({ id }) => id)).toEqual([
      first,
    ]);
    expect((await site.request("GET", "/crm/contacts?search=Köhler")).body.total).toBe(0);
  });

  test("have their audit entries and events, and every link its two ends", async () => {
    const { checked, differences } = await differencesOf(site);
    expect(checked).toBeGreaterThanOrEqual(59);
    expect(differences).toEqual([]);
  });
});

test("a restart keeps demo.json and its key, and gives the present addresses", async () => {
  const { demo } = site;
  await site.server.stop();
  site = await startSite({ data });
  expect(site.demo).toEqual({
    ...demo,
    siteUrl: site.server.siteUrl,
    cloudUrl: site.server.cloudUrl,
  });
  expect((await site.request("GET", "/organization")).body.data.id).toBe(demo.organizationId);
});

test("demo.json has the documented contents, for its owner's eyes alone", async () => {
  expect(site.demo).toEqual({
    organizationId: expect.any(String) as string,
    apiKey: expect.stringMatching(/^fh_live_/) as string,
    staff: {
      email: expect.stringContaining("@") as string,
      password: expect.stringMatching(/^.{32}A1$/) as string,
      sessionToken: expect.stringMatching(/^fh_session_/) as string,
    },
    siteUrl: site.server.siteUrl,
    cloudUrl: site.server.cloudUrl,
  });
  expect((await stat(path.join(data, "demo.json"))).mode & 0o777).toBe(0o600);
  const staff = await site.request("GET", "/organization", { token: site.demo.staff.sessionToken });
  expect(staff.body.data.id).toBe(site.demo.organizationId);
});

describe("the client class that source document 002 prints", () => {
  const sources = path.join(SHARED, "spec/sources");
  const name = existsSync(sources)
    ? readdirSync(sources).find((entry) => entry.startsWith("002"))
    : undefined;
  const printed = name === undefined ? null : sharedFile(path.join("spec/sources", name));

  type Contacts = { contacts: Body[]; total: number; limit: number; offset: number };
  type ApiClient = {
    getContacts(filters?: object): Promise<Contacts>;
    createContact(data: object): Promise<Body>;
  };

  test.skipIf(printed === null)("works unchanged, for contacts", async () => {
    const source = /^export class ApiClient \{\n[\s\S]*?\n\}\n/m.exec(printed ?? "")?.[0] ?? "";
    expect(source).toContain("createContact");
    const { code } = await transform(source, { loader: "ts", format: "esm" });
    const folder = await mkdtemp(path.join(tmpdir(), "freehold-client-"));
    const module = path.join(folder, "client.mjs");
    await writeFile(module, code);
    const { ApiClient } = (await import(/* @vite-ignore */ pathToFileURL(module).href)) as {
      ApiClient: new (baseUrl: string, apiKey: string) => ApiClient;
    };
    await rm(folder, { recursive: true });
    const client = new ApiClient(site.server.siteUrl, site.demo.apiKey);

    const made = await client.createContact({
      firstName: "John",
      lastName: "Doe",
      email: "john.doe@example.com",
      subtype: "lead",
    });
    expect(made).toMatchObject({
      success: true,
      isNewContact: true,
      message: "Contact created successfully",
    });
    const all = await client.getContacts({ status: "active", limit: 50 });
    expect(all).toMatchObject({ limit: 50, offset: 0 });
    expect(all.contacts.map(({ id }) => id)).toContain(made.contactId);
    expect((await client.getContacts()).total).toBeGreaterThan(0);
    const leads = await client.getContacts({ subtype: "lead", source: "api", offset: 0 });
    expect(leads.contacts).toMatchObject([{ id: made.contactId, name: "John Doe" }]);
  });
});
