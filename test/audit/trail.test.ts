import { convexToJson, jsonToConvex, type Value } from "convex/values";
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { canonical } from "../../convex/audit/digest";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";
import { DEVICE } from "../helpers/routes";

type View = {
  id: string;
  at: number;
  actor: { type: string; id: string; name: string };
  role: string | null;
  action: string;
  objectType: string;
  objectId: string;
  organizationId?: string;
  deviceId: string | null;
  sessionId: string | null;
  changes: { field: string; before?: unknown; after?: unknown }[];
  seq: number | null;
};

let home: Fixture;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

async function trail(query = "", request = home.request): Promise<View[]> {
  const answer = await request("GET", `/audit?${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  return answer.body.data as unknown as View[];
}

async function newContact(firstName = "Ada"): Promise<string> {
  const body = { firstName, customFields: { größe: "L" } };
  return (await home.request("POST", "/crm/contacts", { body })).body.contactId;
}

describe("GET /audit", () => {
  test("lists the newest first, and filters by object, actor, action and time", async () => {
    const [ada, bo] = [await newContact(), await newContact("Bo")];
    await home.request("PATCH", `/crm/contacts/${ada}`, { body: { notes: "x" } });
    const all = await trail();
    expect(all.map(({ action }) => action)).toEqual([
      ...["contact.updated", "contact.created", "contact.created"],
      ...["api_key.created", "organization.created"],
    ]);
    const key = all[0]?.actor.id ?? "";
    const actionsOf = async (query: string): Promise<string[]> =>
      (await trail(query)).map(({ action }) => action);
    expect(await actionsOf(`objectId=${ada}`)).toEqual(["contact.updated", "contact.created"]);
    expect(await actionsOf(`objectId=${ada}&action=contact.created`)).toHaveLength(1);
    expect((await trail("action=contact.created")).map(({ objectId }) => objectId)).toEqual([
      bo,
      ada,
    ]);
    expect(await actionsOf(`actorId=${key}`)).toHaveLength(3);
    expect(await actionsOf("objectType=api_key")).toEqual(["api_key.created"]);
    const hour = 60 * 60 * 1000;
    expect(await actionsOf(`since=${Date.now() + hour}`)).toEqual([]);
    expect(await actionsOf(`until=${Date.now() - hour}`)).toEqual([]);
    const since = new Date(Date.now() - hour).toISOString();
    expect(
      await actionsOf(`objectId=${ada}&since=${since}&until=${Date.now() + hour}`),
    ).toHaveLength(2);
  });

  test("refuses filters that no index serves, and says which there are", async () => {
    for (const query of [
      "actorId=a&action=b",
      "objectType=a&objectId=b",
      "since=yesterday",
      "since=2&until=1",
      "since=2026-02-02&until=2026-02-01",
      "objectId=",
      "who=me",
    ]) {
      const answer = await home.request("GET", `/audit?${query}`);
      expect([query, answer.status, answer.code]).toEqual([query, 400, "VALIDATION_ERROR"]);
    }
    const { body } = await home.request("GET", "/audit?actorId=a&action=b");
    expect(body.error.message).toContain("objectId and action");
  });

  test("pages by cursor while entries are written", async () => {
    for (let i = 0; i < 5; i++) await newContact(`N${i}`);
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const at: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await home.request("GET", `/audit?limit=2${at}`);
      seen.push(...(body.data as unknown as View[]).map(({ id }) => id));
      cursor = body.meta.nextCursor;
      await newContact("later");
    }
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
  });

  test("says what changed, as a caller knows it", async () => {
    const id = await newContact();
    const changes = Object.fromEntries(
      (await trail(`objectId=${id}`))[0]?.changes.map(({ field, after }) => [field, after]) ?? [],
    );
    expect(changes).toMatchObject({ firstName: "Ada", customFields: { größe: "L" } });
  });

  test("is for managers and up, each of their own organization", async () => {
    const { organizationId, backend } = home;
    const other = await newTenant(backend);
    const foreign = await trail("", other.request);
    expect(foreign.map(({ id }) => id)).not.toContain((await trail())[0]?.id);
    expect(await trail(`objectId=${organizationId}`, other.request)).toEqual([]);
    for (const [role, status] of [
      ["manager", 200],
      ["member", 403],
      ["viewer", 403],
    ] as const) {
      const member = await newMember(backend, [{ organizationId, role }]);
      for (const path of ["/audit", "/audit/export", "/audit/verify"]) {
        expect([path, role, (await member.request("GET", path)).status]).toEqual([
          path,
          role,
          status,
        ]);
      }
      const admin = await member.request("GET", "/admin/logs/audit");
      expect([admin.status, admin.code]).toEqual([403, "FORBIDDEN"]);
    }
  });
});

test("an entry of a member of staff says the role, the sign-in and the device", async () => {
  const { organizationId, backend } = home;
  const member = await newMember(backend, [{ organizationId, role: "member" }]);
  await member.request("POST", "/crm/contacts", { body: { firstName: "Before" } });
  expect(
    (await member.request("POST", `/tenants/${organizationId}/activate`, { body: DEVICE })).status,
  ).toBe(201);
  await member.request("POST", "/crm/contacts", { body: { firstName: "After" } });
  const live = { sessionId: member.sessionToken, organizationId };
  const data = { name: "Site", subtype: "internal" } as const;
  await backend.mutation(api.projectOntology.createProject, { ...live, data });
  const entries = await trail(`actorId=${member.userId}`);
  expect(entries.map(({ action, role, deviceId }) => [action, role, deviceId])).toEqual([
    ["project.created", "member", "d1"],
    ["contact.created", "member", "d1"],
    ["device.activated", "member", null],
    ["contact.created", "member", null],
  ]);
  expect(new Set(entries.map(({ sessionId }) => sessionId)).size).toBe(1);
  expect(entries[0]?.sessionId).toEqual(expect.any(String));
  expect(await trail("objectType=api_key")).toMatchObject([{ role: null, sessionId: null }]);
});

test("what nobody asks for by a request is in the trail as well", async () => {
  const { backend, organizationId } = home;
  vi.useFakeTimers();
  const { keyId } = await newKey(backend, organizationId, ["crm:read"], Date.now() + 1000);
  vi.advanceTimersByTime(1000);
  await backend.finishInProgressScheduledFunctions();
  vi.useRealTimers();
  expect(await trail(`objectId=${keyId}`)).toMatchObject([
    { action: "api_key.expired", actor: { type: "system" } },
    { action: "api_key.created" },
  ]);
  const owner = { email: "owner@studio.test", passwordHash: "$argon2id$other" };
  await backend.mutation(internal.tenancy.recover, owner);
  expect(await trail("action=user.recovered")).toHaveLength(1);
});

describe("GET /admin/logs/audit", () => {
  test("lists all organizations to administrators of the deployment", async () => {
    const { backend, organizationId, sessionToken } = home;
    const other = await newTenant(backend);
    const ask = async (query: string): Promise<{ status: number; data: View[] }> => {
      const { status, body } = await home.request("GET", `/admin/logs/audit?${query}`, {
        token: sessionToken,
      });
      return { status, data: body.data as unknown as View[] };
    };
    const { data } = await ask("");
    expect(new Set(data.map((entry) => entry.organizationId))).toEqual(
      new Set([organizationId, other.organizationId]),
    );
    expect(data[0]?.organizationId).toBe(other.organizationId);
    const one = (await ask(`organizationId=${organizationId}&action=api_key.created`)).data;
    expect(one).toMatchObject([{ organizationId, action: "api_key.created" }]);
    expect((await ask("action=api_key.created")).status).toBe(400);
    expect((await ask("organizationId=nonsense")).status).toBe(404);
  });

  test("takes whom the operator makes an administrator, and the trail says so", async () => {
    const { backend, organizationId } = home;
    const member = await newMember(backend, [{ organizationId, role: "viewer" }]);
    await backend.run(async ({ db }) => {
      await db.patch("users", member.userId, { email: "mo@x.test", emailKey: "mo@x.test" });
    });
    const status = async (): Promise<number> =>
      (await member.request("GET", "/admin/logs/audit")).status;
    for (const [isPlatformAdmin, answered] of [
      [true, 200],
      [false, 403],
    ] as const) {
      await backend.mutation(internal.tenancy.setPlatformAdmin, {
        ...{ email: "Mo@x.test", isPlatformAdmin },
      });
      expect(await status()).toBe(answered);
    }
    expect((await trail(`objectId=${member.userId}`)).map(({ changes }) => changes)).toEqual([
      [{ field: "isPlatformAdmin", before: true, after: false }],
      [{ field: "isPlatformAdmin", before: false, after: true }],
    ]);
  });
});

describe("GET /audit/export", () => {
  test("is a CSV file whose cells no spreadsheet runs, oldest first", async () => {
    const { organizationId, backend } = home;
    const evil = await newMember(backend, [{ organizationId, role: "member" }]);
    await backend.run(async ({ db }) => {
      await db.patch("users", evil.userId, { name: '=HYPERLINK("x")' });
    });
    await evil.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    const answer = await home.request("GET", "/audit/export");
    const lines = answer.text.split("\r\n");
    expect(answer.headers.get("Content-Disposition")).toContain("audit.csv");
    expect(lines[0]).toMatch(/^at,actorType,actorId,actorName,role,action,/);
    expect(lines[1]).toContain("organization.created");
    expect(lines.at(-2)).toContain(`"'=HYPERLINK(""x"")"`);
  });

  test("is JSON by choice, of the same filters, and goes on by cursor", async () => {
    await newContact();
    await newContact("Bo");
    const first = await home.request("GET", "/audit/export?format=json&limit=2");
    const cursor = String(first.body.meta.nextCursor);
    const path = `/audit/export?format=json&cursor=${cursor}`;
    const second = await home.request("GET", path);
    const entries = [first, second].flatMap(({ body }) => body.data as unknown as View[]);
    expect(entries.map(({ id }) => id)).toEqual((await trail()).map(({ id }) => id).toReversed());
    const created = await home.request("GET", "/audit/export?format=json&action=contact.created");
    expect(created.body.data).toHaveLength(2);
    const foreign = await home.request("GET", `${path}&action=contact.created`);
    expect([foreign.status, foreign.code]).toEqual([400, "VALIDATION_ERROR"]);
  });
});

test("the dashboard reads the trail live, with the same filters, as far as the role goes", async () => {
  const { backend, organizationId } = home;
  const id = await newContact();
  const paginationOpts = { numItems: 10, cursor: null };
  const manager = await newMember(backend, [{ organizationId, role: "manager" }]);
  const args = { organizationId, paginationOpts, sessionId: manager.sessionToken };
  const { listAuditPaginated } = api.auditQueries;
  const { page } = await backend.query(listAuditPaginated, { ...args, objectId: id });
  expect(page).toMatchObject([{ action: "contact.created", objectId: id }]);
  expect(JSON.stringify(page.map(Object.keys))).not.toContain("digests");
  const member = await newMember(backend, [{ organizationId, role: "member" }]);
  const refused = backend.query(listAuditPaginated, { ...args, sessionId: member.sessionToken });
  expect(await refusalOf(refused)).toMatchObject({ code: "INSUFFICIENT_SCOPE" });
});

const convexValue = fc.anything({
  key: fc.stringMatching(/^[a-z]\w{0,4}$/),
  values: [
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: 0n, max: 9n }),
  ],
});

test("a value has the same canonical form before and after it was stored", () => {
  fc.assert(
    fc.property(convexValue, (value) => {
      const stored = jsonToConvex(convexToJson(shuffled(value) as Value));
      expect(JSON.stringify(canonical(stored))).toBe(JSON.stringify(canonical(value)));
    }),
    { numRuns: 100 },
  );
});

/** The same with the fields of every object in the reverse order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).toReversed();
  return Object.fromEntries(fields.map(([name, field]) => [name, shuffled(field)]));
}
