import type { FunctionArgs } from "convex/server";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend, newMember } from "../helpers/backend";

type Task = {
  id: string;
  key: string;
  title: string;
  status: string;
  position: string;
  isBlocked: boolean;
  completedAt: number | null;
  dependsOn: string[];
  labelIds: string[];
  version: number;
} & Record<string, unknown>;

let home: Fixture;
let projectId: string;
let code: string;

type Method = "GET" | "POST" | "PATCH" | "DELETE";

async function ask(method: Method, path: string, body?: object): Promise<[number, Task]> {
  const answer = await home.request(method, path, body ? { body } : {});
  return [answer.status, (answer.body?.data ?? answer.body?.error) as unknown as Task];
}

async function given(method: Method, path: string, body?: object): Promise<Task> {
  const [status, data] = await ask(method, path, body);
  expect(status, JSON.stringify(data)).toBeLessThan(300);
  return data;
}

async function newProject(): Promise<Task> {
  return await given("POST", "/projects", { subtype: "internal", name: "Relaunch" });
}

async function task(title: string, more: object = {}): Promise<Task> {
  return await given("POST", `/projects/${projectId}/tasks`, { title, ...more });
}

async function titles(query: string): Promise<string[]> {
  return ((await given("GET", query)) as unknown as Task[]).map(({ title }) => title);
}

beforeAll(async () => {
  home = await newBackend();
});

beforeAll(async () => {
  const project = await newProject();
  projectId = project.id;
  code = (project["customProperties"] as { projectCode: string }).projectCode;
});

describe("a task", () => {
  test("begins as todo with the next key of its project, last in its column", async () => {
    const first = await task("One");
    const second = await given("POST", "/tasks", { projectId, title: "Two" });
    expect(first).toMatchObject({ status: "todo", priority: "medium", projectId, type: "task" });
    expect(first).not.toHaveProperty("subtype");
    expect(first).not.toHaveProperty("name");
    expect([first.key, second.key]).toEqual([`${code}-1`, `${code}-2`]);
    expect(second.position > first.position).toBe(true);
    const [status, error] = await ask("PATCH", `/tasks/${first.id}`, { projectId });
    expect([status, error["code"]]).toEqual([400, "VALIDATION_ERROR"]);
    expect(await given("GET", `/projects/${projectId}/tasks/${first.id}`)).toEqual(first);
  });

  test("of another project is not found below this one", async () => {
    const other = await newProject();
    const { id } = await task("Here");
    const [status, error] = await ask("GET", `/projects/${other.id}/tasks/${id}`);
    expect([status, error["code"]]).toEqual([404, "TASK_NOT_FOUND"]);
  });

  test("that waits for an open one becomes done only by force, and is told when it waits no more", async () => {
    const [first, second] = [await task("First"), await task("Second")];
    const path = `/projects/${projectId}/tasks/${second.id}/depends-on/${first.id}`;
    const pair = { taskId: second.id, dependsOnId: first.id };
    expect(await ask("POST", path)).toEqual([201, pair]);
    expect(await ask("POST", path)).toEqual([200, pair]);
    expect((await given("GET", `/tasks/${second.id}`)).isBlocked).toBe(true);
    const [status, error] = await ask("PATCH", `/tasks/${second.id}`, { status: "done" });
    expect([status, error["code"]]).toEqual([409, "INVALID_STATE"]);
    expect(error["details"]).toMatchObject({ waitsFor: [first.id] });
    const done = await given("PATCH", `/tasks/${second.id}`, { status: "done", force: true });
    expect(done.completedAt).toEqual(expect.any(Number));
    const reopened = await given("PATCH", `/tasks/${second.id}`, { status: "todo" });
    expect(reopened.completedAt).toBeNull();
    await given("PATCH", `/tasks/${first.id}`, { status: "cancelled" });
    expect((await given("GET", `/tasks/${second.id}`)).isBlocked).toBe(false);
    await given("DELETE", path);
    expect((await ask("DELETE", path))[0]).toBe(404);
  });

  test("waits for no cycle, itself or another project's", async () => {
    const chain: Task[] = [];
    for (let at = 0; at < 20; at += 1) {
      const dependsOn = chain.slice(-1).map(({ id }) => id);
      chain.push(await task(`Chain ${at}`, { dependsOn }));
    }
    const ids = chain.map(({ id }) => id);
    const [status, error] = await ask("POST", `/tasks/${ids[0]}/depends-on/${ids.at(-1)}`);
    expect([status, error["code"]]).toEqual([409, "CONFLICT"]);
    expect(error["details"]).toEqual({ cycle: [ids[0], ...ids.slice(1).reverse()] });
    expect((await ask("POST", `/tasks/${ids[0]}/depends-on/${ids[0]}`))[0]).toBe(400);
    const other = await newProject();
    const foreign = await given("POST", "/tasks", { projectId: other.id, title: "Foreign" });
    expect((await ask("POST", `/tasks/${ids[0]}/depends-on/${foreign.id}`))[0]).toBe(400);
  });

  test("that is deleted takes its parts and what waited for it", async () => {
    const parent = await task("Parent");
    const part = await task("Part", { parentTaskId: parent.id });
    const waiting = await task("Waiting", { dependsOn: [part.id, parent.id] });
    expect(
      (await ask("POST", `/projects/${projectId}/tasks`, { title: "x", parentTaskId: part.id }))[0],
    ).toBe(400);
    await given("DELETE", `/projects/${projectId}/tasks/${parent.id}`);
    expect((await ask("GET", `/tasks/${part.id}`))[0]).toBe(404);
    const left = await given("GET", `/tasks/${waiting.id}`);
    expect([left.dependsOn, left.isBlocked]).toEqual([[], false]);
  });
});

