import { beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newMember, newTenant, type Tenant } from "../helpers/backend";

let home: Fixture;
let other: Tenant;

beforeEach(async () => {
  home = await newBackend();
  other = await newTenant(home.backend);
});

const at = (tenantId: string): { headers: Record<string, string> } => ({
  headers: { "X-Tenant-Id": tenantId },
});

describe("a user of two organizations", () => {
  async function both(): Promise<{ ask: (options?: object) => Promise<Answer> }> {
    const { request } = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "member" },
      { organizationId: other.organizationId, role: "viewer" },
    ]);
    return { ask: (options = {}) => request("GET", "/organization", options) };
  }

  test("must name one", async () => {
    const { ask } = await both();
    expect(await ask()).toMatchObject({
      status: 400,
      code: "VALIDATION_ERROR",
      paths: ["headers.X-Tenant-Id"],
    });
  });

  test("acts in the one that is named, with the role that they have there", async () => {
    const { ask } = await both();
    expect((await ask(at(home.organizationId))).body.data.id).toBe(home.organizationId);
    expect((await ask(at(other.organizationId))).body.data.id).toBe(other.organizationId);
    const { request } = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "member" },
      { organizationId: other.organizationId, role: "viewer" },
    ]);
    const create = (id: string): Promise<Answer> =>
      request("POST", "/crm/contacts", { body: { lastName: "A" }, ...at(id) });
    expect([
      (await create(home.organizationId)).status,
      (await create(other.organizationId)).status,
    ]).toEqual([201, 403]);
  });

  test.each(["nonsense", "", " ", "*"])("is refused with the tenant %j", async (tenantId) => {
    const { ask } = await both();
    expect(await ask(at(tenantId))).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });

  test("is refused for an organization that is not theirs, exactly as for one that does not exist", async () => {
    const { ask } = await both();
    const third = await newTenant(home.backend);
    const [foreign, missing] = [await ask(at(third.organizationId)), await ask(at("nonsense"))];
    expect([foreign.status, foreign.body.error]).toEqual([403, missing.body.error]);
  });
});

describe("a user of one organization", () => {
  test("need not name it, and may", async () => {
    const { request } = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "viewer" },
    ]);
    expect((await request("GET", "/organization")).status).toBe(200);
    expect((await request("GET", "/organization", at(home.organizationId))).status).toBe(200);
    expect((await request("GET", "/organization", at(other.organizationId))).status).toBe(403);
  });
});

describe("a key", () => {
  test("may name its own organization, and no other", async () => {
    expect((await home.request("GET", "/organization", at(home.organizationId))).status).toBe(200);
    expect(await home.request("GET", "/organization", at(other.organizationId))).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
  });
});

describe("an invitation", () => {
  type Membership = { organizationId: Id<"organizations">; role: "member"; status?: "invited" };
  const invited = (organizationId: Id<"organizations">): Membership => ({
    organizationId,
    role: "member",
    status: "invited",
  });
  const active = (organizationId: Id<"organizations">): Membership => ({
    organizationId,
    role: "member",
  });

  test("is no membership yet", async () => {
    const { request } = await newMember(home.backend, [invited(home.organizationId)]);
    expect(await request("GET", "/organization")).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect((await request("GET", "/organization", at(home.organizationId))).status).toBe(403);
  });

  test("does not stand in the way of the only membership", async () => {
    const third = await newTenant(home.backend);
    const memberships = [
      invited(home.organizationId),
      invited(other.organizationId),
      active(third.organizationId),
    ];
    const { request } = await newMember(home.backend, memberships);
    const answer = await request("GET", "/organization");
    expect([answer.status, (answer.body.data as { id: string } | null)?.id]).toEqual([
      200,
      third.organizationId,
    ]);
  });

  test("does not hide that there are two memberships", async () => {
    const third = await newTenant(home.backend);
    const memberships = [
      invited(home.organizationId),
      active(other.organizationId),
      active(third.organizationId),
    ];
    const { request } = await newMember(home.backend, memberships);
    expect((await request("GET", "/organization")).paths).toEqual(["headers.X-Tenant-Id"]);
  });
});

test("a user without any organization is FORBIDDEN", async () => {
  const { request } = await newMember(home.backend, []);
  expect(await request("GET", "/organization")).toMatchObject({ status: 403, code: "FORBIDDEN" });
});

test("an ended session is UNAUTHORIZED", async () => {
  const { request, userId } = await newMember(home.backend, [
    { organizationId: home.organizationId, role: "owner" },
  ]);
  await home.backend.run(async ({ db }) => {
    const sessions = await db.query("sessions").collect();
    for (const session of sessions.filter((row) => row.userId === userId)) {
      await db.patch("sessions", session._id, { revokedAt: 1 });
    }
  });
  expect((await request("GET", "/organization")).code).toBe("UNAUTHORIZED");
});

test("a membership that ends, ends what the user may do, at once", async () => {
  const { request, userId } = await newMember(home.backend, [
    { organizationId: home.organizationId, role: "owner" },
  ]);
  await home.backend.run(async ({ db }) => {
    const rows = await db.query("memberships").collect();
    for (const row of rows.filter((membership) => membership.userId === userId))
      await db.delete("memberships", row._id);
  });
  expect((await request("GET", "/organization")).code).toBe("FORBIDDEN");
});

test.each(["Bearer", "bearer", "BEARER"])("the scheme may be written %s", async (scheme) => {
  const headers = { Authorization: `${scheme} ${home.apiKey}` };
  expect((await home.request("GET", "/organization", { token: null, headers })).status).toBe(200);
});
