import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { Role } from "../../convex/kit/scopes";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, type Member, newBackend, newMember } from "../helpers/backend";
import { contact, portalToken, project } from "../portal/portal";
import { newDevice } from "../sync/devices";

let home: Fixture;
let mara: Member;
let other: Member;

const member = async (username: string, role: Role = "member"): Promise<Member> => {
  const made = await newMember(home.backend, [{ organizationId: home.organizationId, role }]);
  await home.backend.run(async (ctx) => {
    const email = `${username}@x.test`;
    await ctx.db.patch("users", made.userId, { username, name: username, email });
  });
  return made;
};

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
  mara = await member("mara");
  other = await member("other");
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

type Said = Record<string, unknown> & { id: string };

async function newProject(more: object = {}, by: Request = mara.request): Promise<string> {
  const body = { subtype: "internal", name: "Relaunch", ...more };
  return (await by("POST", "/projects", { body })).body.data.id;
}

async function newTask(projectId: string, more: object = {}): Promise<string> {
  const body = { projectId, title: "Draft", ...more };
  return (await home.request("POST", "/tasks", { body })).body.data.id;
}

async function say(by: Request, body: object, token?: string): Promise<Answer> {
  return await by("POST", "/comments", { body, ...(token ? { token } : {}) });
}

async function said(by: Request, body: object, token?: string): Promise<Said> {
  const answer = await say(by, body, token);
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data as unknown as Said;
}

async function bodies(by: Request, query = "", token?: string): Promise<string[]> {
  const answer = await by("GET", `/comments${query}`, token ? { token } : {});
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.data as unknown as { body: string }[]).map(({ body }) => body);
}

async function inbox(by: Member): Promise<string[]> {
  await carriedOut();
  const { body } = await by.request("GET", "/notifications");
  return (body.data as unknown as { template: string }[]).map(({ template }) => template);
}

