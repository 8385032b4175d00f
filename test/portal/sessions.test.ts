import { beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { portalToken, signIn } from "./portal";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_750_000_000_000 });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

const DAYS = 24 * 60 * 60 * 1000;

async function status(token: string): Promise<number> {
  return (await home.request("GET", "/auth/user", { token })).status;
}

describe("portal sessions", () => {
  test("are listed newest first, of all users or of one, without their tokens", async () => {
    const ada = (await signIn(home, { email: "ada@x.test" })).body;
    const again = (await signIn(home, { email: "ada@x.test" })).body;
    const bob = (await signIn(home, { email: "bob@x.test" })).body;
    const all = await home.request("GET", "/portal/sessions");
    expect(all.body.data.map(({ userId }) => userId)).toEqual([bob._id, ada._id, ada._id]);
    const hers = await home.request("GET", `/portal/sessions?userId=${ada._id}`);
    expect([hers.body.data.length, hers.body.meta.total]).toEqual([2, 2]);
    expect(Object.keys(hers.body.data[0] ?? {}).sort()).toEqual([
      "createdAt",
      "createdBy",
      "expiresAt",
      "id",
      "userId",
    ]);
    for (const { sessionToken } of [ada, again, bob]) expect(all.text).not.toContain(sessionToken);
    const paged = await home.request("GET", "/portal/sessions?limit=2");
    const rest = await home.request(
      "GET",
      `/portal/sessions?limit=2&cursor=${paged.body.meta.nextCursor ?? ""}`,
    );
    expect([paged.body.data.length, rest.body.data.length, rest.body.meta.nextCursor]).toEqual([
      2,
      1,
      null,
    ]);
  });

  test("are ended by staff and keys with portal:write, one or all of a user, at once", async () => {
    const tokens = [
      await portalToken(home, "ada@x.test"),
      await portalToken(home, "ada@x.test"),
      await portalToken(home, "ada@x.test"),
    ] as const;
    const bob = await portalToken(home, "bob@x.test");
    const { data } = (await home.request("GET", "/portal/sessions")).body;
    const oldest = data.at(-1);
    expect((await home.request("DELETE", `/portal/sessions/${oldest?.id ?? ""}`)).status).toBe(204);
    expect([await status(tokens[0]), await status(tokens[1])]).toEqual([401, 200]);
    expect((await home.request("DELETE", `/portal/sessions/${oldest?.id ?? ""}`)).code).toBe(
      "PORTAL_SESSION_NOT_FOUND",
    );

    const manager = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "manager" },
    ]);
    const ended = await manager.request("DELETE", `/portal/users/${oldest?.userId ?? ""}/sessions`);
    expect(ended.status).toBe(204);
    expect([await status(tokens[1]), await status(tokens[2]), await status(bob)]).toEqual([
      401, 401, 200,
    ]);
  });

  test("are out of reach of other organizations, viewers and keys without the scope", async () => {
    await portalToken(home, "ada@x.test");
    const { id = "" } = (await home.request("GET", "/portal/sessions")).body.data[0] ?? {};
    const other = await newTenant(home.backend);
    expect((await other.request("DELETE", `/portal/sessions/${id}`)).status).toBe(404);
    expect((await other.request("GET", "/portal/sessions")).body.data).toEqual([]);
    const viewer = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "viewer" },
    ]);
    expect((await viewer.request("GET", "/portal/sessions")).status).toBe(200);
    expect((await viewer.request("DELETE", `/portal/sessions/${id}`)).code).toBe(
      "INSUFFICIENT_SCOPE",
    );
    const key = await newKey(home.backend, home.organizationId, ["crm:read"]);
    expect((await key.request("GET", "/portal/sessions")).code).toBe("INSUFFICIENT_SCOPE");
  });

  test("end with their time, by the clock of the request and by the scheduled mutation", async () => {
    const token = await portalToken(home, "ada@x.test");
    const rows = await home.backend.run(
      async ({ db }) => await db.query("frontendSessions").collect(),
    );
    const sessionId = rows[0]?._id;
    if (!sessionId) throw new Error("There is no session.");
    await home.backend.mutation(internal.expiry.endPortalSession, { sessionId });
    vi.setSystemTime(Date.now() + 30 * DAYS - 1);
    expect(await status(token)).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    expect(await status(token)).toBe(401);
    await home.backend.mutation(internal.expiry.endPortalSession, { sessionId });
    const left = await home.backend.run(
      async ({ db }) => await db.query("frontendSessions").collect(),
    );
    expect(left).toEqual([]);
  });

  test("have their end scheduled with their beginning", async () => {
    await portalToken(home, "ada@x.test");
    const scheduled = await home.backend.run(
      async ({ db }) => await db.system.query("_scheduled_functions").collect(),
    );
    const ends = scheduled.filter(({ name }) => name.includes("endPortalSession"));
    expect(ends.map(({ scheduledTime }) => scheduledTime)).toEqual([Date.now() + 30 * DAYS]);
  });

  test("are twenty per user at most: the oldest gives way", async () => {
    const first = await portalToken(home, "ada@x.test");
    const second = await portalToken(home, "ada@x.test");
    for (let n = 0; n < 19; n++) await portalToken(home, "ada@x.test");
    expect([await status(first), await status(second)]).toEqual([401, 200]);
    expect((await home.request("GET", "/portal/sessions")).body.data.length).toBe(20);
  });

  test("are ended by their own user's sign-out, alone", async () => {
    const [here, there] = [
      await portalToken(home, "ada@x.test"),
      await portalToken(home, "ada@x.test"),
    ];
    expect((await home.request("POST", "/auth/sign-out", { token: here })).status).toBe(204);
    expect([await status(here), await status(there)]).toEqual([401, 200]);
  });

  test("end when the user is deleted, and who signs in again is a new user", async () => {
    const before = (await signIn(home, { email: "ada@x.test" })).body;
    expect((await home.request("DELETE", `/portal/users/${before._id}`)).status).toBe(204);
    expect(await status(before.sessionToken)).toBe(401);
    const after = await signIn(home, { email: "ada@x.test" });
    expect([after.status, after.body._id === before._id]).toEqual([201, false]);
  });

  test("leave an audit entry when they begin and when they are ended", async () => {
    const user = (await signIn(home, { email: "ada@x.test" })).body;
    await home.request("DELETE", `/portal/users/${user._id}/sessions`);
    const audit = await home.backend.run(async ({ db }) => await db.query("auditLogs").collect());
    const actions = audit
      .filter(({ objectId }) => objectId === user._id)
      .map(({ action }) => action);
    expect(actions).toEqual([
      "frontend_user.created",
      "frontend_user.signed_in",
      "frontend_user.signed_out",
    ]);
  });
});
