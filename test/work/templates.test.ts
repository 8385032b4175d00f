import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { MAX_LABELS } from "../../convex/templates/taking";
import type { Request } from "../helpers/answer";
import { type Fixture, newBackend, newMember, newTenant, requestsOf } from "../helpers/backend";

type Shown = Record<string, unknown> & { id: string };
type Task = Shown & {
  title: string;
  status: string;
  position: string;
  parentTaskId: string | null;
  dependsOn: string[];
  labelIds: string[];
  startDate: number | null;
  dueDate: number | null;
};
type Project = Shown & { jobId: string | null; customProperties: Record<string, unknown> };
type Failure = { code: string; details: { path?: string }[] & { path?: string } };

let home: Fixture;

async function ask(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  body?: object,
  request: Request = home.request,
): Promise<[number, unknown]> {
  const answer = await request(method, path, body ? { body } : {});
  return [answer.status, answer.body?.data ?? answer.body?.error];
}

async function given(...asked: Parameters<typeof ask>): Promise<Shown> {
  const [status, data] = await ask(...asked);
  expect(status, JSON.stringify(data)).toBeLessThan(300);
  return data as Shown;
}

async function refused(...asked: Parameters<typeof ask>): Promise<[number, string, string?]> {
  const [status, error] = await ask(...asked);
  const { code, details } = error as Failure;
  const path = details?.path ?? details?.[0]?.path;
  return path === undefined ? [status, code] : [status, code, path];
}

const newProject = async (more: object = {}): Promise<string> =>
  (await given("POST", "/projects", { subtype: "internal", name: "Relaunch", ...more })).id;
const newTask = async (projectId: string, title: string, more: object = {}): Promise<Task> =>
  (await given("POST", `/projects/${projectId}/tasks`, { title, ...more })) as Task;
const templateOf = async (projectId: string): Promise<string> =>
  (await given("POST", `/projects/${projectId}/template`, { name: "Template" })).id;
const projectFrom = async (templateId: string, more: object = {}): Promise<Project> =>
  (await given("POST", "/projects/from-template", {
    ...{ templateId, name: "Made", ...more },
  })) as Project;
const tasksOf = async (projectId: string): Promise<Task[]> =>
  (await given("GET", `/projects/${projectId}/tasks?sort=position&limit=200`)) as unknown as Task[];

const day = (at: number | null): string | null =>
  at === null ? null : new Date(at + 12 * 3_600_000).toISOString().slice(0, 10);

/** What a plan says, whatever the ids of its tasks are. */
async function planOf(projectId: string): Promise<object[]> {
  const tasks = await tasksOf(projectId);
  const labels = (await given(
    "GET",
    `/projects/${projectId}/tasks/labels`,
  )) as unknown as (Shown & { name: string; color: string | null })[];
  const titleOf = new Map(tasks.map(({ id, title }) => [id, title]));
  const labelOf = new Map(labels.map(({ id, name, color }) => [id, `${name} ${color ?? ""}`]));
  return tasks.map((task) => ({
    ...{ title: task.title, priority: task["priority"], description: task["description"] },
    ...{ startDate: task.startDate, dueDate: task.dueDate, isBlocked: task["isBlocked"] },
    ...{ estimateMinutes: task["estimateMinutes"], customFields: task["customFields"] },
    parent: task.parentTaskId && titleOf.get(task.parentTaskId),
    dependsOn: task.dependsOn.map((id) => titleOf.get(id)).sort(),
    labels: task.labelIds.map((id) => labelOf.get(id)).sort(),
  }));
}

/** Runs what is scheduled until a job has ended. */
async function ended(jobId: string): Promise<Shown> {
  await home.backend.finishAllScheduledFunctions(() => vi.runAllTimers());
  return await given("GET", `/projects/from-template/${jobId}`);
}

beforeAll(async () => {
  home = await newBackend();
});

