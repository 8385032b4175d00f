import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { readSubject } from "../../convex/delivery/subjects";
import type { Role } from "../../convex/kit/scopes";
import { type Fixture, type Member, newBackend, newMember } from "../helpers/backend";

let home: Fixture;
let lead: Member;
let other: Member;

const member = async (role: Role): Promise<Member> =>
  await newMember(home.backend, [{ organizationId: home.organizationId, role }]);

beforeEach(async () => {
  vi.useFakeTimers();
  home = await newBackend();
  lead = await member("member");
  other = await member("member");
});

afterEach(() => {
  vi.useRealTimers();
});

async function carriedOut(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    vi.advanceTimersByTime(10);
    await home.backend.finishInProgressScheduledFunctions();
  }
}

async function addressed({ userId }: Member, name: string): Promise<string> {
  const email = `${name}@x.test`;
  const known = { email, emailKey: email, username: name };
  await home.backend.run(async (ctx) => {
    await ctx.db.patch("users", userId, known);
  });
  return email;
}

async function project(more: object = {}, by: Pick<Member, "request"> = lead): Promise<string> {
  const body = { subtype: "internal", name: "Relaunch", visibility: "team", ...more };
  return (await by.request("POST", "/projects", { body })).body.data.id;
}

type Row = { userId: string | null; inviteId: string | null; role: string; status: string };
async function team(id: string): Promise<Row[]> {
  return (await home.request("GET", `/projects/${id}/team`)).body.data as unknown as Row[];
}

type Pulled = { changes: { id: string; op: string }[]; nextCursor: string };
async function pull(by: Member, cursor = ""): Promise<Pulled> {
  const { body } = await by.request("GET", `/sync/pull${cursor && `?cursor=${cursor}`}`);
  return body.data as unknown as Pulled;
}

const invite = async (
  by: Pick<Member, "request">,
  id: string,
  body: object,
): ReturnType<Member["request"]> =>
  await by.request("POST", `/projects/${id}/team/invite`, { body });