describe("a comment", () => {
  test("takes its project from what it is about, and is found by that", async () => {
    const projectId = await newProject();
    const taskId = await newTask(projectId);
    const first = await said(mara.request, { entityType: "task", entityId: taskId, body: "Hello" });
    expect(first).toMatchObject({
      ...{ projectId, entityType: "task", entityId: taskId, body: "Hello", parentId: null },
      ...{ visibility: "internal", author: { type: "user", id: mara.userId, name: "mara" } },
      ...{ mentions: [], unreachedMentions: [], isStarred: false, starCount: 0, editedAt: null },
    });
    const path = `/projects/${projectId}/comments`;
    const nested = await mara.request("POST", path, { body: { body: "On the whole" } });
    expect(nested.body.data).toMatchObject({ entityType: "project", entityId: projectId });
    const contactId = (await contact(home, "ada@acme.test")).contactId;
    // A record's own type will do.
    await said(home.request, { entityType: "crm_contact", entityId: contactId, body: "A lead" });
    expect(await bodies(mara.request, `?entityType=task&entityId=${taskId}`)).toEqual(["Hello"]);
    expect(await bodies(mara.request, `?entity_type=contact&entity_id=${contactId}`)).toEqual([
      "A lead",
    ]);
    const listed = await mara.request("GET", path);
    expect(listed.body.meta).toMatchObject({ total: 2 });
    const own = await mara.request("GET", `${path}?entityId=${projectId}`);
    expect([own.body.data.length, own.body.meta?.total]).toEqual([1, 1]);
    const found = await mara.request("GET", "/search/comments?q=hello");
    expect(found.body.data).toMatchObject([{ body: "Hello", highlights: [{ field: "body" }] }]);
    const { organizationId } = home;
    const asked = { sessionId: mara.sessionToken, organizationId, entityId: taskId };
    const live = await home.backend.query(api.commentOntology.getComments, asked);
    expect(live).toMatchObject([{ body: "Hello", isStarred: false, starCount: 0 }]);
    const { entityId: _entity, ...all } = { ...asked, entityType: "crm_contact" as never };
    const ofContacts = await home.backend.query(api.commentOntology.getComments, all);
    expect(ofContacts.map(({ body }) => body)).toEqual(["A lead"]);
  });

  test("names in its field what is wrong with it", async () => {
    const projectId = await newProject();
    const elsewhere = await newTask(await newProject());
    const about = { entityType: "project", entityId: projectId };
    const parentId = (await said(mara.request, { ...about, body: "One" })).id;
    const reply = (await said(mara.request, { parentId, body: "Two" })).id;
    const fault = async (body: object, path = "/comments"): Promise<unknown> => {
      const { status, body: answer } = await mara.request("POST", path, { body });
      const details = answer.error?.details as unknown;
      return [status, ([details].flat()[0] as { path: string }).path];
    };
    expect(await fault({ ...about, body: " \u200b " })).toEqual([400, "body.body"]);
    const script = "![x](javascript:alert(1))<script>alert(1)</script>".repeat(2000);
    expect(await fault({ ...about, body: script })).toEqual([400, "body.body"]);
    expect(await fault({ body: "About nothing" })).toEqual([400, "body.entityId"]);
    expect(await fault({ parentId: reply, body: "Three" })).toEqual([400, "body.parentId"]);
    expect(await fault({ entityType: "task", entityId: elsewhere, parentId, body: "x" })).toEqual([
      ...[400, "body.parentId"],
    ]);
    const task = { entityType: "task", entityId: elsewhere, body: "x" };
    const path = `/projects/${projectId}/comments`;
    expect(await fault(task, path)).toEqual([404, "body.entityId"]);
    expect(await fault({ entityType: "task", entityId: projectId, body: "x" })).toEqual([
      ...[404, "body.entityId"],
    ]);
    const names = Array.from({ length: 51 }, (_, n) => `@some-body-${n}`).join(" ");
    expect(await fault({ ...about, body: names })).toEqual([400, "body.body"]);
  });

  test("is changed by who wrote it alone, marked, and keeps what it said", async () => {
    const projectId = await newProject();
    const { id } = await said(mara.request, { entityId: projectId, body: "First" });
    const body = { body: "Second" };
    for (const by of [other.request, home.request]) {
      expect((await by("PATCH", `/comments/${id}`, { body })).status).toBe(403);
    }
    const edited = await mara.request("PATCH", `/comments/${id}`, { body });
    expect(edited.body.data).toMatchObject({ body: "Second", version: 2 });
    expect((edited.body.data as unknown as Said)["editedAt"]).toEqual(expect.any(Number));
    await mara.request("PATCH", `/comments/${id}`, { body });
    await home.backend.run((ctx) =>
      ctx.db.patch("users", mara.userId, { mergedInto: other.userId }),
    );
    expect((await other.request("PATCH", `/comments/${id}`, { body })).status).toBe(200);
    const history = await other.request("GET", `/comments/${id}/history`);
    expect(history.body.data).toMatchObject([{ body: "First" }]);
  });

  test("is deleted by its author, the project's lead and who manages, with its replies", async () => {
    const projectId = await newProject();
    const about = { entityId: projectId };
    const write = async (): Promise<string> =>
      (await said(other.request, { ...about, body: "One" })).id;
    const third = await member("third");
    const parentId = await write();
    await said(mara.request, { parentId, body: "A reply" });
    expect((await third.request("DELETE", `/comments/${parentId}`)).status).toBe(403);
    expect((await mara.request("DELETE", `/comments/${parentId}`)).status).toBe(204);
    // At once, and not only when a job has been there.
    expect(await bodies(mara.request)).toEqual([]);
    await carriedOut();
    const left = await home.backend.run(
      async ({ db }) =>
        (await db.query("objects").collect()).filter(
          ({ type, lifecycle }) => type === "comment" && lifecycle === "live",
        ).length,
    );
    expect(left).toBe(0);
    expect(await home.backend.run(({ db }) => db.query("hiddenComments").collect())).toEqual([]);
    const manager = await member("boss", "manager");
    for (const by of [other, manager]) {
      expect((await by.request("DELETE", `/comments/${await write()}`)).status).toBe(204);
    }
  });

  test("an answer to an internal one is internal, whatever was sent", async () => {
    const ada = await contact(home, "ada@acme.test");
    const { id: entityId } = await project(home, { contactIds: [ada.contactId] });
    const parentId = (await said(mara.request, { entityId, body: "Between us" })).id;
    const reply = await said(mara.request, { parentId, body: "Yes", visibility: "client" });
    expect(reply).toMatchObject({ visibility: "internal", entityId, entityType: "project" });
  });

  test("is starred by oneself, once", async () => {
    const { id } = await said(mara.request, { entityId: await newProject(), body: "Good" });
    const path = `/comments/${id}/star`;
    for (const by of [mara, mara, other]) {
      expect((await by.request("POST", path)).body.data).toEqual({ isStarred: true });
    }
    const shown = async (by: Request): Promise<unknown> =>
      (await by("GET", `/comments/${id}`)).body.data;
    expect(await shown(mara.request)).toMatchObject({ isStarred: true, starCount: 2, version: 1 });
    expect((await mara.request("DELETE", path)).status).toBe(204);
    expect((await mara.request("DELETE", path)).status).toBe(204);
    expect(await shown(mara.request)).toMatchObject({ isStarred: false, starCount: 1 });
    expect((await home.request("POST", path)).status).toBe(403);
  });
});

