import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { GRANTS, type Grant } from "../../convex/kit/scopes";
import type { Body, Request } from "../helpers/answer";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { line } from "../invoicing/books";
import { contact, draftProject, portalToken, project } from "../portal/portal";

type Hit = {
  type: string;
  id: string;
  title: string;
  subtitle: string | null;
  projectId: string | null;
  score: number;
  highlights: { field: string; text: string; ranges: [number, number][] }[];
};

let home: Fixture;
beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  home = await newBackend();
});

async function hits(request: Request, q: string, more = ""): Promise<Hit[]> {
  const answer = await request("GET", `/search?q=${encodeURIComponent(q)}${more}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Hit[];
}

function marked(hit: Hit | undefined): string[][] {
  return (hit?.highlights ?? []).map(({ field, text, ranges }) => [
    field,
    ...ranges.map(([start, end]) => text.slice(start, end)),
  ]);
}

async function invoice(request: Request, fields: object = {}): Promise<Body> {
  const body = {
    type: "b2c_single",
    lineItems: [line()],
    billTo: { name: "Zoé Müller" },
    ...fields,
  };
  return (await request("POST", "/invoices", { body })).body.data;
}

/** Where a record of each type is read. */
const PATHS: Record<string, string> = {
  crm_contact: "/crm/contacts",
  crm_organization: "/crm/organizations",
  frontend_user: "/portal/users",
  project: "/projects",
  task: "/tasks",
  invoice: "/invoices",
};

describe("GET /search", () => {
  test("finds all types by one question, each with what was found in it", async () => {
    const { request } = home;
    const { contactId } = await contact(home, "zoe@acme.test", "Müller Bau");
    const made = await draftProject(home, {
      name: "Relaunch für Müller",
      description: "Neue Häuser",
    });
    const { id } = await invoice(request);
    const found = await hits(request, "mueller");
    expect(new Set(found.map(({ type }) => type))).toEqual(
      new Set(["crm_organization", "project", "invoice"]),
    );
    expect(found.find((hit) => hit.id === id)).toMatchObject({ subtitle: "Zoé Müller" });
    expect(found.find((hit) => hit.id === made.id)).toMatchObject({
      ...{ title: "Relaunch für Müller", subtitle: made.customProperties.projectCode },
      projectId: null,
    });
    expect(found.flatMap((hit) => marked(hit))).toContainEqual(["name", "Müller"]);
    expect(marked((await hits(request, "Haus"))[0])).toEqual([["description", "Häuser"]]);
    expect(await hits(request, "muller", "&types=project")).toHaveLength(1);
    expect((await hits(request, "zoe@acme.test"))[0]).toMatchObject({ id: contactId, score: 1 });
    expect(await hits(request, "zoe@acne.test")).toEqual([]);
    expect(await hits(request, "muller", "&limit=1")).toHaveLength(1);
    for (const bad of ["", "?q=", "?q=a&limit=21", "?q=a&types=nothing", `?q=${"a".repeat(201)}`]) {
      expect((await request("GET", `/search${bad}`)).status).toBe(400);
    }
  });

  test("answers a number by itself, by its part, and never by a similar one", async () => {
    const { request } = home;
    const made: Body[] = [];
    for (let i = 0; i < 3; i++) made.push(await invoice(request));
    const [first] = made;
    const number = String(first?.customProperties.invoiceNumber);
    const whole = await hits(request, number);
    expect(whole.map(({ id, score }) => [id, score])).toEqual([[first?.id, 1]]);
    const part = number.slice(number.indexOf("-") + 1);
    const parts = await hits(request, part);
    expect(parts.map(({ id }) => id)).toEqual([first?.id]);
    expect(marked(parts[0])).toEqual([["invoiceNumber", part]]);
    expect(await hits(request, number.slice(0, -1))).toHaveLength(3);
    const listed = await request("GET", `/invoices?search=${number}`);
    expect(listed.body.data.map(({ id }) => id)).toEqual([first?.id]);
  });

  test("shows of a long text the part around what was found, whole characters of it", async () => {
    await draftProject(home, { description: `${"😀 ".repeat(300)}Dachstuhl ${"x ".repeat(400)}` });
    const [hit] = await hits(home.request, "dachstuhl");
    const [{ text, ranges } = { text: "", ranges: [] }] = hit?.highlights ?? [];
    expect(text.length).toBeLessThanOrEqual(242);
    expect(text.isWellFormed()).toBe(true);
    expect(ranges.map(([start, end]) => text.slice(start, end))).toEqual(["Dachstuhl"]);
  });

  test("is refused to a key that reads none of the areas", async () => {
    const { request } = await newKey(home.backend, home.organizationId, ["inbox:read"]);
    expect(await request("GET", "/search?q=a")).toMatchObject({ code: "INSUFFICIENT_SCOPE" });
  });

  test("never shows anybody what they could not read, nor finds them by it", async () => {
    const { request, backend, organizationId } = home;
    const other = await newTenant(backend);
    const ada = await contact(home, "ada@acme.test", "Rosenberg");
    const token = await portalToken(home, "ada@acme.test");
    const portal: Request = (method, path, options) => request(method, path, { ...options, token });
    for (const tenant of [home, other]) {
      await contact(tenant, "bob@rosenberg.test", "Rosenberg Söhne");
      const mine = tenant === home ? { contactIds: [ada.contactId] } : {};
      await project(tenant, { name: "Rosenberg garden", ...mine });
      await project(tenant, { name: "Rosenberg secret" });
      await draftProject(tenant, { name: "Rosenberg draft", ...mine });
    }
    await invoice(request, { billTo: { name: "Rosenberg", contactId: ada.contactId } });
    const hidden = await project(home, { name: "Rosenberg team", visibility: "team" });
    await request("POST", `/projects/${hidden.id}/tasks`, { body: { title: "Rosenberg task" } });
    const reads = GRANTS.filter((grant) => /^(crm|projects|invoices|portal):read$/.test(grant));
    const staff = await Promise.all(
      (["owner", "manager", "member", "viewer"] as const).map((role) =>
        newMember(backend, [{ organizationId, role }]),
      ),
    );
    const asked = fc.constantFrom(
      "rosenberg",
      "Rosen",
      "rosenbreg",
      "secret",
      "bob@rosenberg.test",
    );
    const callers = fc.oneof(
      fc.subarray([...reads], { minLength: 1 }).map((grants): Grant[] | Request => grants),
      fc.constantFrom(portal, other.request, ...staff.map((member) => member.request)),
    );
    await fc.assert(
      fc.asyncProperty(callers, asked, async (caller, q) => {
        const as = Array.isArray(caller)
          ? (await newKey(backend, organizationId, caller)).request
          : caller;
        for (const { type, id } of await hits(as, q)) {
          expect([type, (await as("GET", `${PATHS[type]}/${id}`)).status]).toEqual([type, 200]);
        }
      }),
      { numRuns: 40 },
    );
    const [owner, , member] = staff;
    const found = async (as: Request): Promise<string[]> =>
      (await hits(as, "rosenberg team task", "&types=project,task")).map(({ title }) => title);
    expect(await found(owner?.request ?? request)).toEqual(
      expect.arrayContaining(["Rosenberg team", "Rosenberg task"]),
    );
    expect(await found(member?.request ?? request)).not.toContain("Rosenberg team");
    expect(await found(member?.request ?? request)).not.toContain("Rosenberg task");
    expect((await hits(portal, "rosenberg")).map(({ title }) => title)).toEqual([
      "Rosenberg garden",
    ]);
    expect(await hits(portal, "secret")).toEqual([]);
  });
});

describe("GET /search/projects", () => {
  test("answers records with highlights, page by page, under the filters of their list", async () => {
    for (let i = 0; i < 5; i++) {
      await draftProject(home, { name: `Umbau ${i}`, priority: i % 2 ? "high" : "low" });
    }
    const get = async (query: string): Promise<Body> =>
      (await home.request("GET", `/search/projects?q=umbaus&${query}`)).body;
    const first = await get("limit=3");
    expect(first.data).toHaveLength(3);
    expect(first.meta).toMatchObject({ total: 5, totalIsCapped: false });
    expect(first.data[0]).toMatchObject({
      type: "project",
      highlights: [{ field: "name", ranges: [[0, 5]] }],
    });
    const rest = await get(`limit=3&cursor=${String(first.meta.nextCursor)}`);
    const ids = [...first.data, ...rest.data].map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
    expect((await get("priority=high")).data).toHaveLength(2);
  });

  test("shows a portal user their own, without what is for staff only", async () => {
    const ada = await contact(home, "ada@acme.test");
    const token = await portalToken(home, "ada@acme.test");
    await project(home, {
      name: "Umbau Nord",
      contactIds: [ada.contactId],
      budget: { amount: 5, currency: "EUR" },
    });
    await project(home, { name: "Umbau Süd" });
    const answer = await home.request("GET", "/search/projects?q=umbau", { token });
    expect(answer.body.data).toMatchObject([
      { name: "Umbau Nord", customProperties: { budget: null } },
    ]);
    expect(answer.body.data).toHaveLength(1);
  });
});
