import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { Role } from "../../convex/kit/scopes";
import { type Fixture, type Member, newBackend, newMember } from "../helpers/backend";

let home: Fixture;
let lead: Member;
let other: Member;
let viewer: Member;
let manager: Member;

const member = async (role: Role): Promise<Member> =>
  await newMember(home.backend, [{ organizationId: home.organizationId, role }]);

beforeEach(async () => {
  vi.useFakeTimers();
  home = await newBackend();
  lead = await member("member");
  other = await member("member");
  viewer = await member("viewer");
  manager = await member("manager");
});

afterEach(() => {
  vi.useRealTimers();
});

async function project(name: string, more: object = {}, by = lead): Promise<string> {
  const body = { subtype: "internal", name, ...more };
  const answer = await by.request("POST", "/projects", { body });
  expect(answer.status).toBe(201);
  return answer.body.data.id;
}

async function names(by: Member, query = ""): Promise<string[]> {
  const { body } = await by.request("GET", `/projects${query}`);
  return (body.data as unknown as { name: string }[]).map(({ name }) => name);
}

type Pulled = {
  changes: { id: string; op: string; data: unknown; version?: number }[];
  nextCursor: string;
};
async function pull(by: Member, cursor = ""): Promise<Pulled> {
  const { body } = await by.request("GET", `/sync/pull${cursor && `?cursor=${cursor}`}`);
  return body.data as unknown as Pulled;
}

async function carriedOut(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    vi.advanceTimersByTime(10);
    await home.backend.finishInProgressScheduledFunctions();
  }
}

describe("a project that is its team's alone", () => {
  test("is found by its team, owners, managers and keys, and by nobody else in any way", async () => {
    const id = await project("Secret relaunch", { visibility: "team" });
    await project("Open relaunch");
    for (const who of [other, viewer]) {
      expect(await names(who)).toEqual(["Open relaunch"]);
      expect(await names(who, "?search=relaunch")).toEqual(["Open relaunch"]);
      expect(await names(who, "?sort=name")).toEqual(["Open relaunch"]);
      expect(await names(who, "?status=draft&subtype=internal")).toEqual(["Open relaunch"]);
      expect(await names(who, `?ids=${id}`)).toEqual([]);
      expect((await who.request("GET", `/projects/${id}`)).body.error?.code).toBe(
        "PROJECT_NOT_FOUND",
      );
      const { organizationId } = home;
      const asked = { sessionId: who.sessionToken, organizationId };
      const live = await home.backend.query(api.projectOntology.getProjects, asked);
      expect(live.map(({ name }) => name)).toEqual(["Open relaunch"]);
      const one = { sessionId: who.sessionToken, projectId: id };
      await expect(home.backend.query(api.projectOntology.getProject, one)).rejects.toThrow();
      const pulled = await pull(who);
      expect(pulled.changes.map((change) => change.id)).not.toContain(id);
    }
    for (const who of [lead, manager]) {
      expect((await names(who)).sort()).toEqual(["Open relaunch", "Secret relaunch"]);
      expect((await who.request("GET", `/projects/${id}`)).status).toBe(200);
      expect((await pull(who)).changes.map((change) => change.id)).toContain(id);
    }
    expect((await home.request("GET", `/projects/${id}`)).status).toBe(200);
  });

  test("is neither changed, referred to nor pushed to by who does not see it", async () => {
    const id = await project("Secret", { visibility: "team" });
    const body = { name: "Mine" };
    expect((await other.request("PATCH", `/projects/${id}`, { body })).status).toBe(404);
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const sale = { type: "b2c_single", lineItems: [line], billTo: { name: "Ada" }, projectId: id };
    expect((await other.request("POST", "/invoices", { body: sale })).status).toBe(404);
    const device = { deviceId: "d1", name: "Phone", platform: "ios", appVersion: "1.0" };
    await other.request("POST", `/tenants/${home.organizationId}/activate`, { body: device });
    const change = {
      changeId: "c1",
      op: "upsert",
      type: "project",
      id,
      clientUpdatedAt: Date.now(),
    };
    const push = { deviceId: "d1", changes: [{ ...change, data: { customProperties: body } }] };
    const pushed = await other.request("POST", "/sync/push", { body: push });
    expect(pushed.body.data).toMatchObject({
      results: [{ status: "refused", error: { code: "PROJECT_NOT_FOUND" } }],
    });
    expect((await lead.request("GET", `/projects/${id}`)).body.data).toMatchObject({
      name: "Secret",
    });
  });

  test("is forgotten by devices when it becomes so, and comes again when it is everybody's", async () => {
    const id = await project("Relaunch");
    const first = await pull(other);
    expect(first.changes).toMatchObject([{ id, op: "upsert" }]);
    const late = await member("member");
    const body = { visibility: "team" };
    expect((await other.request("PATCH", `/projects/${id}`, { body })).status).toBe(403);
    const closed = await lead.request("PATCH", `/projects/${id}`, { body });
    expect(closed.body.data).toMatchObject({ version: 2, customProperties: body });
    await carriedOut();
    const second = await pull(other, first.nextCursor);
    expect(second.changes).toEqual([{ type: "project", id, op: "remove", data: null }]);
    expect((await pull(late)).changes.map(({ op }) => op)).not.toContain("upsert");
    const open = { visibility: "organization" };
    await lead.request("PATCH", `/projects/${id}`, { body: open });
    await carriedOut();
    const third = await pull(other, second.nextCursor);
    expect(third.changes).toMatchObject([{ id, op: "upsert", version: 3 }]);
    expect(await names(other)).toEqual(["Relaunch"]);
  });

  test("a page of a list is filled from what is seen, and its cursor goes on", async () => {
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await project(`P${n}`, n % 2 === 0 ? { visibility: "team" } : {});
    }
    const first = await other.request("GET", "/projects?limit=2");
    const seen = (first.body.data as unknown as { name: string }[]).map(({ name }) => name);
    expect(seen).toEqual(["P5", "P3"]);
    expect(first.body.meta).toMatchObject({ total: null });
    expect(await names(other, `?limit=2&cursor=${first.body.meta?.nextCursor ?? ""}`)).toEqual([
      "P1",
    ]);
  });

  test("rows of before the field are everybody's", async () => {
    const id = await project("Old");
    await home.backend.run(async (ctx) => {
      const row = await ctx.db.get("objects", id as Id<"objects">);
      if (row?.type !== "project") throw new Error("No project.");
      const { visibility: _visibility, ...customProperties } = row.customProperties;
      await ctx.db.patch("objects", row._id, { customProperties });
    });
    const { body } = await viewer.request("GET", `/projects/${id}`);
    expect(body.data).toMatchObject({ customProperties: { visibility: "organization" } });
  });
});
