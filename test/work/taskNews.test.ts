import { beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Fixture, type Member, newBackend, newMember } from "../helpers/backend";

/** Who holds a task is told of it. */
let home: Fixture;
let mo: Member;
let projectId: string;

beforeEach(async () => {
  home = await newBackend();
  const { organizationId } = home;
  mo = await newMember(home.backend, [{ organizationId, role: "member" }]);
  const body = { subtype: "internal", name: "Relaunch" };
  projectId = (await home.request("POST", "/projects", { body })).body.data.id;
});

async function newTask(more: object): Promise<string> {
  const body = { projectId, title: "Draft", ...more };
  return (await home.request("POST", "/tasks", { body })).body.data.id;
}

/** What lies in the inbox, once everything has been handed on. */
async function inbox(): Promise<string[]> {
  const { organizationId } = home;
  await home.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
  await home.backend.mutation(internal.tasks.reminders.sweep, {});
  const { body } = await mo.request("GET", "/notifications");
  return (body.data as unknown as { template: string }[]).map(({ template }) => template);
}

test("whom a task is given is told once, and not of what they took themselves", async () => {
  const id = await newTask({ assigneeIds: [mo.userId] });
  expect(await inbox()).toEqual(["task.assigned"]);
  await home.request("PATCH", `/tasks/${id}`, { body: { title: "Draft again" } });
  expect(await inbox()).toEqual(["task.assigned"]);
  const other = await newTask({});
  await mo.request("PATCH", `/tasks/${other}`, { body: { assigneeIds: [mo.userId] } });
  expect(await inbox()).toEqual(["task.assigned"]);
});

test("nobody is told of what was taken from them, done or deleted meanwhile", async () => {
  const [taken, done, deleted] = await Promise.all(
    ["a", "b", "c"].map((title) => newTask({ title, assigneeIds: [mo.userId] })),
  );
  await home.request("PATCH", `/tasks/${taken}`, { body: { assigneeIds: [] } });
  await home.request("PATCH", `/tasks/${done}`, { body: { status: "done" } });
  await home.request("DELETE", `/tasks/${deleted}`);
  expect(await inbox()).toEqual([]);
});

test("a reminder comes so long before the day's end in the organization's zone, and moves with the day", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-03-09T12:00:00Z") });
  await home.request("PATCH", "/organization", { body: { timeZone: "Europe/Berlin" } });
  const due = { dueDate: "2026-03-10", remindMinutesBefore: 60 };
  const id = await newTask({ assigneeIds: [mo.userId], ...due });
  expect(await inbox()).toEqual(["task.assigned"]);
  // Berlin's day ends at 23:00 UTC in winter.
  vi.setSystemTime(new Date("2026-03-10T21:59:00Z"));
  expect(await inbox()).toEqual(["task.assigned"]);
  await home.request("PATCH", `/tasks/${id}`, { body: { dueDate: "2026-03-11" } });
  vi.setSystemTime(new Date("2026-03-10T22:01:00Z"));
  expect(await inbox()).toEqual(["task.assigned"]);
  vi.setSystemTime(new Date("2026-03-11T22:01:00Z"));
  expect((await inbox()).sort()).toEqual(["task.assigned", "task.due"]);
  await home.request("PATCH", `/tasks/${id}`, { body: { title: "Draft again" } });
  expect((await inbox()).sort()).toEqual(["task.assigned", "task.due"]);
  vi.useRealTimers();
});