describe("a project made from a template", () => {
  test("has the tasks as they were, on days counted from its own start in the organization's zone, across the clock's change", async () => {
    const source = await newProject({
      ...{ startDate: "2026-03-02", targetEndDate: "2026-04-30", description: "All of it" },
      ...{ priority: "high", customProperties: { Phase: "one" } },
    });
    await given("POST", `/projects/${source}/tags`, { name: "Website", color: "#112233" });
    const labels = `/projects/${source}/tasks/labels`;
    const label = await given("POST", labels, { name: "Design", color: "#1e90ff" });
    const concept = await newTask(source, "Concept", {
      ...{ startDate: "2026-02-27", dueDate: "2026-03-28", labelIds: [label.id] },
      ...{ priority: "critical", estimateMinutes: 90, remindMinutesBefore: 60 },
      customFields: { Größe: "L" },
    });
    const launch = await newTask(source, "Launch", { dueDate: "2026-03-30" });
    const part = await newTask(source, "Sketch", { parentTaskId: concept.id });
    const path = `/tasks/${concept.id}/depends-on`;
    await given("POST", `${path}/${part.id}`);
    await given("POST", `/tasks/${launch.id}/depends-on/${concept.id}`);
    await given("PATCH", `/tasks/${part.id}`, { status: "done" });
    await newTask(source, "Dropped", { status: "cancelled" });

    const templateId = await templateOf(source);
    const template = await given("GET", `/projects/templates/${templateId}`);
    expect(template).toMatchObject({ name: "Template", taskCount: 3, roles: [] });
    // What happens to the project later is not the template's.
    await given("PATCH", `/tasks/${launch.id}`, { title: "Changed" });

    const made = await projectFrom(templateId, { startDate: "2026-10-01" });
    expect(made).toMatchObject({
      ...{ name: "Made", status: "draft", subtype: "internal", description: "All of it" },
      jobId: null,
      customProperties: { priority: "high", Phase: "one" },
    });
    const { startDate, targetEndDate, projectCode } = made.customProperties;
    expect([startDate, targetEndDate].map((at) => day(at as number))).toEqual([
      "2026-10-01",
      "2026-11-29",
    ]);
    expect(await given("GET", `/projects/${made.id}/tags`)).toMatchObject([
      { name: "Website", color: "#112233" },
    ]);
    const tagged = (await given("GET", "/projects?tags=Website")) as unknown as Shown[];
    expect(tagged.map(({ id }) => id).sort()).toEqual([source, made.id].sort());
    const tasks = await tasksOf(made.id);
    const one = Object.fromEntries(tasks.map((task) => [task.title, task]));
    expect(tasks.map(({ title, status }) => [title, status])).toEqual([
      ["Sketch", "todo"],
      ["Concept", "todo"],
      ["Launch", "todo"],
    ]);
    const days = (task?: Task): unknown[] =>
      [task?.startDate, task?.dueDate].map((at) => day(at ?? null));
    expect(days(one["Concept"])).toEqual(["2026-09-28", "2026-10-27"]);
    expect(days(one["Launch"])).toEqual([null, "2026-10-29"]);
    expect(one["Concept"]).toMatchObject({
      ...{ priority: "critical", estimateMinutes: 90, remindMinutesBefore: 60, isBlocked: true },
      ...{ customFields: { Größe: "L" }, dependsOn: [one["Sketch"]?.id], assigneeIds: [] },
    });
    expect(one["Sketch"]?.parentTaskId).toBe(one["Concept"]?.id);
    expect(one["Launch"]?.dependsOn).toEqual([one["Concept"]?.id]);
    expect(tasks.map((task) => task["key"]).sort()).toEqual(
      [1, 2, 3].map((at) => `${String(projectCode)}-${at}`),
    );
    // Each is a task as if it were made alone: found, and counted.
    expect(await given("GET", `/search/tasks?q=sketch`)).toMatchObject([{ title: "Sketch" }, {}]);
  });

  test("with the same start has the same plan, whatever it is", async () => {
    const plan = fc.array(
      fc.record({
        parent: fc.nat(),
        isPart: fc.boolean(),
        waitsFor: fc.array(fc.nat(), { maxLength: 2 }),
        label: fc.option(fc.nat(1)),
        due: fc.option(fc.integer({ min: -400, max: 400 })),
      }),
      { minLength: 1, maxLength: 7 },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (tasks) => {
        const startDate = "2026-06-15";
        const source = await newProject({ startDate });
        const labels: string[] = [];
        for (const [name, more] of [
          ["Bug", {}],
          ["Idea", { color: "#00ff00" }],
        ] as const) {
          const path = `/projects/${source}/tasks/labels`;
          labels.push((await given("POST", path, { name, ...more })).id);
        }
        const whole: string[] = [];
        const all: string[] = [];
        for (const [at, { parent, isPart, waitsFor, label, due }] of tasks.entries()) {
          const parentTaskId = isPart ? whole[parent % (whole.length || 1)] : undefined;
          const dependsOn = all.length > 0 ? waitsFor.map((of) => all[of % all.length]) : [];
          const made = await newTask(source, `Task ${at}`, {
            ...(parentTaskId ? { parentTaskId } : {}),
            ...{ dependsOn, labelIds: label === null ? [] : [labels[label]] },
            ...(due === null ? {} : { dueDate: day(Date.parse("2026-06-15") + due * 86_400_000) }),
          });
          if (!parentTaskId) whole.push(made.id);
          all.push(made.id);
          // Parents wait for their parts, so that no order of making has all before what waits for them.
          if (parentTaskId && due !== null) {
            await ask("POST", `/tasks/${parentTaskId}/depends-on/${made.id}`);
          }
        }
        const { id } = await projectFrom(await templateOf(source), { startDate });
        expect(await planOf(id)).toEqual(await planOf(source));
      }),
      { numRuns: 8 },
    );
  });

  test("begins today where nothing is said, and has no days where the template has none", async () => {
    const source = await newProject();
    await newTask(source, "Due", { dueDate: "2026-02-10" });
    const [due] = await tasksOf((await projectFrom(await templateOf(source))).id);
    expect(Math.abs((due?.dueDate ?? 0) - Date.now())).toBeLessThan(2 * 86_400_000);
    const undated = await newProject();
    await newTask(undated, "Some day");
    const made = await projectFrom(await templateOf(undated));
    expect(made.customProperties["startDate"]).toBeNull();
  });

  test("has a task that comes again once, from when it came first, and its end moves along", async () => {
    const source = await newProject({ startDate: "2026-01-05" });
    const recurrence = { rrule: "FREQ=WEEKLY;UNTIL=20991231T235959Z", from: "due" };
    const weekly = await newTask(source, "Weekly", { dueDate: "2026-01-07", recurrence });
    await newTask(source, "Part", { parentTaskId: weekly.id, dueDate: "2026-01-06" });
    await given("PATCH", `/tasks/${weekly.id}`, { status: "done" });
    const [made, part] = await tasksOf(
      (await projectFrom(await templateOf(source), { startDate: "2027-01-04" })).id,
    );
    expect([made?.title, day(made?.dueDate ?? 0)]).toEqual(["Weekly", "2027-01-06"]);
    expect(made?.["recurrence"]).toEqual({
      ...{ rrule: "FREQ=WEEKLY;UNTIL=21001230T235959Z", from: "due" },
    });
    expect([part?.title, day(part?.dueDate ?? 0)]).toEqual(["Part", "2027-01-05"]);
    expect(await tasksOf(source)).toHaveLength(4);
  });

  test("has the team that is named, each with the template's next role; strangers are refused by their place", async () => {
    const { organizationId, backend, sessionToken } = home;
    const owner = requestsOf(backend, sessionToken);
    const people = await Promise.all(
      [1, 2, 3].map(() => newMember(backend, [{ organizationId, role: "member" }])),
    );
    const ids = people.map(({ userId }) => userId);
    const source = (await given("POST", "/projects", { subtype: "internal", name: "x" }, owner)).id;
    const wish = { templateId: await templateOf(source), name: "Team" };
    const members = [{ userId: ids[0], role: "observer" }, { userId: ids[1] }];
    const made = await given("POST", "/projects/from-template", { ...wish, members }, owner);
    const team = (await given("GET", `/projects/${made.id}/team`)) as unknown as Shown[];
    expect(team.map(({ role }) => role).sort()).toEqual(["lead", "member", "observer"]);
    const stranger = await newMember(backend, []);
    const refusedFor = (userId: string): Promise<unknown> =>
      refused("POST", "/projects/from-template", { ...wish, members: [members[0], { userId }] });
    expect(await refusedFor(stranger.userId)).toEqual([
      ...[404, "MEMBER_NOT_FOUND", "body.members.1.userId"],
    ]);
    await given("DELETE", `/tenants/${organizationId}/members/${ids[2]}`, undefined, owner);
    expect(await refusedFor(ids[2] ?? "")).toEqual([
      ...[404, "MEMBER_NOT_FOUND", "body.members.1.userId"],
    ]);
    expect(await refusedFor(ids[0] ?? "")).toEqual([
      ...[400, "VALIDATION_ERROR", "body.members.1.userId"],
    ]);
  });

  test("is refused whole where its days would leave the calendar, or what it names is not there", async () => {
    const source = await newProject({ startDate: "2026-01-01" });
    await newTask(source, "Late", { dueDate: "2290-01-01" });
    const templateId = await templateOf(source);
    const made = (body: object): Promise<unknown> =>
      refused("POST", "/projects/from-template", { templateId, name: "No", ...body });
    const count = async (): Promise<unknown> => await given("GET", "/projects?limit=200");
    const before = await count();
    expect(await made({ startDate: "2100-01-01" })).toEqual([
      ...[400, "VALIDATION_ERROR", "body.startDate"],
    ]);
    expect(await made({ clientOrgId: source })).toEqual([
      ...[404, "CRM_ORGANIZATION_NOT_FOUND", "body.clientOrgId"],
    ]);
    expect(await made({ templateId: source })).toEqual([
      ...[404, "PROJECT_TEMPLATE_NOT_FOUND", "body.templateId"],
    ]);
    const other = await newTenant(home.backend);
    const asked = { templateId, name: "Theirs" };
    const theirs = await refused("POST", "/projects/from-template", asked, other.request);
    expect(theirs).toEqual([404, "PROJECT_TEMPLATE_NOT_FOUND", "body.templateId"]);
    await given("DELETE", `/projects/templates/${templateId}`);
    expect(await made({})).toEqual([404, "PROJECT_TEMPLATE_NOT_FOUND", "body.templateId"]);
    expect(await count()).toEqual(before);
  });
});

