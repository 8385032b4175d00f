/** Sync: what a pull costs as the organization grows, and what a push of 200 changes takes. */
import { randomUUID } from "node:crypto";
import {
  makeFunctionReference,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { adminClient, demoKey } from "./contacts";
import { Client } from "./load";
import { progress, type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

const FILLED_AT_ONCE = 100;
const PULLED = 1000;
const PULLS = 15;
const PUSHES = 7;
const PUSHED = 200;

/** At each size: the newest 1,000 changes, and a push of 200 new contacts and of 200 edits. */
export async function benchSync(sizes: readonly number[]): Promise<void> {
  const server = await startFreehold();
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const rows: Row[] = [];
  let filled = 0;
  for (const size of [...sizes].sort((a, b) => a - b)) {
    step(`sync: ${size} contacts`);
    // The last thousand come after the cursor that the pulls begin at.
    await fill(client, filled, size - PULLED);
    const cursor = await endOf(client);
    await fill(client, Math.max(filled, size - PULLED), size);
    filled = size;
    rows.push({ contacts: size, ...(await pullFigures(server, client, cursor)) });
    Object.assign(rows.at(-1) ?? {}, await pushFigures(server, client));
  }
  const [first, last] = [rows[0], rows.at(-1)];
  table(`Pull of the newest ${PULLED} changes, push of ${PUSHED}`, rows);
  if (first && last && first !== last) {
    const ratio = Number(last["pull, ms"]) / Number(first["pull, ms"]);
    console.log(`Pull with ${last.contacts} ÷ with ${first.contacts}: ${ratio.toFixed(2)}`);
  }
  client.close();
  await server.stop();
  await removeData(server);
}

async function fill(client: Client, from: number, to: number): Promise<void> {
  for (let made = from; made < to; made += FILLED_AT_ONCE) {
    const count = Math.min(FILLED_AT_ONCE, to - made);
    const items = Array.from({ length: count }, (_, i) => ({
      firstName: "Ada",
      lastName: `Number ${made + i}`,
      email: `ada${made + i}@bench.example`,
    }));
    await client.call({ method: "POST", path: "/crm/contacts/bulk", body: { items } });
    progress(`${made + count} of ${to}`);
  }
}

async function pullFigures(server: MeasuredServer, client: Client, cursor: string): Promise<Row> {
  const times: number[] = [];
  let documents = 0;
  for (let pull = 0; pull < PULLS; pull++) {
    const id = randomUUID();
    const before = performance.now();
    const headers = { "X-Request-Id": id };
    const query = `cursor=${cursor}&limit=${PULLED}`;
    await client.call({ method: "GET", path: `/sync/pull?${query}`, headers });
    times.push(performance.now() - before);
    documents = await documentsOf(server, id);
  }
  return { "documents read": documents, "pull, ms": median(times) };
}

async function pushFigures(server: MeasuredServer, client: Client): Promise<Row> {
  const [creating, editing]: [number[], number[]] = [[], []];
  let [newRanges, editRanges] = [0, 0];
  for (let push = 0; push < PUSHES; push++) {
    const clientIds = Array.from({ length: PUSHED }, () => randomUUID());
    const changes = clientIds.map((clientId) => ({
      ...{ changeId: randomUUID(), op: "upsert", type: "crm_contact", clientId },
      clientUpdatedAt: Date.now(),
      data: { customProperties: { firstName: "Eve", email: `${clientId}@bench.example` } },
    }));
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

async function timed(client: Client, changes: object[]): Promise<number> {
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

/** What the server's log says of a request; it is written after the answer. */
async function documentsOf(server: MeasuredServer, requestId: string): Promise<number> {
  for (;;) {
    const line = (await server.lines()).findLast(
      (text) => text.includes(requestId) && text.includes("documentsRead"),
    );
    if (line !== undefined) return (JSON.parse(line) as { documentsRead: number }).documentsRead;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