describe("who sees a comment", () => {
  test("of a team's project: its team; nobody else lists, gets, finds, answers or pulls it", async () => {
    const projectId = await newProject({ visibility: "team" });
    const taskId = await newTask(projectId);
    const about = { entityType: "task", entityId: taskId };
    const { id } = await said(mara.request, { ...about, body: "Secret words" });
    expect(await bodies(other.request)).toEqual([]);
    expect(await bodies(other.request, "?search=secret")).toEqual([]);
    expect((await other.request("GET", `/comments/${id}`)).code).toBe("COMMENT_NOT_FOUND");
    expect((await other.request("GET", "/search?q=secret")).body.data).toEqual([]);
    expect((await say(other.request, { ...about, body: "x" })).code).toBe("TASK_NOT_FOUND");
    expect((await say(other.request, { parentId: id, body: "x" })).code).toBe("COMMENT_NOT_FOUND");
    const { organizationId } = home;
    const asked = { sessionId: other.sessionToken, organizationId };
    expect(await home.backend.query(api.commentOntology.getComments, asked)).toEqual([]);
    const pulled = await other.request("GET", "/sync/pull");
    expect(JSON.stringify(pulled.body.data)).not.toContain(id);
    expect(await bodies(mara.request)).toEqual(["Secret words"]);
  });

  test("of what was deleted: nobody, at once, and a job removes it", async () => {
    const projectId = await newProject();
    const taskId = await newTask(projectId);
    const task = { entityType: "task", entityId: taskId };
    const { id } = await said(mara.request, { ...task, body: "On the task" });
    const ada = (await contact(home, "ada@acme.test")).contactId;
    await said(mara.request, { entityType: "contact", entityId: ada, body: "On Ada" });
    await said(mara.request, { entityId: projectId, body: "On the project" });
    await home.request("DELETE", `/tasks/${taskId}`);
    expect((await home.request("DELETE", `/crm/contacts/${ada}`)).status).toBe(204);
    expect(await bodies(home.request)).toEqual(["On the project"]);
    expect((await home.request("GET", `/comments/${id}`)).status).toBe(404);
    expect((await home.request("GET", "/search?q=task")).body.data).toEqual([]);
    expect((await say(mara.request, { parentId: id, body: "x" })).status).toBe(404);
    await home.request("DELETE", `/projects/${projectId}`);
    expect(await bodies(home.request)).toEqual([]);
    await carriedOut();
    const left = await home.backend.run(async ({ db }) =>
      (await db.query("objects").collect()).flatMap(({ type, lifecycle }) =>
        type === "comment" ? [lifecycle] : [],
      ),
    );
    expect(left).toEqual(["deleted", "deleted", "deleted"]);
  });

  test("of an invoice that comes to a team's project: from then on that team", async () => {
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const sale = { type: "b2c_single", lineItems: [line], billTo: { name: "Ada" } };
    const entityId = (await home.request("POST", "/invoices", { body: sale })).body.data.id;
    const about = { entityType: "invoice", entityId };
    await said(other.request, { ...about, body: "Too much?" });
    const projectId = await newProject({ visibility: "team" });
    const body = { projectId };
    expect((await home.request("PATCH", `/invoices/${entityId}`, { body })).status).toBe(200);
    expect(await bodies(other.request)).toEqual([]);
    await carriedOut();
    expect(await bodies(other.request)).toEqual([]);
    expect(await bodies(mara.request)).toEqual(["Too much?"]);
    expect((await say(other.request, { ...about, body: "x" })).status).toBe(403);
    const nested = await mara.request("GET", `/projects/${projectId}/comments`);
    expect(nested.body.data).toMatchObject([{ entityType: "invoice", projectId }]);
  });

  test("a customer: what is said to them of what is theirs, while it is theirs", async () => {
    const ada = await contact(home, "ada@acme.test");
    const eve = await contact(home, "eve@acme.test");
    const [hers, foreign] = [
      await portalToken(home, "ada@acme.test"),
      await portalToken(home, "eve@acme.test"),
    ];
    const { id: entityId } = await project(home, { contactIds: [ada.contactId] });
    const taskId = await newTask(entityId);
    const { request } = home;
    await said(mara.request, { entityId, body: "Between us" });
    const parentId = (await said(mara.request, { entityId, body: "For you", visibility: "client" }))
      .id;
    const onTask = { entityType: "task", entityId: taskId, visibility: "client" };
    const thread = (await said(mara.request, { ...onTask, body: "On a task" })).id;
    expect(await bodies(request, "", hers)).toEqual(["On a task", "For you"]);
    expect(await bodies(request, "", foreign)).toEqual([]);
    const listed = await request("GET", `/projects/${entityId}/comments`, { token: hers });
    expect(listed.body.data.length).toBe(2);
    const reply = await said(request, { parentId: thread, body: "Thanks" }, hers);
    expect(reply).toMatchObject({
      ...{ visibility: "client", entityType: "task", author: { type: "portal_user" } },
    });
    expect((await say(request, { entityId, body: "x", visibility: "internal" }, hers)).status).toBe(
      400,
    );
    expect((await say(request, { entityId, body: "x" }, foreign)).code).toBe("PROJECT_NOT_FOUND");
    expect((await say(request, { parentId, body: "x" }, foreign)).code).toBe("COMMENT_NOT_FOUND");
    const change = { body: { body: "Thank you" }, token: hers };
    expect((await request("PATCH", `/comments/${reply.id}`, change)).status).toBe(200);
    expect((await request("PATCH", `/comments/${parentId}`, change)).status).toBe(403);
    expect((await request("DELETE", `/comments/${parentId}`, { token: hers })).status).toBe(403);
    const found = await request("GET", "/search/comments?q=thank", { token: hers });
    expect(found.body.data.length).toBe(1);
    // The project is another customer's now.
    const moved = { body: { contactIds: [eve.contactId] } };
    await request("PATCH", `/projects/${entityId}`, moved);
    expect(await bodies(request, "", hers)).toEqual([]);
    expect((await request("GET", `/comments/${parentId}`, { token: hers })).status).toBe(404);
    await carriedOut();
    expect(await bodies(request, "", hers)).toEqual([]);
    expect(await bodies(request, "", foreign)).toEqual(["Thank you", "On a task", "For you"]);
  });
});

