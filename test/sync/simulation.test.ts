import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorDataOf } from "../../convex/kit/errors";
import { SYNCED_TYPES } from "../../convex/ontology/syncedRecord";
import { eventually } from "../helpers/server";
import type { ConflictRecord } from "./devices";
import { type SimulatedHost, type SimulatedOrganization, startSimulatedHost } from "./host";
import {
  type Acknowledged,
  Device,
  type Fate,
  isTwin,
  markOf,
  type Row,
  type Server,
} from "./simulation";
import { liveTasks, taskHistory } from "./taskHistories";

/**
 * Random histories of five devices. `SYNC_HISTORIES` asks for more of them; what fails prints a seed
 * and a path, which `SYNC_SEED` and `SYNC_PATH` replay.
 */
const HISTORIES = Number(process.env.SYNC_HISTORIES ?? 240);
const TASK_HISTORIES = Math.ceil(HISTORIES / 10);
/** Organizations in which histories happen beside each other: each waits for the disk by itself. */
const LANES = 6;
const DEVICES = 5;
const MINUTE = 60_000;
const FATES: Fate[] = ["arrives", "answer is lost", "arrives twice", "arrives out of order"];
/** What all devices have from the beginning, so that they have something to disagree on. */
const COMMON = ["crm_contact", "invoice", "project", "task"];

type DeviceStep =
  | { do: "create"; device: number; type: string; n: number }
  | { do: "edit"; device: number; n: number }
  | { do: "remove"; device: number; n: number }
  | { do: "cancel"; device: number; n: number }
  | { do: "push"; device: number; fate: Fate; most: number }
  | { do: "pull"; device: number; limit: number };
type OfficeStep = { do: "patch" | "delete" | "send"; n: number } | { do: "twins" };
type Step = DeviceStep | OfficeStep;

const device = fc.nat(DEVICES - 1);
const n = fc.nat(50);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("create" as const),
      device,
      n,
      type: fc.constantFrom(...SYNCED_TYPES),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("edit" as const), device, n }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("remove" as const, "cancel" as const), device, n }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant("push" as const), device },
      ...{ fate: fc.constantFrom(...FATES), most: fc.integer({ min: 1, max: 10 }) },
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant("pull" as const), device },
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("patch" as const, "delete" as const, "send" as const),
      n,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "twins" as const }) },
);
const history = fc.record({
  /** Minutes by which the devices' clocks are wrong. */
  skews: fc.array(fc.integer({ min: -120, max: 120 }), { minLength: DEVICES, maxLength: DEVICES }),
  /** Most are short, as what goes wrong takes few steps; some are long. */
  steps: fc.oneof(
    { weight: 4, arbitrary: fc.array(step, { minLength: 2, maxLength: 7 }) },
    { weight: 1, arbitrary: fc.array(step, { minLength: 8, maxLength: 24 }) },
  ),
});

/** A write that was made by a request, and not by a device. */
type Request = { id: string; isDelete: boolean };

let host: SimulatedHost;

beforeAll(async () => {
  host = await startSimulatedHost();
});

afterAll(async () => {
  await host.close();
});

test(`${HISTORIES} histories end with every device and the server equal, and nothing lost`, async () => {
  const { SYNC_SEED: seed, SYNC_PATH: path } = process.env;
  const isReplay = path !== undefined;
  const lanes = Array.from({ length: isReplay ? 1 : LANES }, async (_, lane) => {
    const organization = await host.newOrganization();
    const twins = await organization.makeTwins("twins");
    const property = fc.asyncProperty(history, (one) => live(organization, twins, one));
    await fc.assert(property, {
      numRuns: Math.ceil(HISTORIES / LANES),
      ...(seed === undefined ? {} : { seed: Number(seed) + (isReplay ? 0 : lane) }),
      ...(isReplay ? { path } : {}),
    });
  });
  await Promise.all(lanes);
}, 600_000);