describe("labels", () => {
  test("are a project's, each name once, and a deleted one leaves its tasks", async () => {
    const path = `/projects/${projectId}/tasks/labels`;
    const bug = await given("POST", path, { name: "Bug", color: "#FF0000" });
    expect(bug).toMatchObject({ name: "Bug", color: "#ff0000" });
    expect((await ask("POST", path, { name: "BUG" }))[0]).toBe(409);
    const other = await newProject();
    const [status] = await ask("POST", `/projects/${other.id}/tasks`, {
      title: "x",
      labelIds: [bug.id],
    });
    expect(status).toBe(400);
    const labelled = await task("Labelled", { labelIds: [bug.id] });
    expect(await titles(`/projects/${projectId}/tasks?labels=${bug.id}`)).toEqual(["Labelled"]);
    await given("DELETE", `${path}/${bug.id}`);
    await home.backend.finishAllScheduledFunctions(() => undefined);
    expect((await given("GET", `/tasks/${labelled.id}`)).labelIds).toEqual([]);
    expect(await given("GET", path)).toEqual([]);
  });
});

describe("the order of a column", () => {
  test("is changed by moving one task, and no other", async () => {
    const project = await newProject();
    const at = `/projects/${project.id}/tasks`;
    const [a, b, c] = [
      await given("POST", at, { title: "A" }),
      await given("POST", at, { title: "B" }),
      await given("POST", at, { title: "C" }),
    ];
    const order = async (): Promise<string[]> => await titles(`${at}?status=todo&sort=position`);
    await given("POST", `/tasks/${c.id}/move`, { before: a.id });
    expect(await order()).toEqual(["C", "A", "B"]);
    await given("POST", `${at}/${c.id}/move`, { after: a.id });
    expect(await order()).toEqual(["A", "C", "B"]);
    await given("POST", `/tasks/${a.id}/move`, {});
    expect(await order()).toEqual(["C", "B", "A"]);
    const moved = await given("POST", `/tasks/${b.id}/move`, { status: "in_progress" });
    expect(moved).toMatchObject({ status: "in_progress" });
    expect((await given("GET", `/tasks/${c.id}`)).version).toBe(3);
    await given("DELETE", `/tasks/${b.id}`);
    const [status, error] = await ask("POST", `/tasks/${a.id}/move`, { after: b.id });
    expect([status, error["code"]]).toEqual([404, "TASK_NOT_FOUND"]);
  });

  test("stays total where many are dropped into one gap", async () => {
    const project = await newProject();
    const at = `/projects/${project.id}/tasks`;
    const [first, second, third] = [
      await given("POST", at, { title: "1" }),
      await given("POST", at, { title: "2" }),
      await given("POST", at, { title: "3" }),
    ];
    const flipping = [second, third];
    for (let turn = 0; turn < 60; turn += 1) {
      const mover = flipping[turn % 2] as Task;
      const moved = await given("POST", `/tasks/${mover.id}/move`, { after: first.id });
      expect(moved.position.length).toBeLessThanOrEqual(250);
    }
    expect(await titles(`${at}?status=todo&sort=position`)).toEqual(["1", "3", "2"]);
  });
});