describe("who is told of a comment", () => {
  test("whom it mentions and who sees it, once; an edit tells only whom it adds", async () => {
    const third = await member("third");
    const projectId = await newProject({ visibility: "team" });
    const invite = { body: { username: "other", role: "observer" } };
    expect((await mara.request("POST", `/projects/${projectId}/team/invite`, invite)).status).toBe(
      201,
    );
    const body = "@Other look; @third, @nobody-known, mail a@other.test, `@mara`";
    const made = await said(mara.request, { entityId: projectId, body });
    expect(made).toMatchObject({
      mentions: [{ userId: other.userId, username: "other" }],
      unreachedMentions: ["third", "nobody-known"],
    });
    const told = async (who: Member): Promise<string[]> =>
      (await inbox(who)).filter((template) => template.startsWith("comment."));
    expect(await told(other)).toEqual(["comment.mentioned"]);
    expect(await told(third)).toEqual([]);
    const manager = await member("boss", "manager");
    const edited = { body: "@other and @boss" };
    await mara.request("PATCH", `/comments/${made.id}`, { body: edited });
    expect(await told(other)).toEqual(["comment.mentioned"]);
    expect(await told(manager)).toEqual(["comment.mentioned"]);
    expect(await told(mara)).toEqual([]);
  });
});

