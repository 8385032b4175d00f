import { beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { ErrorData } from "../../convex/kit/errors";
import { errorDataOf } from "../../convex/kit/errors";
import { type Fixture, newBackend, newMember, newTenant } from "../helpers/backend";
import { contact, portalToken, project } from "../portal/portal";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2025, 5, 1) });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

const { projectOntology, frontendUserQueries } = api;

async function create(data: object = {}): Promise<string> {
  const { sessionToken: sessionId, organizationId } = home;
  const made = await home.backend.mutation(projectOntology.createProject, {
    sessionId,
    organizationId,
    data: { subtype: "internal", name: "Relaunch", ...data },
  });
  return made._id;
}

async function refused(attempt: Promise<unknown>): Promise<ErrorData | null> {
  return await attempt.then(
    () => null,
    (error: unknown) => errorDataOf(error),
  );
}

describe("the dashboard's project functions", () => {
  test("create, read, change, describe, archive and delete", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    const projectId = await create({
      priority: "high",
      sessionId,
      organizationId,
      customProperties: { flavour: "vanilla" },
    });
    const made = await backend.query(projectOntology.getProject, { sessionId, projectId });
    expect(made).toMatchObject({
      status: "draft",
      customProperties: { projectCode: "PRJ-2025-001", priority: "high" },
    });
    await backend.mutation(projectOntology.updateProject, {
      sessionId,
      projectId,
      updates: { status: "planning", progress: 10, budget: { amount: 5, currency: "EUR" } },
    });
    const described = await backend.mutation(projectOntology.updateProjectDetailedDescription, {
      sessionId,
      projectId,
      detailedDescription: "<p>Rich</p><script>alert(1)</script>",
    });
    expect(described).toMatchObject({
      version: 3,
      status: "planning",
      customProperties: { progress: 10, detailedDescription: "<p>Rich</p>" },
    });
    await backend.mutation(projectOntology.archiveProject, { sessionId, projectId });
    const draft = await create();
    await backend.mutation(projectOntology.deleteProject, { sessionId, projectId: draft });
    const left = await backend.query(projectOntology.getProjects, { sessionId, organizationId });
    expect(left).toEqual([]);
    const shown = await home.request("GET", `/projects/${projectId}`);
    expect(shown.body.data.customProperties).toMatchObject({ flavour: "vanilla" });
  });

  test("a budget changes in part, as by PATCH", async () => {
    const { sessionToken: sessionId, backend } = home;
    const projectId = await create({ budget: { amount: 5, currency: "EUR" } });
    const change = async (budget: object): Promise<unknown> =>
      await backend.mutation(projectOntology.updateProject, {
        sessionId,
        projectId,
        updates: { budget },
      });
    expect(await change({ amount: 7.5 })).toMatchObject({
      customProperties: { budget: { amount: 7.5, currency: "EUR" } },
    });
    await expect(change({ currency: "JPY" })).rejects.toThrow("updates.budget.amount");
  });

  test("list by subtype, status and priority, whole and by pages", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    await create({ priority: "high" });
    await create({ subtype: "campaign", priority: "high" });
    await create({ subtype: "campaign" });
    const where = { sessionId, organizationId };
    const found = await backend.query(projectOntology.getProjects, {
      ...where,
      subtype: "campaign",
      status: "draft",
      priority: "high",
    });
    expect(found.map(({ subtype }) => subtype)).toEqual(["campaign"]);
    const page = await backend.query(projectOntology.getProjectsPaginated, {
      ...where,
      paginationOpts: { numItems: 2, cursor: null },
    });
    const rest = await backend.query(projectOntology.getProjectsPaginated, {
      ...where,
      paginationOpts: { numItems: 2, cursor: page.continueCursor },
    });
    expect([page.page.length, rest.page.length, rest.isDone]).toEqual([2, 1, true]);
  });

  test("refuse what the routes refuse, and name it by its argument", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    const other = await newTenant(backend);
    const make = async (data: object, session = sessionId): Promise<ErrorData | null> =>
      await refused(
        backend.mutation(projectOntology.createProject, {
          sessionId: session,
          organizationId,
          data: { subtype: "internal", name: "x", ...data },
        }),
      );
    expect(await make({ name: " " })).toMatchObject({ details: [{ path: "data.name" }] });
    expect(await make({ sessionId: "other" })).toMatchObject({
      details: [{ path: "data.sessionId" }],
    });
    const foreign = await make({ organizationId: other.organizationId });
    expect(foreign).toMatchObject({ details: [{ path: "data.organizationId" }] });
    expect(await make({}, other.sessionToken)).toMatchObject({ code: "FORBIDDEN" });
    expect(await make({}, "nonsense")).toMatchObject({ code: "UNAUTHORIZED" });
    const viewer = await newMember(backend, [{ organizationId, role: "viewer" }]);
    expect(await make({}, viewer.sessionToken)).toMatchObject({ code: "INSUFFICIENT_SCOPE" });

    const projectId = await create();
    const manager = await newMember(backend, [{ organizationId, role: "manager" }]);
    const managed = { sessionId: manager.sessionToken, projectId };
    const notOwner = refused(backend.mutation(projectOntology.deleteProject, managed));
    expect(await notOwner).toMatchObject({ code: "INSUFFICIENT_SCOPE" });
    const theirs = { sessionId: other.sessionToken, projectId };
    for (const attempt of [
      backend.query(projectOntology.getProject, theirs),
      backend.mutation(projectOntology.archiveProject, theirs),
      backend.mutation(projectOntology.updateProject, { ...theirs, updates: {} }),
    ]) {
      expect(await refused(attempt)).toMatchObject({ code: "PROJECT_NOT_FOUND", status: 404 });
    }
  });

  test("stop with the session's end, and count against the user's rate limit", async () => {
    const { sessionToken: sessionId, backend } = home;
    const projectId = await create();
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.0001");
    const change = (): Promise<unknown> =>
      backend.mutation(projectOntology.updateProject, { sessionId, projectId, updates: {} });
    await change();
    expect(await refused(change())).toMatchObject({ code: "RATE_LIMITED" });
    vi.setSystemTime(Date.now() + 31 * 24 * 60 * 60 * 1000);
    expect(await refused(change())).toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("leave the same audit trail as the routes, with the user as actor", async () => {
    const projectId = await create();
    const audit = await home.backend.run(async ({ db }) => await db.query("auditLogs").collect());
    const [entry] = audit.filter(({ objectId }) => objectId === projectId);
    expect(entry).toMatchObject({ action: "project.created", actor: { type: "user" } });
    expect((await home.request("GET", "/projects")).body.meta.total).toBe(1);
  });
});