describe("lists over all projects", () => {
  test("find what is assigned, to whom or to nobody, and what is due", async () => {
    const owner = await home.backend.run(async ({ db }) => await db.query("users").first());
    const userId = owner?._id ?? "";
    const project = await newProject();
    const at = `/projects/${project.id}/tasks`;
    await given("POST", at, { title: "Mine", assigneeIds: [userId], dueDate: "2026-03-01" });
    await given("POST", at, { title: "Nobody's", dueDate: "2026-03-05" });
    const of = `projectId=${project.id}`;
    expect(await titles(`/tasks?assignee=${userId}&${of}`)).toEqual(["Mine"]);
    expect(await titles(`/tasks?assignee=none&${of}`)).toEqual(["Nobody's"]);
    expect(await titles(`/tasks?${of}&dueTo=2026-03-02`)).toEqual(["Mine"]);
    expect(await titles(`/tasks?${of}&sort=-dueDate`)).toEqual(["Nobody's", "Mine"]);
    expect((await ask("GET", "/tasks?assignee=me"))[0]).toBe(400);
    const [status] = await ask("POST", at, { title: "x", assigneeIds: [project.id] });
    expect(status).toBe(404);
  });
});

test("a finished task that is opened again is nobody's who has left", async () => {
  const { backend, organizationId } = home;
  const { userId } = await newMember(backend, [{ organizationId, role: "member" }]);
  const { id } = await task("Report", { assigneeIds: [userId] });
  await given("PATCH", `/tasks/${id}`, { status: "done" });
  await backend.run(async ({ db }) => {
    const all = await db.query("memberships").collect();
    for (const { _id } of all.filter((one) => one.userId === userId)) {
      await db.delete("memberships", _id);
    }
  });
  const opened = await given("PATCH", `/tasks/${id}`, { status: "todo" });
  expect(opened["assigneeIds"]).toEqual([]);
});

describe("a recurring task", () => {
  test("has one successor, however often it is done", async () => {
    const project = await newProject();
    const at = `/projects/${project.id}/tasks`;
    const recurrence = { rrule: "FREQ=WEEKLY;BYDAY=MO", from: "due" };
    const { id } = await given("POST", at, { title: "Report", dueDate: "2099-01-05", recurrence });
    await given("POST", at, { title: "Collect", parentTaskId: id });
    const done = await given("PATCH", `/tasks/${id}`, { status: "done" });
    expect(done["successorId"]).toEqual(expect.any(String));
    expect(await given("GET", `/tasks/${id}`)).toEqual(done);
    await given("PATCH", `/tasks/${id}`, { status: "todo" });
    await given("PATCH", `/tasks/${id}`, { status: "done" });
    const open = (await given("GET", `${at}?status=todo&sort=createdAt`)) as unknown as Task[];
    const reports = open.filter(({ title }) => title === "Report");
    expect(reports.map((next) => [next["dueDate"], next["recurrence"]])).toEqual([
      [Date.parse("2099-01-12T00:00:00Z"), recurrence],
    ]);
    expect(
      open.filter(({ title }) => title === "Collect").map((part) => part["parentTaskId"]),
    ).toContain(reports[0]?.id);
    const [status] = await ask("POST", at, {
      title: "x",
      recurrence: { rrule: "FREQ=HOURLY", from: "due" },
    });
    expect(status).toBe(400);
    expect((await ask("POST", at, { title: "x", estimateMinutes: 1.5 }))[0]).toBe(400);
  });
});

test("many tasks at once have days, too, in the organization's zone", async () => {
  const items = [{ title: "Due", dueDate: "2026-10-09" }];
  const { body } = await home.request("POST", `/projects/${projectId}/tasks/bulk`, {
    body: { items },
  });
  const [result] = (body.data as unknown as { results: { id: string }[] }).results;
  const made = await given("GET", `/tasks/${result?.id}`);
  expect(made["dueDate"]).toBe(Date.parse("2026-10-09T00:00:00Z"));
});