test("rows of a comment's people are those of its organization", async () => {
  const { id } = await said(mara.request, { entityId: await newProject(), body: "x" });
  await mara.request("POST", `/comments/${id}/star`);
  const rows = await home.backend.run(({ db }) => db.query("commentStars").collect());
  expect(rows.map(({ organizationId, commentId }) => [organizationId, commentId])).toEqual([
    [home.organizationId, id as Id<"objects">],
  ]);
});

describe("who follows", () => {
  const mailsTo = async (
    who: Member,
  ): Promise<{ status: string; text: string; html: string }[]> => {
    await carriedOut();
    const { body } = await home.request("GET", "/notifications?channel=email");
    const { email } = await home.backend.run(async ({ db }) => {
      const user = await db.get("users", who.userId);
      return { email: user?.email };
    });
    const own = (body.data as unknown as { id: string; to: string }[]).filter(
      ({ to }) => to === email,
    );
    return await Promise.all(
      own.map(async ({ id }) => {
        const { body } = await home.request("GET", `/notifications/${id}`);
        return body.data as unknown as { status: string; text: string; html: string };
      }),
    );
  };
  const byMail = async (who: Member): Promise<void> => {
    const choice = { email: true };
    const events = { "comment.mentioned": choice, "comment.followed": choice };
    await who.request("PATCH", "/notifications/settings", { body: { events } });
  };
  const about = async (): Promise<{ entityType: string; entityId: string }> => ({
    entityType: "project",
    entityId: await newProject(),
  });

  test("is who wrote, was mentioned or holds the task, and who says so; each as they chose", async () => {
    const third = await member("third");
    const projectId = await newProject();
    const entityId = await newTask(projectId, { assigneeIds: [other.userId] });
    const task = { entityType: "task", entityId };
    await said(third.request, { ...task, body: "Of mine" });
    vi.advanceTimersByTime(1);
    await said(mara.request, { ...task, body: "To all" });
    const told = async (who: Member): Promise<number> =>
      (await inbox(who)).filter((template) => template.startsWith("comment.")).length;
    expect([await told(third), await told(other), await told(mara)]).toEqual([1, 2, 0]);
    for (const level of ["mentions", "none"]) {
      const body = { ...task, level };
      expect((await other.request("POST", "/comments/follow", { body })).body.data).toBeNull();
      await said(mara.request, { ...task, body: "@other, again" });
      await carriedOut();
    }
    expect(await told(other)).toBe(3);
    const body = { entityType: "task", entityId: projectId, level: "all" };
    expect((await other.request("POST", "/comments/follow", { body })).code).toBe("TASK_NOT_FOUND");
  });

  test("has what they have not read counted, of what is there and seen still", async () => {
    const named = await about();
    await other.request("POST", "/comments/follow", { body: { ...named, level: "all" } });
    const unread = async (): Promise<unknown> => {
      await carriedOut();
      return (await other.request("GET", "/comments/unread")).body.data;
    };
    const { id } = await said(mara.request, { ...named, body: "One" });
    await said(mara.request, { ...named, body: "Two" });
    expect(await unread()).toMatchObject([{ ...named, unread: 2, isMore: false }]);
    await mara.request("DELETE", `/comments/${id}`);
    expect(await unread()).toMatchObject([{ ...named, unread: 1 }]);
    vi.advanceTimersByTime(1);
    await other.request("POST", "/comments/read", { body: named });
    expect(await unread()).toEqual([]);
    vi.advanceTimersByTime(1);
    await said(mara.request, { ...named, body: "Three" });
    expect(await unread()).toMatchObject([{ ...named, unread: 1 }]);
    await mara.request("PATCH", `/projects/${named.entityId}`, { body: { visibility: "team" } });
    expect(await unread()).toEqual([]);
  });

  test("gets a mail as plain text, cut between characters, with nothing of the outside in it", async () => {
    await byMail(other);
    const named = await about();
    const body = `<img src="https://x.test/a.png"> ![x](https://x.test/b.png) ${"😀".repeat(400)} @other`;
    await said(mara.request, { ...named, body });
    const [mail] = await mailsTo(other);
    expect(mail?.html).toContain("&lt;img src=");
    expect(mail?.html).not.toContain("<img");
    expect(mail?.text).toContain("mara: <img src=");
    expect(mail?.text.isWellFormed()).toBe(true);
    expect(mail?.text).not.toContain("@other");
  });

  test.each<[string, (id: string, projectId: string) => Promise<unknown>]>([
    ["deleted", (id) => mara.request("DELETE", `/comments/${id}`)],
    ["deleted what it is about", (_id, of) => home.request("DELETE", `/projects/${of}`)],
    [
      "taken out of the reader's sight",
      (_id, of) => mara.request("PATCH", `/projects/${of}`, { body: { visibility: "team" } }),
    ],
    [
      "followed no more",
      (_id, of) => {
        const body = { entityType: "project", entityId: of, level: "none" };
        return other.request("POST", "/comments/follow", { body });
      },
    ],
  ])("gets no mail of one that was %s before it left", async (_what, happens) => {
    await byMail(other);
    const named = await about();
    const { id } = await said(mara.request, { ...named, body: "@other" });
    const [queued] = await mailsTo(other);
    expect(queued?.status).toBe("queued");
    await happens(id, named.entityId);
    await home.backend.run(async (ctx) => {
      const { readSubject } = await import("../../convex/delivery/subjects");
      const message = await ctx.db
        .query("notifications")
        .filter((q) => q.eq(q.field("channel"), "email"))
        .first();
      const organization = await ctx.db.get("organizations", home.organizationId);
      if (!message || !organization) throw new Error("There is no mail.");
      expect(await readSubject(ctx, organization, message)).toHaveProperty("withdrawn");
    });
  });
});