test(`${TASK_HISTORIES} histories of tasks end equal: none lost, none waits for itself, each comes again once`, async () => {
  const organization = await host.newOrganization();
  const property = fc.asyncProperty(taskHistory, (one) => liveTasks(organization, one));
  await fc.assert(property, { numRuns: TASK_HISTORIES });
}, 600_000);

async function live(
  organization: SimulatedOrganization,
  twins: readonly string[],
  { skews, steps }: { skews: number[]; steps: Step[] },
): Promise<void> {
  const { server } = organization;
  const start = organization.cursor;
  const began = Date.now();
  const devices = skews.map((skew) => new Device(server, start, () => began, skew * MINUTE));
  await beginTogether(devices);
  const requests: Request[] = [];
  for (const next of steps) {
    await take(server, next, devices, twins, requests);
    for (const one of devices) expectWholeTransactions(one);
  }
  // A second round is for what referred to what another device had yet to push.
  for (let round = 0; round < 3 && devices.some(({ queue }) => queue.length > 0); round += 1) {
    for (const one of devices) await one.push("arrives");
  }
  const final = new Device(server, start, () => began, 0);
  const isDeletion = ({ change: { op, type } }: Acknowledged): boolean =>
    op === "delete" && type === "project";
  if (devices.some((one) => one.acknowledged.some(isDeletion))) {
    await eventually(
      async () => await server.isRemovingProjects(),
      (isUnderWay) => !isUnderWay,
    );
  }
  for (const one of [final, ...devices]) await one.pullAll(1000);
  organization.cursor = final.cursor;
  for (const one of devices) {
    expect(one.queue).toEqual([]);
    expectWholeTransactions(one);
    expect(sorted(one.rows)).toEqual(sorted(final.rows));
  }
  const acknowledged = devices.flatMap((one) => one.acknowledged);
  const conflicts = acknowledged.some(({ result }) => result.conflictId !== undefined)
    ? await server.conflicts(began)
    : [];
  for (const one of acknowledged) expectKept(one, acknowledged, final.rows, conflicts, requests);
  expectDeletedStays(acknowledged, final.rows, requests);
}

async function beginTogether(devices: readonly Device[]): Promise<void> {
  const [first] = devices;
  for (const type of COMMON) first?.create(type, 0);
  await first?.push("arrives");
  const page = await first?.pull(200);
  for (const one of devices) if (page && one !== first) one.receive(page);
}

async function take(
  server: Server,
  next: Step,
  devices: readonly Device[],
  twins: readonly string[],
  requests: Request[],
): Promise<void> {
  if ("device" in next) {
    const one = devices[next.device];
    if (!one) throw new Error("There are five devices.");
    await takeAtDevice(next, one);
  } else if (next.do === "twins") {
    await server.patchTwins(twins, crypto.randomUUID());
  } else {
    await takeAtOffice(server, next, devices, requests);
  }
}

async function takeAtDevice(next: DeviceStep, one: Device): Promise<void> {
  if (next.do === "create") one.create(next.type, next.n);
  else if (next.do === "edit") one.edit(next.n);
  else if (next.do === "remove") one.remove(next.n);
  else if (next.do === "cancel") one.cancel(next.n);
  else if (next.do === "pull") await one.pull(next.limit);
  else await one.push(next.fate, next.most);
}

/** Somebody at the dashboard changes a contact that some device has seen, or sends an invoice. */
async function takeAtOffice(
  server: Server,
  next: { do: "patch" | "delete" | "send"; n: number },
  devices: readonly Device[],
  requests: Request[],
): Promise<void> {
  const wanted = next.do === "send" ? "invoice" : "crm_contact";
  const seen = devices.flatMap((one) =>
    [...one.rows].flatMap(([id, row]) =>
      row.type === wanted && row.data !== null && !isTwin(row) ? [id] : [],
    ),
  );
  const id = seen[next.n % Math.max(1, seen.length)];
  if (id === undefined) return;
  try {
    if (next.do === "delete") await server.remove(id);
    else if (next.do === "send") await server.send(id);
    else await server.patch(id, crypto.randomUUID());
    // What was sent says all that it said before.
    if (next.do !== "send") requests.push({ id, isDelete: next.do === "delete" });
  } catch (error) {
    // Deleted meanwhile, still referred to, or sent already.
    if (!isRefusal(error)) throw error;
  }
}

