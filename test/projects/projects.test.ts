import { beforeEach, describe, expect, test, vi } from "vitest";
import { projectType } from "../../convex/types/project/type";
import type { Answer, Body } from "../helpers/answer";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2025, 5, 1) });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

const MINIMAL = { subtype: "internal", name: "Relaunch" };

const MARCH = Date.UTC(2026, 2);

async function create(body: object = {}): Promise<Body> {
  const answer = await home.request("POST", "/projects", { body: { ...MINIMAL, ...body } });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data;
}

async function patch(id: string, body: object): Promise<Answer> {
  return await home.request("PATCH", `/projects/${id}`, { body });
}

async function crmOrganization(name = "Acme"): Promise<string> {
  return (await home.request("POST", "/crm/organizations", { body: { name } })).body.data.id;
}

async function contact(email: string): Promise<string> {
  return (await home.request("POST", "/crm/contacts", { body: { email } })).body.contactId;
}

describe("a new project", () => {
  test("of the documented structure answers the documented record", async () => {
    const clientOrgId = await crmOrganization();
    const answer = await home.request("POST", "/projects", {
      body: {
        subtype: "client_project",
        name: "Website Redesign",
        description: "Complete redesign of corporate website",
        startDate: 1704067200000,
        targetEndDate: 1709251200000,
        budget: { amount: 50000, currency: "USD" },
        priority: "high",
        clientOrgId,
        customProperties: { größe: "L", toString: 1, flags: { nested: [1, null] } },
      },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("ETag")).toBe('"1"');
    const { data } = answer.body;
    expect(data).toEqual({
      _id: data._id,
      id: data._id,
      organizationId: home.organizationId,
      type: "project",
      subtype: "client_project",
      name: "Website Redesign",
      description: "Complete redesign of corporate website",
      status: "draft",
      customProperties: {
        größe: "L",
        toString: 1,
        visibility: "organization",
        hourlyRateInCents: null,
        flags: { nested: [1, null] },
        projectCode: "PRJ-2025-001",
        startDate: 1704067200000,
        targetEndDate: 1709251200000,
        budget: { amount: 50000, currency: "USD" },
        priority: "high",
        progress: 0,
        clientOrgId,
        contactIds: [],
        detailedDescription: null,
        archivedAt: null,
      },
      createdBy: data.createdBy,
      version: 1,
      createdAt: Date.now(),
      updatedAt: Date.now(),
    });
    expect((await home.request("GET", `/projects/${data.id}`)).body.data).toEqual(data);
  });

  test("without more than name and subtype is a draft of medium priority at 0 per cent", async () => {
    expect(await create()).toMatchObject({
      status: "draft",
      customProperties: { priority: "medium", progress: 0, budget: null, clientOrgId: null },
    });
  });

  test.each<[string, object, string]>([
    ["no name", { name: undefined }, "body.name"],
    ["an empty name", { name: " " }, "body.name"],
    ["no subtype", { subtype: undefined }, "body.subtype"],
    ["an unknown subtype", { subtype: "hobby" }, "body.subtype"],
    ["an unknown priority", { priority: "urgent" }, "body.priority"],
    ["a progress above 100", { progress: 101 }, "body.progress"],
    ["a negative progress", { progress: -1 }, "body.progress"],
    ["a status of its own", { status: "active" }, "body.status"],
    ["a code of its own", { projectCode: "PRJ-1" }, "body.projectCode"],
    ["a budget without currency", { budget: { amount: 1 } }, "body.budget.currency"],
    ["no such currency", { budget: { amount: 1, currency: "XXX" } }, "body.budget.currency"],
    [
      "a currency in small letters",
      { budget: { amount: 1, currency: "usd" } },
      "body.budget.currency",
    ],
    ["a negative budget", { budget: { amount: -1, currency: "USD" } }, "body.budget.amount"],
    [
      "a third decimal of dollars",
      { budget: { amount: 0.001, currency: "USD" } },
      "body.budget.amount",
    ],
    ["decimals of yen", { budget: { amount: 1.5, currency: "JPY" } }, "body.budget.amount"],
    ["a start that is no time", { startDate: "soon" }, "body.startDate"],
    [
      "an end before its start",
      { startDate: MARCH + 1, targetEndDate: MARCH },
      "body.targetEndDate",
    ],
    [
      "a field of ours among the caller's",
      { customProperties: { progress: 7 } },
      "body.customProperties.progress",
    ],
    ["a reserved key", { customProperties: { $x: 7 } }, "body.customProperties.$x"],
    ["51 contacts", { contactIds: Array.from({ length: 51 }, () => "x") }, "body.contactIds"],
    [
      "a description of 100,001 characters",
      { detailedDescription: "x".repeat(100_001) },
      "body.detailedDescription",
    ],
  ])("with %s is refused, and takes no code", async (_what, body, path) => {
    const refused = await home.request("POST", "/projects", { body: { ...MINIMAL, ...body } });
    expect([refused.status, refused.code, refused.paths]).toEqual([
      400,
      "VALIDATION_ERROR",
      [path],
    ]);
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2025-001");
  });

  test("for an organization or contact that is not the tenant's is refused as a missing one", async () => {
    const other = await newTenant(home.backend);
    const body = { name: "Elsewhere" };
    const foreign = (await other.request("POST", "/crm/organizations", { body })).body.data.id;
    const own = await contact("a@x.test");
    for (const [field, value, code] of [
      ["clientOrgId", foreign, "CRM_ORGANIZATION_NOT_FOUND"],
      ["clientOrgId", own, "CRM_ORGANIZATION_NOT_FOUND"],
      ["contactIds", [foreign], "CONTACT_NOT_FOUND"],
    ] as const) {
      const sent = { ...MINIMAL, [field]: value };
      const answer = await home.request("POST", "/projects", { body: sent });
      expect([answer.status, answer.code]).toEqual([404, code]);
    }
  });
});

describe("codes", () => {
  test("count per organization, and a deleted draft's is not given again", async () => {
    const first = await create();
    await home.request("DELETE", `/projects/${first.id}`);
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2025-002");
    const other = await newTenant(home.backend);
    const theirs = await other.request("POST", "/projects", { body: MINIMAL });
    expect(theirs.body.data.customProperties["projectCode"]).toBe("PRJ-2025-001");
  });

  test("begin anew with the year of the organization's time zone", async () => {
    await create();
    await home.request("PATCH", "/organization", { body: { timeZone: "Asia/Tokyo" } });
    vi.setSystemTime(Date.UTC(2025, 11, 31, 14, 59));
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2025-002");
    vi.setSystemTime(Date.UTC(2025, 11, 31, 15, 0));
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2026-001");
  });

  test("have more digits after 999", async () => {
    const { organizationId } = home;
    await home.backend.run(async ({ db }) => {
      await db.insert("serials", { organizationId, series: "project:2025", last: 999 });
    });
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2025-1000");
  });

  test("are not taken twice by a repeated request with an Idempotency-Key", async () => {
    const options = { body: MINIMAL, headers: { "Idempotency-Key": "once" } };
    const first = await home.request("POST", "/projects", options);
    const again = await home.request("POST", "/projects", options);
    expect(again.text).toBe(first.text);
    expect((await create()).customProperties["projectCode"]).toBe("PRJ-2025-002");
  });
});

describe("a status", () => {
  const { statuses, transitions } = projectType;
  type Status = (typeof statuses)[number];
  const WAYS: Record<Status, Status[]> = {
    draft: [],
    planning: ["planning"],
    active: ["planning", "active"],
    on_hold: ["planning", "on_hold"],
    completed: ["planning", "active", "completed"],
    cancelled: ["cancelled"],
  };
  const pairs = statuses.flatMap((from) => statuses.map((to): [Status, Status] => [from, to]));

  test.each(pairs)("%s → %s goes as the workflow says", async (from, to) => {
    const { id } = await create();
    for (const status of WAYS[from]) expect((await patch(id, { status })).status).toBe(200);
    const answer = await patch(id, { status: to });
    if (from === to || (transitions?.[from] as readonly string[]).includes(to)) {
      expect(answer.body.data.status).toBe(to);
    } else {
      expect([answer.status, answer.code]).toEqual([409, "INVALID_STATE"]);
      expect(answer.body.error.details).toEqual({ status: from, allowed: transitions?.[from] });
      expect((await home.request("GET", `/projects/${id}`)).body.data.status).toBe(from);
    }
  });

  test("never returns to draft, and leaves the ends nowhere to go", () => {
    expect(Object.values(transitions ?? {}).flat()).not.toContain("draft");
    expect([transitions?.completed, transitions?.cancelled]).toEqual([[], []]);
  });

  test("that is refused leaves the rest of the change undone", async () => {
    const { id } = await create();
    expect((await patch(id, { status: "completed", progress: 100 })).status).toBe(409);
    const { data } = (await home.request("GET", `/projects/${id}`)).body;
    expect([data.customProperties["progress"], data.version]).toEqual([0, 1]);
  });
});

describe("a change", () => {
  test("sets what is given, clears by null, and replaces the caller's own fields as a whole", async () => {
    const { id } = await create({
      description: "Old",
      budget: { amount: 10, currency: "EUR" },
      customProperties: { a: 1, b: 2 },
    });
    const answer = await patch(id, {
      name: "New",
      description: null,
      budget: null,
      progress: 45.5,
      customProperties: { b: 3 },
    });
    expect(answer.body.data).toMatchObject({ name: "New", description: null, version: 2 });
    const { customProperties } = answer.body.data;
    expect(customProperties).toMatchObject({ b: 3, budget: null, progress: 45.5 });
    expect(customProperties).not.toHaveProperty("a");
  });

  test("of one date is checked against the other that is stored", async () => {
    const { id } = await create({ startDate: MARCH });
    const refused = await patch(id, { targetEndDate: MARCH - 1 });
    expect([refused.status, refused.paths]).toEqual([400, ["body.targetEndDate"]]);
    expect((await patch(id, { targetEndDate: MARCH - 1, startDate: null })).status).toBe(200);
  });

  test("with If-Match of an older version is refused", async () => {
    const { id } = await create();
    await patch(id, { progress: 1 });
    const headers = { "If-Match": '"1"' };
    const answer = await home.request("PATCH", `/projects/${id}`, {
      body: { progress: 2 },
      headers,
    });
    expect([answer.status, answer.code]).toEqual([412, "VERSION_MISMATCH"]);
  });

  test("keeps a client organization from being deleted while the project points to it", async () => {
    const clientOrgId = await crmOrganization();
    const { id } = await create({ clientOrgId });
    const refused = await home.request("DELETE", `/crm/organizations/${clientOrgId}`);
    expect(refused.body.error.details.links).toEqual([{ id, type: "project", linkType: "client" }]);
    await patch(id, { clientOrgId: null });
    expect((await home.request("DELETE", `/crm/organizations/${clientOrgId}`)).status).toBe(204);
  });
});

describe("archiving", () => {
  test.each(["draft", "active", "completed", "cancelled"] as const)(
    "cancels a project that is %s, and takes it out of lists, counts and search",
    async (status) => {
      const ways = {
        draft: [],
        active: ["planning", "active"],
        completed: ["planning", "active", "completed"],
        cancelled: ["cancelled"],
      };
      const { id } = await create({ name: "Unique name" });
      for (const step of ways[status]) await patch(id, { status: step });
      const other = await create({ name: "Unique too" });

      const answer = await home.request("POST", `/projects/${id}/archive`);
      expect(answer.body.data).toMatchObject({
        status: "cancelled",
        customProperties: { archivedAt: Date.now() },
      });
      const listed = await home.request("GET", "/projects");
      expect(listed.body.data.map((project) => project.id)).toEqual([other.id]);
      expect(listed.body.meta.total).toBe(1);
      const found = await home.request("GET", "/projects?search=unique");
      expect(found.body.data.map((project) => project.id)).toEqual([other.id]);
      const shown = await home.request("GET", `/projects/${id}`);
      expect(shown.body.data.customProperties["archivedAt"]).toBe(Date.now());
    },
  );

  test("twice is once", async () => {
    const { id } = await create();
    const first = await home.request("POST", `/projects/${id}/archive`);
    vi.setSystemTime(Date.now() + 1000);
    const second = await home.request("POST", `/projects/${id}/archive`);
    expect(second.body.data).toEqual(first.body.data);
  });

  test("shows with includeArchived, in order, page by page, with filters, search and exact totals", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 9; n++) {
      vi.setSystemTime(Date.now() + 1000);
      const { id } = await create({ name: `Project ${n}`, priority: n % 2 ? "high" : "low" });
      if (n % 3 === 0) await home.request("POST", `/projects/${id}/archive`);
      ids.unshift(id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const next: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page: Answer = await home.request(
        "GET",
        `/projects?includeArchived=true&limit=4${next}`,
      );
      expect(page.body.meta.total).toBe(9);
      seen.push(...page.body.data.map(({ id }) => id));
      cursor = page.body.meta.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);

    const total = async (query: string): Promise<number | null> =>
      (await home.request("GET", `/projects?${query}`)).body.meta.total;
    expect(await total("includeArchived=false")).toBe(6);
    expect(await total("includeArchived=true&status=cancelled")).toBe(3);
    expect(await total("status=cancelled")).toBe(0);
    expect(await total("includeArchived=true&priority=low")).toBe(5);
    expect(await total("includeArchived=true&search=project")).toBe(9);
    const byName = await home.request("GET", "/projects?includeArchived=true&sort=name");
    expect(byName.body.data.map(({ id }) => id)).toEqual(ids.toReversed());
  });
});