describe("a project's team", () => {
  test("begins with who made it; a member of the organization is in at once, and told", async () => {
    const id = await project();
    expect(await team(id)).toMatchObject([{ userId: lead.userId, role: "lead", status: "active" }]);
    await addressed(other, "bobo");
    const before = await pull(other);
    const answer = await invite(lead, id, { username: "bobo", role: "observer" });
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({
      ...{ userId: other.userId, inviteId: null, email: "bobo@x.test", username: "bobo" },
      ...{ role: "observer", status: "active", hourlyRateInCents: null },
    });
    expect((await invite(lead, id, { username: "bobo" })).status).toBe(409);
    expect((await other.request("GET", `/projects/${id}`)).status).toBe(200);
    await carriedOut();
    expect((await pull(other, before.nextCursor)).changes).toMatchObject([{ id, op: "upsert" }]);
    const told = await home.backend.run(
      async (ctx) => await ctx.db.query("notifications").collect(),
    );
    expect(told).toMatchObject([
      { userId: other.userId, data: { title: "You are in the team of the project Relaunch" } },
    ]);
  });

  test("who is removed or leaves is told by sync to forget the project, and finds it nowhere", async () => {
    const id = await project();
    const email = await addressed(other, "bobo");
    await invite(lead, id, { email });
    await carriedOut();
    const before = await pull(other);
    const path = `/projects/${id}/team/${other.userId}`;
    expect((await other.request("DELETE", path)).status).toBe(204);
    expect((await other.request("GET", `/projects/${id}`)).status).toBe(404);
    await carriedOut();
    const after = await pull(other, before.nextCursor);
    expect(after.changes).toEqual([{ type: "project", id, op: "remove", data: null }]);
    expect((await invite(lead, id, { email })).status).toBe(201);
    await carriedOut();
    expect((await pull(other, after.nextCursor)).changes).toMatchObject([{ id, op: "upsert" }]);
  });

  test("somebody from outside is invited to organization and project, and accepts both at once", async () => {
    const id = await project();
    const stranger = await newMember(home.backend, []);
    const email = await addressed(stranger, "cy");
    const answer = await invite(home, id, { email, role: "member" });
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({ userId: null, email, status: "invited" });
    expect((await invite(home, id, { email })).status).toBe(409);
    const inviteId = (await team(id))[1]?.inviteId ?? "";
    // The list of invites has no token: it is sent again to get one.
    const owner = await member("owner");
    const tenant = `/tenants/${home.organizationId}`;
    const sent = await owner.request("POST", `${tenant}/invites/${inviteId}/resend`);
    const { token } = sent.body.data as unknown as { token: string };
    const accepted = await stranger.request("POST", "/tenants/invites/accept", { body: { token } });
    expect(accepted.status).toBe(200);
    expect((await team(id))[1]).toMatchObject({ userId: stranger.userId, status: "active" });
    expect((await stranger.request("GET", `/projects/${id}`)).status).toBe(200);
    await owner.request("DELETE", `${tenant}/members/${stranger.userId}`);
    expect(await team(id)).toMatchObject([{ userId: lead.userId }]);
  });

  test("a revoked invite takes the place in the project with it", async () => {
    const id = await project();
    const made = await invite(home, id, { email: "dee@x.test" });
    const { inviteId } = made.body.data as unknown as Row;
    const owner = await member("owner");
    await owner.request("DELETE", `/tenants/${home.organizationId}/invites/${inviteId ?? ""}`);
    expect(await team(id)).toHaveLength(1);
  });

  test("a username that is nobody's is an error of that field", async () => {
    const answer = await invite(lead, await project(), { username: "nobody-here" });
    expect([answer.status, answer.paths]).toEqual([400, ["body.username"]]);
  });

  test("has a lead: the last one neither goes nor steps down before another leads", async () => {
    const id = await project();
    const email = await addressed(other, "bobo");
    await invite(lead, id, { email });
    const [own, others] = [lead, other].map(({ userId }) => `/projects/${id}/team/${userId}`) as [
      string,
      string,
    ];
    expect((await lead.request("DELETE", own)).status).toBe(409);
    expect((await lead.request("PATCH", own, { body: { role: "member" } })).status).toBe(409);
    expect((await other.request("PATCH", others, { body: { role: "lead" } })).status).toBe(403);
    expect((await other.request("DELETE", own)).status).toBe(403);
    const rate = { role: "lead", hourlyRateInCents: 9500 };
    expect((await lead.request("PATCH", others, { body: rate })).body.data).toMatchObject(rate);
    expect((await lead.request("PATCH", own, { body: { role: "observer" } })).status).toBe(200);
    expect((await lead.request("DELETE", own)).status).toBe(204);
    expect(await team(id)).toMatchObject([{ userId: other.userId, role: "lead" }]);
  });

  test("files and conflicts of a project are for who sees it", async () => {
    const id = await project();
    const body = { url: "https://files.example.com/plan.pdf", ownerId: id };
    const file = (await lead.request("POST", "/attachments", { body })).body.data.id;
    expect((await other.request("GET", "/attachments")).body.data).toEqual([]);
    expect((await other.request("GET", `/attachments/${file}`)).status).toBe(404);
    expect((await other.request("DELETE", `/attachments/${file}`)).status).toBe(404);
    expect((await lead.request("GET", "/attachments")).body.data).toHaveLength(1);
  });

  test("tasks are seen by who sees their project", async () => {
    const id = await project();
    const body = { title: "Secret task" };
    const made = await lead.request("POST", `/projects/${id}/tasks`, { body });
    expect(made.status).toBe(201);
    const task = made.body.data.id;
    for (const query of ["", "?search=secret", `?ids=${task}`, `?projectId=${id}`]) {
      expect((await lead.request("GET", `/tasks${query}`)).body.data).toHaveLength(1);
      expect((await other.request("GET", `/tasks${query}`)).body.data).toEqual([]);
    }
    expect((await other.request("GET", `/projects/${id}/tasks/${task}`)).status).toBe(404);
    expect((await pull(other)).changes.map((change) => change.id)).not.toContain(task);
    const before = await pull(other);
    await lead.request("PATCH", `/projects/${id}`, { body: { visibility: "organization" } });
    await carriedOut();
    const ids = (await pull(other, before.nextCursor)).changes.map((change) => change.id);
    expect(new Set(ids)).toEqual(new Set([id, task]));
  });

  test("who was a manager sees less as a member, and devices forget it", async () => {
    const id = await project();
    const manager = await member("manager");
    const owner = await member("owner");
    const before = await pull(manager);
    expect(before.changes.map((change) => change.id)).toContain(id);
    const path = `/tenants/${home.organizationId}/members/${manager.userId}`;
    expect((await owner.request("PATCH", path, { body: { role: "member" } })).status).toBe(200);
    await carriedOut();
    expect((await pull(manager, before.nextCursor)).changes).toMatchObject([{ id, op: "remove" }]);
    expect((await manager.request("GET", `/projects/${id}`)).status).toBe(404);
  });
});