function isRefusal(error: unknown): boolean {
  if (errorDataOf(error)) return true;
  return error instanceof Error && "data" in error && error.data !== undefined;
}

/** The twins are only ever written together, and an invoice with its payments: so a copy shows them. */
function expectWholeTransactions({ isConsistent, rows }: Device): void {
  if (!isConsistent) return;
  const living = [...rows].filter(([, { data }]) => data !== null);
  const notes = living.filter(([, row]) => isTwin(row)).map(([, row]) => fieldsOf(row).notes);
  if (new Set(notes).size > 1) throw new Error(`Half of a transaction is seen: ${notes.join()}`);
  const paid = new Map<unknown, number>();
  for (const [, row] of living.filter(([, { type }]) => type === "payment")) {
    const { invoiceId, amountInCents } = fieldsOf(row);
    paid.set(invoiceId, (paid.get(invoiceId) ?? 0) + Number(amountInCents));
  }
  for (const [id, row] of living.filter(([, { type }]) => type === "invoice")) {
    if (fieldsOf(row).amountPaidInCents === (paid.get(id) ?? 0)) continue;
    throw new Error(`Invoice ${id} is seen without its payments, or they without it.`);
  }
}

function fieldsOf({ data }: Row): Record<string, unknown> {
  return data?.customProperties ?? {};
}

/**
 * An acknowledged edit is in the row, or in the conflict log, or somebody who knew of it wrote over it.
 */
function expectKept(
  { change, result, device }: Acknowledged,
  all: readonly Acknowledged[],
  rows: ReadonlyMap<string, Row>,
  conflicts: readonly ConflictRecord[],
  requests: readonly Request[],
): void {
  const mark = markOf(change);
  if (mark === null) return;
  const { id, version } = result;
  if (JSON.stringify(rows.get(id)?.data ?? null).includes(mark)) return;
  const isLogged = conflicts.some(
    (conflict) => conflict.objectId === id && JSON.stringify(conflict).includes(mark),
  );
  if (isLogged) return;
  const isKnown = all.some(
    (later) =>
      later.result.id === id &&
      later.change !== change &&
      later.result.version > version &&
      (later.device === device || (later.change.baseVersion ?? 0) >= version),
  );
  const isRequested = requests.some((request) => request.id === id);
  // It went with its project.
  const row = rows.get(id);
  const isTakenAlong =
    row?.type === "task" &&
    row.data === null &&
    [...rows.values()].some(({ type, data }) => type === "project" && data === null);
  if (isKnown || isRequested || isTakenAlong) return;
  throw new Error(`Edit ${mark} of ${id} is lost: ${JSON.stringify({ change, result })}`);
}

/** Alive at the end is what nobody deleted, or what a later edit, which won, brought back. */
function expectDeletedStays(
  all: readonly Acknowledged[],
  rows: ReadonlyMap<string, Row>,
  requests: readonly Request[],
): void {
  const won = all.filter(({ result }) => result.winner !== "server");
  for (const [id, row] of rows) {
    if (row.data === null) continue;
    const deletions = won.filter(
      ({ change, result }) => change.op === "delete" && result.id === id,
    );
    const deletedAt = Math.max(0, ...deletions.map(({ result }) => result.version));
    const isDeletedHere = requests.some((request) => request.id === id && request.isDelete);
    if (deletedAt === 0 && !isDeletedHere) continue;
    const back = won.some(
      ({ change, result }) =>
        change.op === "upsert" && result.id === id && result.version > Math.max(1, deletedAt),
    );
    expect(back, `${id} was deleted and is there again`).toBe(true);
  }
}

function sorted(rows: ReadonlyMap<string, Row>): [string, Row][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}