describe("deleting", () => {
  test("takes a draft away, and refuses any other: that one is archived", async () => {
    const { id } = await create();
    expect((await home.request("DELETE", `/projects/${id}`)).status).toBe(204);
    expect((await home.request("GET", `/projects/${id}`)).code).toBe("PROJECT_NOT_FOUND");

    const begun = await create();
    await patch(begun.id, { status: "planning" });
    const refused = await home.request("DELETE", `/projects/${begun.id}`);
    expect([refused.status, refused.code]).toEqual([409, "INVALID_STATE"]);
    expect(refused.body.error.details).toEqual({ status: "planning", allowed: ["draft"] });
  });

  test("is an owner's, or a key's with projects:delete", async () => {
    const { organizationId, backend } = home;
    const { id } = await create();
    const manager = await newMember(backend, [{ organizationId, role: "manager" }]);
    const writer = await newKey(backend, organizationId, ["projects:read", "projects:write"]);
    for (const { request } of [manager, writer]) {
      const refused = await request("DELETE", `/projects/${id}`);
      expect([refused.status, refused.code]).toEqual([403, "INSUFFICIENT_SCOPE"]);
    }
    const deleter = await newKey(backend, organizationId, ["projects:delete"]);
    expect((await deleter.request("DELETE", `/projects/${id}`)).status).toBe(204);
    const owner = await newMember(backend, [{ organizationId, role: "owner" }]);
    const another = await create();
    expect((await owner.request("DELETE", `/projects/${another.id}`)).status).toBe(204);
  });
});