describe("the live queries of portal users", () => {
  test("show staff the users and their sessions, without digests", async () => {
    const { sessionToken: sessionId, organizationId, backend } = home;
    await portalToken(home, "ada@x.test");
    const where = { sessionId, organizationId };
    const [user] = await backend.query(frontendUserQueries.getFrontendUsers, where);
    const frontendUserId = user?._id ?? "";
    expect(user).toMatchObject({ name: "ada@x.test", status: "active" });
    const byEmail = { ...where, email: "ADA@x.test" };
    expect(await backend.query(frontendUserQueries.getFrontendUserByEmail, byEmail)).toMatchObject(
      user ?? {},
    );
    const one = { sessionId, frontendUserId };
    expect(await backend.query(frontendUserQueries.getFrontendUser, one)).toMatchObject(user ?? {});
    const sessions = await backend.query(frontendUserQueries.getFrontendSessions, one);
    expect(sessions.length).toBe(1);
    expect(sessions[0]).not.toHaveProperty("tokenHash");
    const page = await backend.query(frontendUserQueries.getFrontendUsersPaginated, {
      ...where,
      status: "inactive",
      paginationOpts: { numItems: 10, cursor: null },
    });
    expect(page.page).toEqual([]);
  });

  test("show a portal user themselves and their projects, and end with the session", async () => {
    const { backend } = home;
    const ada = await contact(home, "ada@x.test");
    const sessionId = await portalToken(home, "ada@x.test");
    await project(home, {});
    const own = await project(home, { contactIds: [ada.contactId] });
    const me = await backend.query(frontendUserQueries.getCurrentFrontendUser, { sessionId });
    expect(me.customProperties.crmContactId).toBe(ada.contactId);
    const paginationOpts = { numItems: 10, cursor: null };
    const projects = { sessionId, paginationOpts };
    const page = await backend.query(frontendUserQueries.getOwnProjectsPaginated, projects);
    expect(page.page.map(({ _id }) => _id)).toEqual([own.id]);
    await home.request("POST", "/auth/sign-out", { token: sessionId });
    const after = refused(backend.query(frontendUserQueries.getOwnProjectsPaginated, projects));
    expect(await after).toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("take no platform session for a portal one, nor the other way round", async () => {
    const { organizationId, backend } = home;
    const portal = await portalToken(home, "ada@x.test");
    const staff = refused(
      backend.query(frontendUserQueries.getCurrentFrontendUser, { sessionId: home.sessionToken }),
    );
    expect(await staff).toMatchObject({ code: "UNAUTHORIZED" });
    for (const attempt of [
      backend.query(frontendUserQueries.getFrontendUsers, { sessionId: portal, organizationId }),
      backend.query(projectOntology.getProjects, { sessionId: portal, organizationId }),
    ]) {
      expect(await refused(attempt)).toMatchObject({ code: "UNAUTHORIZED" });
    }
  });
});