test("live functions make, list and change templates, and projects from them, as routes do", async () => {
  const { organizationId, sessionToken: sessionId, backend } = home;
  const { templateOntology: live } = api;
  const projectId = await newProject({ startDate: "2026-01-01" });
  await newTask(projectId, "Only", { dueDate: "2026-01-08" });
  const data = { name: "Live" };
  const template = await backend.mutation(live.createTemplate, { sessionId, projectId, data });
  expect(template).toMatchObject({ name: "Live", taskCount: 1, description: null });
  const templateId: string = template.id;
  const updates = { description: "Changed" };
  await backend.mutation(live.updateTemplate, { sessionId, templateId, updates });
  const [listed] = await backend.query(live.getTemplates, { sessionId, organizationId });
  expect(listed).toMatchObject({ id: templateId, description: "Changed", version: 2 });
  const wish = { templateId, name: "Made live", startDate: "2026-02-01" };
  const asked = { sessionId, organizationId };
  const made = await backend.mutation(live.createProjectFromTemplate, { ...asked, data: wish });
  expect(made).toMatchObject({ name: "Made live", jobId: null });
  expect((await tasksOf(made.id)).map(({ dueDate }) => day(dueDate))).toEqual(["2026-02-08"]);
  const beyond = { ...asked, data: { ...wish, startDate: "2299-12-30" } };
  await expect(backend.mutation(live.createProjectFromTemplate, beyond)).rejects.toMatchObject({
    data: { code: "VALIDATION_ERROR", details: [{ path: "data.startDate" }] },
  });
});