describe("a list", () => {
  test("filters by subtype, status, priority and client, alone and together, with exact totals", async () => {
    const clientOrgId = await crmOrganization();
    for (const [index, subtype] of ["internal", "campaign", "campaign", "other"].entries()) {
      const { id } = await create({
        subtype,
        priority: index < 2 ? "high" : "low",
        ...(index % 2 ? { clientOrgId } : {}),
      });
      if (index > 1) await patch(id, { status: "planning" });
    }
    for (const [query, total] of [
      ["", 4],
      ["subtype=campaign", 2],
      ["status=planning", 2],
      ["priority=high", 2],
      [`clientOrgId=${clientOrgId}`, 2],
      ["subtype=campaign&status=planning&priority=low", 1],
      ["status=draft&priority=high", 2],
      ["projectCode=PRJ-2025-003", 1],
      ["subtype=product_development", 0],
    ] as const) {
      const { body } = await home.request("GET", `/projects?${query}`);
      expect([query, body.data.length, body.meta.total ?? body.data.length]).toEqual([
        query,
        total,
        total,
      ]);
    }
  });

  test.each([
    ["status=open", "query.status"],
    ["priority=urgent", "query.priority"],
    ["includeArchived=yes", "query.includeArchived"],
    ["limit=201", "query.limit"],
    ["tag=x", "query.tag"],
    ["sort=progress", "query.sort"],
  ])("refuses ?%s", async (query, path) => {
    const answer = await home.request("GET", `/projects?${query}`);
    expect([answer.status, answer.paths]).toEqual([400, [path]]);
  });

  test("answers the documented client, which sends a Content-Type with GET", async () => {
    await create({ priority: "high" });
    const parameters = new URLSearchParams({
      subtype: "internal",
      status: "draft",
      priority: "high",
      limit: "50",
      offset: "0",
    });
    const headers = { "Content-Type": "application/json" };
    const { body } = await home.request("GET", `/projects?${parameters.toString()}`, { headers });
    expect([body.success, body.data.length, body.meta.offset]).toEqual([true, 1, 0]);
  });
});
