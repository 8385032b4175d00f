/** Sync: what a pull costs as the organization grows, and what a push of 200 changes takes. */
import { randomUUID } from "node:crypto";
import {
  makeFunctionReference,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { adminClient, demoKey, loggedDocuments } from "./contacts";
import { Client, median } from "./load";
import { type Row, step, table } from "./report";
import { type Person, startSeeded } from "./seed";
import { type MeasuredServer, removeData } from "./server";

const FILLED_AT_ONCE = 100;
const PULLED = 1000;
const PULLS = 25;
const PUSHES = 7;
const PUSHED = 200;

type Creation = { changeId: string; clientId: string; data: object };
type Measured = { size: number; server: MeasuredServer; client: Client; cursor: string; row: Row };

/** At each size: the newest 1,000 changes, and a push of 200 new contacts and of 200 edits. */
export async function benchSync(sizes: readonly number[]): Promise<void> {
  const measured: Measured[] = [];
  for (const size of [...sizes].sort((a, b) => a - b)) measured.push(await prepare(size));
  await measurePulls(measured);
  for (const { size, server, client, row } of measured) {
    step(`sync: pushing to ${size.toLocaleString("en")} contacts`);
    Object.assign(row, await pushFigures(server, client));
  }
  table(
    `Pull of the newest ${PULLED} changes, push of ${PUSHED}`,
    measured.map(({ row }) => row),
  );
  const [first, last] = [measured[0]?.row, measured.at(-1)?.row];
  if (first && last && first !== last) {
    const ratio = Number(last["pull, ms"]) / Number(first["pull, ms"]);
    console.log(`Pull with ${last.contacts} ÷ with ${first.contacts}: ${ratio.toFixed(2)}`);
  }
  for (const { server, client } of measured) {
    client.close();
    await server.stop();
    await removeData(server);
  }
}

/** A server with so many contacts, the last thousand of them after the cursor that pulls begin at. */
async function prepare(size: number): Promise<Measured> {
  step(`sync: filling up to ${size.toLocaleString("en")}`);
  const server = await startSeeded(size - PULLED, person);
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const coldPush = await timed(client, creations());
  const cursor = await endOf(client);
  for (let made = size - PULLED; made < size; made += FILLED_AT_ONCE) {
    const items = Array.from({ length: FILLED_AT_ONCE }, (_, i) => person(made + i));
    await client.call({ method: "POST", path: "/crm/contacts/bulk", body: { items } });
  }
  return { size, server, client, cursor, row: { contacts: size, "first push, ms": coldPush } };
}

function person(index: number): Person {
  return { firstName: "Ada", lastName: `Number ${index}`, email: `ada${index}@bench.example` };
}

/** In turns, so that whatever else the machine does falls upon all of them. */
async function measurePulls(measured: readonly Measured[]): Promise<void> {
  step("sync: pulling");
  const times = measured.map((): number[] => []);
  for (let pull = 0; pull < PULLS; pull++) {
    for (const [place, { server, client, cursor, row }] of measured.entries()) {
      const id = randomUUID();
      const path = `/sync/pull?cursor=${cursor}&limit=${PULLED}`;
      const before = performance.now();
      await client.call({ method: "GET", path, headers: { "X-Request-Id": id } });
      times[place]?.push(performance.now() - before);
      row["documents read"] = await loggedDocuments(server, id);
    }
  }
  for (const [place, { row }] of measured.entries()) row["pull, ms"] = median(times[place] ?? []);
}

async function pushFigures(server: MeasuredServer, client: Client): Promise<Row> {
  const [creating, editing]: [number[], number[]] = [[], []];
  let [newRanges, editRanges] = [0, 0];
  for (let push = 0; push < PUSHES; push++) {
    const changes = creations();
    creating.push(await timed(client, changes));
    newRanges = await indexRangesOfLatestPush(server);
    const edits = changes.map((change) => ({
      ...change,
      ...{ changeId: randomUUID(), baseVersion: 1, clientUpdatedAt: Date.now() },
      data: { customProperties: { notes: "edited offline" } },
    }));
    editing.push(await timed(client, edits));
    editRanges = await indexRangesOfLatestPush(server);
  }
  return {
    "push new, ms": median(creating),
    "index ranges (new)": newRanges,
    "push edits, ms": median(editing),
    "index ranges (edits)": editRanges,
  };
}

function creations(): Creation[] {
  return Array.from({ length: PUSHED }, () => {
    const clientId = randomUUID();
    return {
      ...{ changeId: randomUUID(), op: "upsert", type: "crm_contact", clientId },
      clientUpdatedAt: Date.now(),
      data: { customProperties: { firstName: "Eve", email: `${clientId}@bench.example` } },
    };
  });
}

/** Of the 4,096 that Convex allows a transaction. */
async function indexRangesOfLatestPush(server: MeasuredServer): Promise<number> {
  const tableData = makeFunctionReference<
    "query",
    { table: string; order: "desc"; paginationOpts: PaginationOptions },
    PaginationResult<{ indexRanges: number }>
  >("_system/cli/tableData");
  const admin = await adminClient(server);
  const paginationOpts = { cursor: null, numItems: 1 };
  const { page } = await admin.query(tableData, {
    table: "syncLogs",
    order: "desc",
    paginationOpts,
  });
  const [log] = page;
  if (!log) throw new Error("A push is logged.");
  return log.indexRanges;
}

async function timed(client: Client, changes: readonly object[]): Promise<number> {
  const before = performance.now();
  const body = { deviceId: "bench", changes };
  const answer = await client.json({ method: "POST", path: "/sync/push", body });
  const { applied } = answer.data as { applied: number };
  if (applied !== changes.length) throw new Error(`${applied} of ${changes.length} were applied.`);
  return performance.now() - before;
}

async function endOf(client: Client): Promise<string> {
  const answer = await client.json({ method: "GET", path: "/sync/status" });
  return (answer.data as { cursor: string }).cursor;
}