describe("who makes and sees a template", () => {
  test("of a team's project: its lead makes one, whoever does not see the project none, and all staff see it", async () => {
    const { organizationId, backend } = home;
    const [lead, mate, stranger] = await Promise.all(
      [1, 2, 3].map(() => newMember(backend, [{ organizationId, role: "member" }])),
    );
    const body = { subtype: "internal", name: "Secret", visibility: "team" };
    const project = await given("POST", "/projects", body, lead?.request);
    const path = `/projects/${project.id}`;
    await backend.run(async ({ db }) => {
      const projectId = project.id as Id<"objects">;
      const row = { role: "member", status: "active", isOfTeam: true, createdAt: 1 } as const;
      if (mate)
        await db.insert("projectMembers", {
          organizationId,
          projectId,
          ...row,
          userId: mate.userId,
        });
    });
    const take = async (request?: Request): Promise<number> =>
      (await ask("POST", `${path}/template`, { name: "T" }, request))[0];
    expect(await take(stranger?.request)).toBe(404);
    expect(await take(mate?.request)).toBe(403);
    const template = await given("POST", `${path}/template`, { name: "T" }, lead?.request);
    const seen = await given(
      "GET",
      `/projects/templates/${template.id}`,
      undefined,
      stranger?.request,
    );
    expect(seen).toEqual(template);
    const { customProperties } = await projectFrom(template.id);
    expect(customProperties["visibility"]).toBe("team");
  });
});