describe("of a person who is erased", () => {
  test("nothing is left of what they said, of what was said about them, and of what of it was told", async () => {
    const zaphod = await contact(home, "zaphod@acme.test");
    const token = await portalToken(home, "zaphod@acme.test");
    const { id: entityId } = await project(home, { contactIds: [zaphod.contactId] });
    await said(mara.request, { entityId, body: "How is it?", visibility: "client" });
    const settings = { events: { "comment.followed": { email: true } } };
    await mara.request("PATCH", "/notifications/settings", { body: settings });
    const theirs = await said(home.request, { entityId, body: "I am in debt" }, token);
    await home.request("PATCH", `/comments/${theirs.id}`, {
      body: { body: "Deep in debt" },
      token,
    });
    const about = { entityType: "contact", entityId: zaphod.contactId };
    const ofThem = await said(other.request, { ...about, body: "He is in debt, @mara" });
    expect(await inbox(mara)).toEqual(["comment.mentioned", "comment.followed"]);
    const gone = await said(other.request, { ...about, body: "Much in debt" });
    await other.request("DELETE", `/comments/${gone.id}`);
    // Who wrote something is erased, or what they wrote is deleted first: it would lose whose it is.
    const kept = await home.request("DELETE", `/crm/contacts/${zaphod.contactId}`);
    expect(kept.status).toBe(409);
    expect((await home.request("POST", `/crm/contacts/${zaphod.contactId}/erase`)).status).toBe(
      200,
    );
    expect((await home.request("GET", `/comments/${ofThem.id}`)).status).toBe(404);
    for (let turn = 0; turn < 8; turn += 1) await carriedOut();
    const shown = await home.request("GET", `/comments/${theirs.id}`);
    expect(shown.body.data).toMatchObject({ body: "", author: { type: "portal_user", name: "" } });
    const { default: schema } = await import("../../convex/schema");
    const traces = await home.backend.run(async ({ db }) => {
      const tables = Object.keys(schema.tables) as (keyof typeof schema.tables)[];
      const texts = await Promise.all(
        tables.map(async (table) => {
          const rows = await db.query(table).collect();
          const text = JSON.stringify(rows, (_, value: unknown) =>
            typeof value === "bigint" ? "" : value,
          );
          return text.includes("in debt") ? [table] : [];
        }),
      );
      return texts.flat();
    });
    expect(traces).toEqual([]);
    expect(await home.backend.run(({ db }) => db.query("hiddenComments").collect())).toEqual([]);
  });
});

