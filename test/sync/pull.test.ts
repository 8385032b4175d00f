import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, newBackend, newMember, newTenant } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

type Change = { id: string; op: string; type: string; version: number; data: unknown };
type Pulled = { changes: Change[]; nextCursor: string; hasMore: boolean };

async function pull(parameters = ""): Promise<Pulled> {
  const { status, body } = await home.request("GET", `/sync/pull${parameters}`);
  expect(status).toBe(200);
  return body.data as unknown as Pulled;
}

async function contact(firstName: string): Promise<string> {
  return (await home.request("POST", "/crm/contacts", { body: { firstName } })).body.contactId;
}

describe("GET /sync/pull", () => {
  test("an empty organization has a cursor to go on from", async () => {
    const first = await pull();
    expect(first).toMatchObject({ changes: [], hasMore: false });
    const id = await contact("Ada");
    const next = await pull(`?cursor=${first.nextCursor}`);
    expect(next.changes.map((change) => change.id)).toEqual([id]);
    expect(await pull(`?cursor=${next.nextCursor}`)).toEqual({ ...next, changes: [] });
  });

  test("pages follow the order of commits; what changes meanwhile comes at the end, once", async () => {
    const ids = [];
    for (const name of ["A", "B", "C", "D"]) ids.push(await contact(name));
    const [a, b, c, d] = ids as [string, string, string, string];
    const first = await pull("?limit=2");
    expect(first).toMatchObject({ hasMore: true });
    expect(first.changes.map(({ id }) => id)).toEqual([a, b]);
    await home.request("PATCH", `/crm/contacts/${a}`, { body: { notes: "new" } });
    await home.request("DELETE", `/crm/contacts/${c}`);
    const second = await pull(`?limit=2&cursor=${first.nextCursor}`);
    expect(second.changes.map(({ id, op }) => [id, op])).toEqual([
      [d, "upsert"],
      [a, "upsert"],
    ]);
    const third = await pull(`?limit=2&cursor=${second.nextCursor}`);
    expect(third.changes).toMatchObject([{ id: c, op: "delete", version: 2, data: null }]);
    expect(third.hasMore).toBe(false);
  });

  test("one transaction's rows are told apart by pages smaller than it", async () => {
    const items = ["A", "B", "C", "D", "E"].map((firstName) => ({ firstName }));
    await home.request("POST", "/crm/contacts/bulk", { body: { items } });
    const seen = [];
    let cursor = "";
    for (let page = 0; page < 10; page += 1) {
      const answer = await pull(`?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...answer.changes.map(({ id }) => id));
      cursor = answer.nextCursor;
      if (!answer.hasMore) break;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });

  test("the portal's users are left out, and do not end the pull", async () => {
    const body = { email: "p@x.test", name: "Pia", oauthProvider: "google", oauthId: "1" };
    await home.request("POST", "/auth/sync-user", { body });
    const id = await contact("Ada");
    const first = await pull("?limit=1");
    expect(first).toMatchObject({ changes: [], hasMore: true });
    const second = await pull(`?limit=1&cursor=${first.nextCursor}`);
    expect(second.changes.map((change) => change.id)).toEqual([id]);
  });

  test("`since` takes a time, and a cursor", async () => {
    await contact("Ada");
    const later = Date.now() + 60_000;
    expect((await pull("?since=0")).changes).toHaveLength(1);
    expect((await pull(`?since=${later}`)).changes).toHaveLength(0);
    expect((await pull(`?since=${new Date(later).toISOString()}`)).changes).toHaveLength(0);
    const { nextCursor } = await pull();
    expect((await pull(`?since=${nextCursor}`)).changes).toHaveLength(0);
  });

  test("a cursor that was altered, or is another organization's, is refused", async () => {
    await contact("Ada");
    const { nextCursor } = await pull();
    const plain = JSON.parse(atob(nextCursor)) as [string, string];
    const altered = btoa(JSON.stringify([plain[0], plain[1].replace(/\d/, "9")]));
    const other = await newTenant(home.backend);
    const foreign = (await other.request("GET", "/sync/pull")).body.data as unknown as Pulled;
    for (const cursor of [altered, foreign.nextCursor, "nonsense", `${nextCursor}x`, "%00"]) {
      const answer = await home.request("GET", `/sync/pull?cursor=${cursor}`);
      expect(answer.status).toBe(400);
      expect(answer.body.error?.code).toBe("VALIDATION_ERROR");
    }
    for (const query of ["since=yesterday", "limit=1001", "limit=0", "since=2026-02-30", "x=1"]) {
      expect((await home.request("GET", `/sync/pull?${query}`)).status).toBe(400);
    }
  });
});

describe("devices", () => {
  const device = { deviceId: "d1", name: "Phone", platform: "ios", appVersion: "1.0" };
  const activatePath = (): string => `/tenants/${home.organizationId}/activate`;

  test("activation is an upsert, and takes an active membership", async () => {
    const { organizationId } = home;
    const member = await newMember(home.backend, [{ organizationId, role: "viewer" }]);
    const first = await member.request("POST", activatePath(), { body: device });
    expect(first.status).toBe(201);
    expect(first.body.data).toMatchObject({ ...device, revokedAt: null });
    const renamed = { ...device, appVersion: "1.1" };
    const second = await member.request("POST", activatePath(), { body: renamed });
    expect(second.status).toBe(200);
    expect(second.body.data).toMatchObject({ ...renamed, id: first.body.data.id });

    const stranger = await newMember(home.backend, []);
    const refused = await stranger.request("POST", activatePath(), { body: device });
    const missing = await member.request("POST", "/tenants/none/activate", { body: device });
    expect([refused.status, missing.status]).toEqual([404, 404]);
    expect(refused.body.error).toEqual(missing.body.error);
    expect((await home.request("POST", activatePath(), { body: device })).status).toBe(403);
    const invited = await newMember(home.backend, [
      { organizationId, role: "member", status: "invited" },
    ]);
    expect((await invited.request("POST", activatePath(), { body: device })).status).toBe(404);
  });

  test("one sees and changes one's own; a manager those of the organization", async () => {
    const { organizationId } = home;
    const [ann, bob, boss] = [
      await newMember(home.backend, [{ organizationId, role: "member" }]),
      await newMember(home.backend, [{ organizationId, role: "member" }]),
      await newMember(home.backend, [{ organizationId, role: "manager" }]),
    ];
    const made = await ann.request("POST", activatePath(), { body: device });
    const path = `/devices/${made.body.data.id}`;
    expect((await bob.request("GET", "/devices")).body.data).toEqual([]);
    expect((await ann.request("GET", "/devices?all=true")).status).toBe(403);
    expect((await boss.request("GET", "/devices?all=true")).body.data).toHaveLength(1);
    expect((await bob.request("PATCH", path, { body: { name: "Mine" } })).status).toBe(404);
    expect((await bob.request("DELETE", path)).status).toBe(404);
    const renamed = await ann.request("PATCH", path, { body: { name: "Tablet" } });
    expect(renamed.body.data).toMatchObject({ name: "Tablet" });

    expect((await boss.request("DELETE", path)).status).toBe(204);
    expect((await ann.request("GET", "/devices")).status).toBe(401);
    const listed = await boss.request("GET", "/devices?all=true");
    expect(listed.body.data).toMatchObject([{ revokedAt: expect.any(Number) as number }]);
  });

  test("a revoked device does not come back", async () => {
    const owner = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "owner" },
    ]);
    const made = await owner.request("POST", activatePath(), { body: device });
    const other = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "owner" },
    ]);
    await other.request("DELETE", `/devices/${made.body.data.id}`);
    expect((await owner.request("POST", activatePath(), { body: device })).status).toBe(401);
  });
});