describe("assignees", () => {
  test("see the project when they are assigned; who loses sight of it is not mailed any more", async () => {
    const id = await project();
    const create = async (title: string): ReturnType<Member["request"]> =>
      await lead.request("POST", `/projects/${id}/tasks`, {
        body: { title, assigneeIds: [lead.userId, other.userId] },
      });
    const refused = await create("Secret");
    expect(refused.code).toBe("VALIDATION_ERROR");
    expect(refused.body.error.details).toMatchObject([{ path: "body.assigneeIds.1" }]);
    await invite(lead, id, { email: await addressed(other, "olaf") });
    const settings = { events: { "task.assigned": { email: true } } };
    await other.request("PATCH", "/notifications/settings", { body: settings });
    expect((await create("Secret")).status).toBe(201);
    const { organizationId } = home;
    await home.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
    const letter = await home.backend.run(async ({ db }) => {
      const all = await db.query("notifications").collect();
      return all.find(({ channel, template }) => channel === "email" && template === "notice");
    });
    if (!letter) throw new Error("Nothing was queued.");
    const read = async (): Promise<object> =>
      await home.backend.run(async (ctx) => {
        const organization = await ctx.db.get("organizations", organizationId);
        if (!organization) throw new Error("There is no organization.");
        return await readSubject(ctx, organization, letter);
      });
    expect(await read()).not.toHaveProperty("withdrawn");
    const third = await member("member");
    const mailsOf = async ({ request }: Member): Promise<string[]> => {
      const { body } = await request("GET", "/notifications?channel=email");
      return (body.data as unknown as { id: string }[]).map(({ id }) => id);
    };
    expect([await mailsOf(third), await mailsOf(other)]).toEqual([[], [letter._id]]);
    expect((await third.request("GET", `/notifications/${letter._id}`)).status).toBe(404);
    const about = `/notifications?objectId=${letter.objectId}`;
    expect((await third.request("GET", about)).body.data).toEqual([]);
    await lead.request("DELETE", `/projects/${id}/team/${other.userId}`);
    expect(await read()).toEqual({ withdrawn: "Its reader does not see the project any more." });
  });

  test("who leaves the organization holds nothing that is open; what they did says so still", async () => {
    const id = await project({ visibility: "organization" });
    const make = async (title: string): Promise<string> => {
      const body = { title, assigneeIds: [other.userId] };
      return (await lead.request("POST", `/projects/${id}/tasks`, { body })).body.data.id;
    };
    const [open, done] = [await make("Open"), await make("Done")];
    await lead.request("PATCH", `/tasks/${done}`, { body: { status: "done" } });
    const owner = await member("owner");
    const path = `/tenants/${home.organizationId}/members/${other.userId}`;
    expect((await owner.request("DELETE", path)).status).toBe(204);
    await carriedOut();
    const held = async (task: string): Promise<unknown> => {
      const { body } = await lead.request("GET", `/tasks/${task}`);
      return (body.data as unknown as { assigneeIds: string[] }).assigneeIds;
    };
    expect([await held(open), await held(done)]).toEqual([[], [other.userId]]);
  });
});

describe("what a role may do", () => {
  test("a viewer leaves by themselves, and removes nobody else", async () => {
    const id = await project();
    const viewer = await member("viewer");
    await invite(lead, id, { email: await addressed(viewer, "vera") });
    const at = `/projects/${id}/team`;
    expect((await viewer.request("DELETE", `${at}/${lead.userId}`)).code).toBe(
      "INSUFFICIENT_SCOPE",
    );
    expect((await viewer.request("DELETE", `${at}/${viewer.userId}`)).status).toBe(204);
    expect((await team(id)).map(({ userId }) => userId)).toEqual([lead.userId]);
  });

  test("an observer sees tasks and changes none; who sees a project is its leads' to say", async () => {
    const id = await project({ visibility: "organization" });
    const body = { email: await addressed(other, "olaf"), role: "observer" };
    expect((await invite(lead, id, body)).status).toBe(201);
    const made = await lead.request("POST", `/projects/${id}/tasks`, { body: { title: "Draft" } });
    const task = `/tasks/${made.body.data.id}`;
    expect((await other.request("GET", task)).status).toBe(200);
    const refused = [
      await other.request("POST", `/projects/${id}/tasks`, { body: { title: "Mine" } }),
      await other.request("PATCH", task, { body: { title: "Mine" } }),
      await other.request("POST", `${task}/move`, { body: { status: "done" } }),
      await other.request("DELETE", task),
      await other.request("PATCH", `/projects/${id}`, { body: { name: "Mine" } }),
      await other.request("POST", `/projects/${id}/archive`),
      await other.request("POST", `/projects/${id}/tags`, { body: { name: "Mine" } }),
      await other.request("POST", `${task}/attachments`, { body: { url: "https://x.test/a" } }),
      await other.request("POST", "/attachments", {
        body: { url: "https://x.test/a", ownerId: id },
      }),
    ];
    expect(refused.map(({ code }) => code)).toEqual(refused.map(() => "FORBIDDEN"));
    const items = [{ title: "Mine" }, { id: made.body.data.id, title: "Mine" }];
    const bulk = await other.request("POST", `/projects/${id}/tasks/bulk`, { body: { items } });
    const { results } = bulk.body.data as unknown as { results: { error?: { code: string } }[] };
    expect(results.map(({ error }) => error?.code)).toEqual(["FORBIDDEN", "FORBIDDEN"]);
    const third = await member("member");
    const closing = { body: { visibility: "team" } };
    expect((await third.request("PATCH", `/projects/${id}`, closing)).status).toBe(403);
    expect((await third.request("PATCH", task, { body: { title: "Plan" } })).status).toBe(200);
    expect((await lead.request("PATCH", `/projects/${id}`, closing)).status).toBe(200);
  });
});