describe("a large template", () => {
  let templateId: string;

  beforeAll(async () => {
    vi.useFakeTimers();
    templateId = await templateOf(await newProject({ startDate: "2026-01-01" }));
    // 240 small tasks, each of which waits for the one before.
    await home.backend.run(async ({ db }) => {
      const rows = await db.query("templateOutlines").collect();
      const outline = rows.find((row) => (row.templateId as string) === templateId);
      if (!outline) throw new Error("There is no outline.");
      const own = { organizationId: outline.organizationId, templateId: outline.templateId };
      for (let place = 0; place < 12; place += 1) {
        const tasks = Array.from({ length: 20 }, (_, at) => ({
          ...{ title: `Task ${place * 20 + at}`, priority: "low" as const, rank: "a0" },
          ...{ dueIn: at, dependsOn: at > 0 || place > 0 ? [place * 20 + at - 1] : [] },
          ...{ waitedForBy: [], labels: [], customFields: [] },
        }));
        await db.insert("templateTasks", { ...own, place, tasks });
      }
      const template = await db.get("objects", outline.templateId);
      if (template?.type !== "project_template") throw new Error("There is no template.");
      const customProperties = { ...template.customProperties, taskCount: 240 };
      await db.patch("objects", template._id, { customProperties });
    });
    return () => vi.useRealTimers();
  });

  const titlesOf = async (projectId: string): Promise<string[]> =>
    await home.backend.run(async ({ db }) => {
      const rows = await db.query("objects").collect();
      const tasks = rows.filter(
        ({ type, parentId, lifecycle }) =>
          type === "task" && parentId === projectId && lifecycle === "live",
      );
      return tasks.map(({ name }) => name);
    });

  test("has its project at once and its tasks by a job, each once, also when a step is lost or comes twice", async () => {
    const { id, jobId } = await projectFrom(templateId);
    const job = `/projects/from-template/${jobId}`;
    expect(await given("GET", job)).toMatchObject({
      ...{
        status: "running",
        progress: 0,
        tasksMade: 0,
        taskCount: 240,
        projectId: id,
        templateId,
      },
    });
    expect((await refused("DELETE", `/projects/templates/${templateId}`)).slice(0, 2)).toEqual([
      ...[409, "CONFLICT"],
    ]);
    const step = { id: jobId as Id<"templateJobs">, lease: 1 };
    await home.backend.mutation(internal.templates.jobs.step, step);
    await home.backend.mutation(internal.templates.jobs.step, step);
    expect(await given("GET", job)).toMatchObject({ tasksMade: 20 });
    const live = { ...{ sessionId: home.sessionToken, organizationId: home.organizationId } };
    const shown = await home.backend.query(api.templateOntology.getTemplateJob, {
      ...{ ...live, jobId: jobId ?? "" },
    });
    expect(shown).toMatchObject({ tasksMade: 20, status: "running" });
    // Its next step never ended: recovery gives the job to another.
    await home.backend.run(async ({ db }) => {
      const row = await db.get("templateJobs", step.id);
      if (row?.job) await db.patch("templateJobs", row._id, { job: { ...row.job, at: 0 } });
    });
    await home.backend.mutation(internal.jobs.recovery.recover, { kind: "project from template" });
    await home.backend.mutation(internal.templates.jobs.step, { ...step, lease: 2 });
    expect(await given("GET", job)).toMatchObject({ tasksMade: 20 });
    expect(await ended(jobId ?? "")).toMatchObject({
      ...{ status: "succeeded", progress: 1, tasksMade: 240 },
    });
    const titles = await titlesOf(id);
    expect([titles.length, new Set(titles).size]).toEqual([240, 240]);
    expect(await given("GET", "/projects/from-template")).toMatchObject([{ id: jobId }]);
    const other = await newTenant(home.backend);
    expect(await refused("GET", job, undefined, other.request)).toEqual([404, "JOB_NOT_FOUND"]);
  });

  test("makes no more tasks of a project that was deleted meanwhile, and says so", async () => {
    const { id, jobId } = await projectFrom(templateId);
    const step = { id: jobId as Id<"templateJobs">, lease: 1 };
    await home.backend.mutation(internal.templates.jobs.step, step);
    await given("DELETE", `/projects/${id}`);
    expect(await ended(jobId ?? "")).toMatchObject({ status: "cancelled", tasksMade: 20 });
    expect(await titlesOf(id)).toEqual([]);
    await given("DELETE", `/projects/templates/${templateId}`);
    await home.backend.finishAllScheduledFunctions(() => vi.runAllTimers());
    const rows = await home.backend.run(({ db }) => db.query("templateTasks").collect());
    expect(rows.filter((row) => (row.templateId as string) === templateId)).toEqual([]);
  });
});

test("a project with more than a template may have is refused, and says how much that is", async () => {
  const source = await newProject();
  await given("POST", `/projects/${source}/tasks/labels`, { name: "Bug" });
  await home.backend.run(async ({ db }) => {
    const rows = await db.query("objects").collect();
    const label = rows.find(({ type, parentId }) => type === "task_label" && parentId === source);
    if (!label) throw new Error("There is no label.");
    const { _id, _creationTime, ...fields } = label;
    for (let at = 0; at < MAX_LABELS; at += 1) await db.insert("objects", fields);
  });
  const [status, error] = await ask("POST", `/projects/${source}/template`, { name: "T" });
  expect([status, error]).toMatchObject([409, { code: "CONFLICT", details: { limit: 200 } }]);
});