test("comments of a contact that is merged into another are about that one then", async () => {
  const [one, into] = [await contact(home, "ada@acme.test"), await contact(home, "ada@work.test")];
  const about = { entityType: "contact", entityId: one.contactId };
  await said(mara.request, { ...about, body: "A lead" });
  const body = { sourceId: one.contactId };
  await home.request("POST", `/crm/contacts/${into.contactId}/merge`, { body });
  await carriedOut();
  expect(await bodies(mara.request, `?entityId=${into.contactId}`)).toEqual(["A lead"]);
});

describe("a device", () => {
  test("makes a comment and its reply at once, and brings back nobody else's", async () => {
    const phone = await newDevice(home, "member");
    const elsewhere = await newDevice(home, "member");
    const projectId = await newProject();
    const [first, second] = [randomUUID(), randomUUID()];
    const data = (customProperties: object): { customProperties: Record<string, unknown> } => ({
      customProperties: { ...customProperties },
    });
    const { results } = await phone.push([
      {
        ...{ type: "comment", clientId: first },
        data: data({ body: "Shall we?", entityType: "project", entityId: projectId }),
      },
      { type: "comment", clientId: second, data: data({ body: "Yes", parentId: first }) },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["applied", "applied"]);
    const id = results[0]?.id ?? "";
    expect(await bodies(mara.request, `?parentId=${id}`)).toEqual(["Yes"]);
    const { changes } = await elsewhere.pull();
    expect(changes.find((change) => change.id === id)?.data).toMatchObject({
      ...{ name: "Shall we?", customProperties: { entityId: projectId, body: "Shall we?" } },
    });
    vi.advanceTimersByTime(1000);
    const edit = { type: "comment", id, data: data({ body: "We shall not" }) };
    expect((await elsewhere.send(edit)).error?.code).toBe("FORBIDDEN");
    await mara.request("DELETE", `/comments/${id}`);
    vi.advanceTimersByTime(1000);
    const again = { type: "comment", id, data: data({ body: "Shall we?" }) };
    expect((await elsewhere.send(again)).error?.code).toBe("FORBIDDEN");
    expect((await phone.send(again)).error).toBeUndefined();
    expect(await bodies(mara.request, `?entityId=${projectId}`)).toContain("Shall we?");
  });
});
