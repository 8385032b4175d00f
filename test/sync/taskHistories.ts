import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { expect } from "vitest";
import { rankBetween } from "../../convex/ontology/ranks";
import type { SimulatedOrganization } from "./host";
import { type Acknowledged, Device, type Fate, type Row } from "./simulation";

/**
 * Random histories of a project's tasks on devices that are offline at times: they are made, moved, let wait for
 * each other, done and deleted, the same ones on two devices at once.
 */
const DEVICES = 3;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const STATUSES = ["todo", "in_progress", "done"];
const FATES: Fate[] = ["arrives", "answer is lost", "arrives twice", "arrives out of order"];
const WEEKLY = "Weekly";

const device = fc.nat(DEVICES - 1);
const n = fc.nat(30);
const write = fc.constantFrom("make" as const, "move" as const, "move" as const, "wait" as const);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: write, device, n, other: n }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("finish" as const, "part" as const), device, n }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), device, n }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant("push" as const), device },
      fate: fc.constantFrom(...FATES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pull" as const), device }) },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

export const taskHistory = fc.record({
  /** Minutes by which the devices' clocks are wrong. */
  skews: fc.array(fc.integer({ min: -60, max: 60 }), { minLength: DEVICES, maxLength: DEVICES }),
  steps: fc.array(step, { minLength: 4, maxLength: 20 }),
});
type TaskHistory = typeof taskHistory extends fc.Arbitrary<infer One> ? One : never;

type Fields = Record<string, unknown> & {
  position?: string;
  dependsOn?: string[];
  parentTaskId?: string | null;
  successorId?: string | null;
};

/** Lives it, and sees that all copies are the server's, no task is lost, and none waits for itself. */
export async function liveTasks(
  organization: SimulatedOrganization,
  { skews, steps }: TaskHistory,
): Promise<void> {
  const start = organization.cursor;
  const began = Date.now();
  const devices = skews.map(
    (skew) => new Device(organization.server, start, () => began, skew * MINUTE),
  );
  const projectId = await begin(devices, began);
  for (const one of steps) await take(devices, projectId, one);
  for (let round = 0; round < 3 && devices.some(({ queue }) => queue.length > 0); round += 1) {
    for (const one of devices) await one.push("arrives");
    for (const one of devices) await one.pullAll(200);
  }
  for (const one of devices) await one.pullAll(200);
  const final = new Device(organization.server, start, () => began, 0);
  await final.pullAll(1000);
  organization.cursor = final.cursor;
  for (const one of devices) {
    expect(one.queue).toEqual([]);
    expect(sorted(one.rows)).toEqual(sorted(final.rows));
  }
  expectNoneLost(
    devices.flatMap((one) => one.acknowledged),
    final.rows,
  );
  expectNoCycle(final.rows);
  expectOneSuccessor(final.rows);
}

/** All devices have a project with some tasks, of which one comes again. */
async function begin(devices: readonly Device[], now: number): Promise<string> {
  const [first] = devices;
  if (!first) throw new Error("There are three devices.");
  const project = { subtype: "internal", name: "Relaunch", customProperties: {} };
  first.write({ type: "project", clientId: randomUUID(), data: project });
  await first.push("arrives");
  const [{ result }] = first.acknowledged as [Acknowledged];
  const projectId = result.id;
  const recurrence = { rrule: "FREQ=WEEKLY", from: "due" };
  const weekly = { projectId, position: "a0", dueDate: now + DAY, recurrence };
  make(first, WEEKLY, weekly);
  for (const position of ["a1", "a2", "a3"]) make(first, "Task", { projectId, position });
  await first.push("arrives");
  for (const one of devices) await one.pullAll(200);
  return projectId;
}

function make(one: Device, name: string, customProperties: Fields): void {
  one.write({ type: "task", clientId: randomUUID(), data: { name, customProperties } });
}

async function take(devices: readonly Device[], projectId: string, next: Step): Promise<void> {
  const one = devices[next.device];
  if (!one) throw new Error("There are three devices.");
  if (next.do === "push") {
    await one.push(next.fate);
    return;
  }
  if (next.do === "pull") {
    await one.pullAll(200);
    return;
  }
  const tasks = living(one.rows);
  const [id, row] = tasks[next.n % Math.max(1, tasks.length)] ?? [];
  const position = placeAmong(tasks, "other" in next ? next.other : 0);
  if (next.do === "make") {
    make(one, "Task", { projectId, position });
    return;
  }
  if (id === undefined || !row) return;
  const known = { type: "task", id, baseVersion: row.version };
  switch (next.do) {
    case "part": {
      make(one, "Part", { projectId, position, parentTaskId: id });
      return;
    }
    case "move": {
      const status = STATUSES[next.other % 2] ?? "todo";
      one.write({ ...known, data: { status, customProperties: { position } } });
      return;
    }
    case "wait": {
      const [other] = tasks[next.other % tasks.length] ?? [];
      const dependsOn = [...(fieldsOf(row).dependsOn ?? []), ...(other ? [other] : [])];
      one.write({ ...known, data: { customProperties: { dependsOn } } });
      return;
    }
    case "finish": {
      const [weekly] = tasks.filter(([, { data }]) => data?.name === WEEKLY && next.n % 3 > 0);
      const about = weekly ? { ...known, id: weekly[0], baseVersion: weekly[1].version } : known;
      one.write({ ...about, data: { status: "done" } });
      return;
    }
    case "remove": {
      one.write({ op: "delete", ...known });
      return;
    }
  }
}

/** Where somebody drops a task: right after another one, as far as the device knows. */
function placeAmong(tasks: readonly [string, Row][], at: number): string {
  const places = [...new Set(tasks.map(([, row]) => fieldsOf(row).position ?? "a0"))].sort();
  const index = at % Math.max(1, places.length);
  return rankBetween(places[index] ?? null, places[index + 1] ?? null);
}

/** Made and acknowledged, it is there, unless somebody deleted it, or what it is a part of. */
function expectNoneLost(
  acknowledged: readonly Acknowledged[],
  rows: ReadonlyMap<string, Row>,
): void {
  const deleted = new Set(
    acknowledged.filter(({ change }) => change.op === "delete").map(({ result }) => result.id),
  );
  for (const { change, result } of acknowledged) {
    if (change.type !== "task" || change.op === "delete" || result.error) continue;
    const parent = change.data?.customProperties?.["parentTaskId"];
    if (deleted.has(result.id) || (typeof parent === "string" && deleted.has(parent))) continue;
    if (change.clientId === undefined) continue;
    expect(rows.get(result.id)?.data, `${JSON.stringify(change)} is lost`).toBeTruthy();
  }
}

function expectNoCycle(rows: ReadonlyMap<string, Row>): void {
  const left = new Map(living(rows).map(([id, row]) => [id, fieldsOf(row).dependsOn ?? []]));
  for (let count = -1; count !== left.size;) {
    count = left.size;
    for (const [id, others] of left) if (!others.some((other) => left.has(other))) left.delete(id);
  }
  expect([...left.keys()]).toEqual([]);
}

/** However many devices have done it, the next is made once. */
function expectOneSuccessor(rows: ReadonlyMap<string, Row>): void {
  const series = living(rows).filter(([, { data }]) => data?.name === WEEKLY);
  const next = series.flatMap(([, row]) => fieldsOf(row).successorId ?? []);
  expect(new Set(next).size).toBe(next.length);
  const gone = [...rows.values()].filter(({ type, data }) => type === "task" && data === null);
  const unexplained = series.filter(([id]) => !next.includes(id)).length - 1;
  expect(unexplained).toBeLessThanOrEqual(gone.length);
}

function living(rows: ReadonlyMap<string, Row>): [string, Row][] {
  return [...rows].filter(([, { type, data }]) => type === "task" && data !== null);
}

function fieldsOf({ data }: Row): Fields {
  return data?.customProperties ?? {};
}

function sorted(rows: ReadonlyMap<string, Row>): [string, Row][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}