describe("a deleted project", () => {
  test("takes its tasks and labels along: hidden at once, removed by a job however many they are, also where it fails", async () => {
    const project = await newProject();
    const at = `/projects/${project.id}/tasks`;
    const label = await given("POST", `${at}/labels`, { name: "Bug" });
    const first = await given("POST", at, { title: "First", labelIds: [label.id] });
    for (let n = 0; n < 120; n += 1) await given("POST", at, { title: `Task ${n}` });
    await given("DELETE", `/projects/${project.id}`);
    expect((await ask("GET", `/tasks/${first.id}`))[0]).toBe(404);
    expect(await titles(`/tasks?projectId=${project.id}`)).toEqual([]);
    // Its first step fails: whoever looks later begins it again.
    const scope = await home.backend.run(async (ctx) => {
      const jobs = await ctx.db.system.query("_scheduled_functions").collect();
      const first = jobs.findLast(({ name }) => name.startsWith("projects/removal:"));
      if (!first) throw new Error("No removal was begun.");
      await ctx.scheduler.cancel(first._id);
      return (first.args[0] as FunctionArgs<typeof internal.projects.removal.step>).scope;
    });
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const removal = { scope, projectId: project.id as Id<"objects"> };
    await home.backend.mutation(internal.projects.removalGuard.look, removal);
    await home.backend.finishAllScheduledFunctions(() => vi.runAllTimers());
    vi.useRealTimers();
    const rows = await home.backend.run(async ({ db }) => await db.query("objects").collect());
    const left = rows.filter(
      ({ parentId, lifecycle }) => parentId === project.id && lifecycle !== "deleted",
    );
    expect(left).toEqual([]);
    const hidden = await home.backend.run(
      async ({ db }) => await db.query("projectSight").collect(),
    );
    expect(hidden).toEqual([]);
  });
});

describe("many tasks at once", () => {
  test("are created in the project and changed, each for itself, with force where it takes that", async () => {
    const project = await newProject();
    const path = `/projects/${project.id}/tasks/bulk`;
    const first = await given("POST", path, { items: [{ title: "A" }, { title: "B" }, {}] });
    const { results } = first as unknown as {
      results: { status: string; id?: string; error?: { details: { path: string }[] } }[];
    };
    expect(results.map(({ status }) => status)).toEqual(["created", "created", "error"]);
    expect(results[2]?.error?.details[0]?.path).toBe("body.items.2.title");
    const [a, b] = results.map(({ id }) => id);
    const waits = await given("PATCH", `/tasks/${b}`, { dependsOn: [a] });
    expect(waits.isBlocked).toBe(true);
    const other = await task("of another project");
    const items = [
      { id: b, status: "done" },
      { id: b, status: "done", force: true },
      { id: other.id, title: "Taken" },
    ];
    const second = await given("POST", path, { items });
    expect(second["results"]).toMatchObject([
      { status: "error", error: { code: "INVALID_STATE" } },
      { status: "updated" },
      { status: "error", error: { code: "TASK_NOT_FOUND" } },
    ]);
  });
});

describe("files of a task", () => {
  test("are addresses, listed with it alone, and gone with a deletion of its own", async () => {
    const one = await task("With files");
    const path = `/projects/${projectId}/tasks/${one.id}/attachments`;
    const url = "https://files.example.com/map.pdf";
    const file = await given("POST", path, { url, fileName: "Map.pdf" });
    expect(file).toEqual({
      ...{ id: expect.any(String) as string, fileName: "Map.pdf", url },
      ...{ contentType: null, size: null, createdAt: expect.any(Number) as number },
    });
    expect(await given("GET", `/tasks/${one.id}/attachments`)).toEqual([file]);
    const other = await task("Without");
    const elsewhere = `/tasks/${other.id}/attachments`;
    expect(await given("GET", elsewhere)).toEqual([]);
    const [again] = await ask("POST", path, { attachmentId: file.id });
    const [taken, refusal] = await ask("POST", elsewhere, { attachmentId: file.id });
    expect([again, taken, refusal["code"]]).toEqual([200, 409, "CONFLICT"]);
    expect((await ask("DELETE", `${elsewhere}/${file.id}`))[0]).toBe(404);
    expect((await ask("POST", path, { url, attachmentId: file.id }))[0]).toBe(400);
    expect((await ask("DELETE", `${path}/${file.id}`))[0]).toBe(204);
    expect(await given("GET", path)).toEqual([]);
  });
});
