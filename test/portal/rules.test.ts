import { beforeEach, describe, expect, test, vi } from "vitest";
import { ObjectStore } from "../../convex/ontology/store";
import { isOfType } from "../../convex/ontology/reader";
import type { PortalViewer } from "../../convex/ontology/portalRules";
import type { Body } from "../helpers/answer";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";
import { contact, draftProject, portalToken, project, signIn } from "./portal";

let home: Fixture;
let ada: Body;
let token: string;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
  ada = await contact(home, "ada@acme.test", "Acme");
  token = await portalToken(home, "ada@acme.test");
});

async function seen(query = ""): Promise<string[]> {
  const answer = await home.request("GET", `/projects?${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data.map(({ id }) => id);
}

async function status(id: string): Promise<[number, string | undefined]> {
  const answer = await home.request("GET", `/projects/${id}`, { token });
  return [answer.status, answer.code];
}

describe("a portal user sees a project", () => {
  test("of their contact", async () => {
    const { id } = await project(home, {
      contactIds: [ada.contactId],
      clientOrgId: ada.crmOrganizationId,
    });
    expect(await seen()).toEqual([id]);
    expect(await status(id)).toEqual([200, undefined]);
  });

  test("as everyone else sees it, but for its budget and the organization's own fields", async () => {
    const made = await project(home, {
      contactIds: [ada.contactId],
      budget: { amount: 5000, currency: "EUR" },
      customProperties: { internalMargin: 0.4, tags: ["difficult"] },
    });
    expect(made.customProperties).toMatchObject({ internalMargin: 0.4, budget: { amount: 5000 } });
    const shown = await home.request("GET", `/projects/${made.id}`, { token });
    const { internalMargin: _margin, tags: _tags, ...rest } = made.customProperties;
    const expected = { ...made, customProperties: { ...rest, budget: null } };
    expect(shown.body.data).toEqual(expected);
    const listed = (await home.request("GET", "/projects", { token })).body.data;
    expect(listed.find(({ id }) => id === made.id)).toEqual(expected);
  });

  test("with those own fields that its organization shows to customers, and no others", async () => {
    const other = await newTenant(home.backend);
    await contact(other, "ada@acme.test", "Acme");
    const fields = {
      customProperties: { deliveryWeek: 12, größe: ["L"], internalMargin: 0.4, budgetNote: "x" },
      budget: { amount: 5000, currency: "EUR" },
    };
    const made = await project(home, { ...fields, contactIds: [ada.contactId] });
    const names = Object.keys(fields.customProperties);
    const shown = async (): Promise<Record<string, unknown>> => {
      const { body } = await home.request("GET", `/projects/${made.id}`, { token });
      const listed = (await home.request("GET", "/projects", { token })).body.data;
      expect(listed).toEqual([body.data]);
      expect(body.data.customProperties).toMatchObject({ budget: null });
      const own = Object.entries(body.data.customProperties).filter(([key]) => names.includes(key));
      return Object.fromEntries(own);
    };
    expect(await shown()).toEqual({});
    const show = async (tenant: Pick<Fixture, "request">, portalFields: unknown) =>
      await tenant.request("PATCH", "/organization", { body: { portalFields } });
    // What another organization shows of its own is nothing to this one.
    expect((await show(other, names)).status).toBe(200);
    expect(await shown()).toEqual({});
    const set = await show(home, ["deliveryWeek", "größe", "deliveryWeek", "budget"]);
    expect(set.body.data).toMatchObject({ portalFields: ["deliveryWeek", "größe", "budget"] });
    expect(await shown()).toEqual({ deliveryWeek: 12, größe: ["L"] });
    await show(home, []);
    expect(await shown()).toEqual({});
    await show(home, ["deliveryWeek"]);
    expect(await shown()).toEqual({ deliveryWeek: 12 });
    expect((await show(home, null)).status).toBe(200);
    expect(await shown()).toEqual({});
    for (const wrong of ["deliveryWeek", [""], [5], Array.from({ length: 51 }, String)]) {
      expect((await show(home, wrong)).status).toBe(400);
    }
  });

  test("once it is no draft any more", async () => {
    const { id } = await draftProject(home, { contactIds: [ada.contactId] });
    expect([await seen(), await status(id)]).toEqual([[], [404, "PROJECT_NOT_FOUND"]]);
    await home.request("PATCH", `/projects/${id}`, { body: { status: "planning" } });
    expect([await seen(), await status(id)]).toEqual([[id], [200, undefined]]);
  });

  test("from the moment it becomes theirs until it no longer is", async () => {
    const { id } = await project(home, {});
    const path = `/projects/${id}`;
    expect(await seen()).toEqual([]);
    await home.request("PATCH", path, { body: { contactIds: [ada.contactId] } });
    expect(await seen()).toEqual([id]);
    await home.request("PATCH", path, { body: { contactIds: [] } });
    expect([await seen(), await status(id)]).toEqual([[], [404, "PROJECT_NOT_FOUND"]]);
  });
});

describe("a portal user does not see a project", () => {
  test("of someone else, of nobody, of another organization, or deleted: it does not exist", async () => {
    const bob = await contact(home, "bob@globex.test", "Globex");
    const other = await newTenant(home.backend);
    const foreign = await contact(other, "ada@acme.test", "Acme");
    const hidden = [
      await project(home, {}),
      await project(home, { contactIds: [bob.contactId] }),
      await project(home, { clientOrgId: bob.crmOrganizationId }),
      await project(other, { contactIds: [foreign.contactId] }),
    ];
    const gone = await draftProject(home, { contactIds: [ada.contactId] });
    await home.request("DELETE", `/projects/${gone.id}`);
    const missing = await home.request("GET", "/projects/nonsense", { token });
    for (const { id } of [...hidden, gone]) {
      const answer = await home.request("GET", `/projects/${id}`, { token });
      expect(answer).toMatchObject({ status: 404, code: "PROJECT_NOT_FOUND" });
      expect(answer.body.error).toEqual(missing.body.error);
    }
    expect(await seen()).toEqual([]);
  });

  test("of a client whose name they gave in a form", async () => {
    const { id } = await project(home, { clientOrgId: ada.crmOrganizationId });
    const stranger = await contact(home, "stranger@x.test", "Acme");
    expect(stranger.crmOrganizationId).toBe(ada.crmOrganizationId);
    token = await portalToken(home, "stranger@x.test");
    expect([await seen(), await status(id)]).toEqual([[], [404, "PROJECT_NOT_FOUND"]]);
  });

  test("at all, when no contact has their e-mail", async () => {
    await project(home, { contactIds: [ada.contactId] });
    const lonely = await portalToken(home, "nobody@x.test");
    const answer = await home.request("GET", "/projects", { token: lonely });
    expect(answer.body).toMatchObject({ data: [], meta: { total: 0, nextCursor: null } });
  });

  test("any more, when staff take their contact from them", async () => {
    const { id } = await project(home, { contactIds: [ada.contactId] });
    const user = (await signIn(home, { email: "ada@acme.test" })).body;
    const body = { crmContactId: null };
    await home.request("PATCH", `/portal/users/${user._id}`, { body });
    expect([await seen(), await status(id)]).toEqual([[], [404, "PROJECT_NOT_FOUND"]]);
  });
});

describe("a portal user's list", () => {
  test("goes page by page, in both orders, with filters, over a hundred foreign ones", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      const mine = { contactIds: [ada.contactId] };
      const { id } = await project(home, { ...mine, priority: n % 2 ? "high" : "low" });
      ids.unshift(id);
      await project(home, { clientOrgId: ada.crmOrganizationId });
    }
    for (const [sort, expected] of [
      ["-createdAt", ids],
      ["createdAt", ids.toReversed()],
    ] as const) {
      const pages: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const next: string = cursor === "" ? "" : `&cursor=${cursor}`;
        const { body } = await home.request("GET", `/projects?limit=5&sort=${sort}${next}`, {
          token,
        });
        pages.push(...body.data.map(({ id }) => id));
        cursor = body.meta.nextCursor;
      }
      expect(pages).toEqual(expected);
    }
    expect((await seen("priority=high")).length).toBe(6);
    expect((await seen("status=active")).length).toBe(0);
    expect(await seen("limit=4&offset=3")).toEqual(ids.slice(3, 7));
  });

  test("shows archived ones only when asked", async () => {
    const { id } = await project(home, { contactIds: [ada.contactId] });
    await home.request("POST", `/projects/${id}/archive`);
    expect([await seen(), await seen("includeArchived=true")]).toEqual([[], [id]]);
  });

  test("goes in every order that staff's goes in, page by page, and takes several values", async () => {
    const ids: string[] = [];
    for (const [name, priority] of [
      ["Cedar", "high"],
      ["Alder", "low"],
      ["Beech", "low"],
      ["Dogwood", "medium"],
    ]) {
      ids.push((await project(home, { contactIds: [ada.contactId], name, priority })).id);
      await project(home, { clientOrgId: ada.crmOrganizationId, name: "Aspen" });
    }
    const [cedar, alder, beech, dogwood] = ids;
    const byName = [alder, beech, cedar, dogwood];
    expect(await seen("sort=name")).toEqual(byName);
    const first = await home.request("GET", "/projects?sort=-name&limit=3", { token });
    const query = `sort=-name&cursor=${first.body.meta.nextCursor ?? ""}`;
    expect(await seen(query)).toEqual(byName.toReversed().slice(3));
    expect(await seen("priority=low,high&sort=name")).toEqual([alder, beech, cedar]);
    expect(await seen("updatedFrom=2000-01-01")).toHaveLength(4);
    expect(await seen("createdTo=2000-01-01&sort=name")).toEqual([]);
  });

  test("refuses a search", async () => {
    const answer = await home.request("GET", "/projects?search=website", { token });
    expect(answer).toMatchObject({ status: 400, paths: ["query.search"] });
  });
});

test("a store that writes for a portal user refuses what the rule of the type does not allow", async () => {
  const { id } = await project(home, { contactIds: [ada.contactId] });
  const user = (await signIn(home, { email: "ada@acme.test" })).body;
  await home.backend.run(async (ctx) => {
    const viewer = {
      userId: user._id,
      contactId: ada.contactId,
      crmOrganizationId: ada.crmOrganizationId,
      ownFields: [],
    } as unknown as PortalViewer;
    const store = new ObjectStore(ctx, {
      organizationId: home.organizationId,
      actor: { type: "portal_user", id: user._id, name: "Ada" },
      traceId: "test",
      ip: null,
      userAgent: null,
      viewer,
    });
    const own = await store.require("project", id);
    expect(isOfType(own, "project")).toBe(true);
    const attempts = [
      store.update(own, { status: "active" }),
      store.archive(own, {}),
      store.remove(own),
      store.insert("crm_contact", {
        subtype: "lead",
        status: "active",
        customProperties: { source: "api", tags: [], customFields: [] },
      }),
    ];
    for (const attempt of attempts) expect((await refusalOf(attempt)).code).toBe("FORBIDDEN");
    expect((await refusalOf(store.require("crm_contact", ada.contactId))).code).toBe(
      "CONTACT_NOT_FOUND",
    );
    expect(await store.findByKey("crm_contact", "ada@acme.test")).toBeNull();
  });
});
