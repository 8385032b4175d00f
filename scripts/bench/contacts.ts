/** The figures of contacts at growing sizes of one organization, beside the baseline's. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { type Call, Client, latencies, median, throughput } from "./load";
import { progress, type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold, startScript } from "./server";

const BULK = 200;
const SAMPLES = 200;
/** Calls that are not counted: the first thousand of a process run code that is not compiled yet. */
const WARM_UP = 250;
const SECONDS = 4;
const MAX_PENDING = 8;
const BASELINE_KEY = "baseline-key";

type Operation = "create" | "get" | "list, cursor" | "list, total" | "patch" | "search";
type Operations = Record<Operation, (turn: number) => Call>;

export async function benchContacts(sizes: readonly number[]): Promise<void> {
  const server = await startFreehold();
  const baseline = await startScript("scripts/bench/baseline.ts", {
    flags: ["--key", BASELINE_KEY],
    readyLine: "Baseline is ready",
  });
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const other = new Client(baseline.url, BASELINE_KEY);
  const documents: Row[] = [];
  const medians: Row[] = [];
  let size = 0;
  for (const next of sizes) {
    step(`contacts: filling up to ${next.toLocaleString("en")}`);
    await fill(client, other, size, next);
    size = next;
    const pending = await waitForFolds(server);
    const ours = await operationsOf(client, size);
    const theirs = await baselineOperations(other, size);
    step(`contacts: measuring at ${size.toLocaleString("en")}`);
    documents.push({ contacts: size, ...(await documentsRead(server, client, ours)), pending });
    medians.push({ contacts: size, server: "Freehold", ...(await medianLatencies(client, ours)) });
    medians.push({ contacts: size, server: "baseline", ...(await medianLatencies(other, theirs)) });
  }
  table(
    "Documents read per request (all its transactions; pending: count rows waiting)",
    documents,
  );
  table("Median latency, ms, one at a time", medians);
  table(`Median latency at ${sizes.at(-1) ?? 0} ÷ at ${sizes[0] ?? 0} contacts`, ratios(medians));

  step("contacts: requests per second");
  const ours = await operationsOf(client, size);
  const theirs = await baselineOperations(other, size);
  table(`Requests per second at ${size} contacts`, await rates(client, ours, other, theirs));
  const [memory, theirMemory] = [await server.memory(), await baseline.memory()];
  client.close();
  other.close();
  await server.stop();
  await baseline.stop();
  step("contacts: start-up");
  const again = await startFreehold({ data: server.data });
  table(`Process at ${size} contacts`, [
    { figure: "resident, MiB", Freehold: memory.resident, baseline: theirMemory.resident },
    {
      figure: "of it its own (not the mapped store), MiB",
      Freehold: memory.own,
      baseline: theirMemory.own,
    },
    { figure: "start-up to ready, s", Freehold: again.startedIn / 1000 },
  ]);
  await again.stop();
  await removeData(server);
  await removeData(baseline);
}

/** Everyone of a new first name, so that a search has few hits at every size. */
function person(index: number): Record<string, string> {
  return {
    firstName: `Person${index}`,
    lastName: `Family${index % 1000}`,
    email: `person${index}@company${index % 500}.example`,
    subtype: (["lead", "prospect", "customer"] as const)[index % 3] ?? "lead",
  };
}

async function fill(client: Client, other: Client, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BULK) {
    const items = Array.from({ length: Math.min(BULK, to - start) }, (_, i) => person(start + i));
    await client.call({ method: "POST", path: "/crm/contacts/bulk", body: { items } });
    await Promise.all(items.map((body) => other.call({ method: "POST", path: "/contacts", body })));
    progress(`  ${start + items.length} of ${to}`);
  }
}

async function operationsOf(client: Client, size: number): Promise<Operations> {
  const page = await client.json({ method: "GET", path: "/crm/contacts?limit=200" });
  const ids = (page.contacts as { id: string }[]).map(({ id }) => id);
  const cursor = encodeURIComponent(String(page.nextCursor));
  const idOf = (turn: number): string => ids[turn % ids.length] ?? "";
  return {
    create: () => ({ method: "POST", path: "/crm/contacts", body: newPerson() }),
    get: (turn) => ({ method: "GET", path: `/crm/contacts/${idOf(turn)}` }),
    "list, cursor": () => ({
      method: "GET",
      path: `/crm/contacts?limit=50&cursor=${cursor}`,
    }),
    "list, total": () => ({ method: "GET", path: "/crm/contacts?limit=50" }),
    patch: (turn) => ({
      method: "PATCH",
      path: `/crm/contacts/${idOf(turn)}`,
      body: { notes: unique() },
    }),
    search: (turn) => ({ method: "GET", path: `/crm/contacts?search=person${(turn * 37) % size}` }),
  };
}

async function baselineOperations(client: Client, size: number): Promise<Operations> {
  const page = await client.json({ method: "GET", path: "/contacts" });
  const ids = (page.contacts as { id: string }[]).map(({ id }) => id);
  const idOf = (turn: number): string => ids[turn % ids.length] ?? "";
  const list = (): Call => ({ method: "GET", path: "/contacts" });
  return {
    create: () => ({ method: "POST", path: "/contacts", body: newPerson() }),
    get: (turn) => ({ method: "GET", path: `/contacts/${idOf(turn)}` }),
    "list, cursor": list,
    "list, total": list,
    patch: (turn) => ({
      method: "PATCH",
      path: `/contacts/${idOf(turn)}`,
      body: { notes: unique() },
    }),
    search: (turn) => ({ method: "GET", path: `/contacts?search=person${(turn * 37) % size}` }),
  };
}

let made = 0;
function unique(): string {
  made += 1;
  return `${process.pid}-${made}`;
}

function newPerson(): Record<string, string> {
  return { ...person(0), firstName: "New", email: `${unique()}@bench.example` };
}

/** As the server logs them: the sum over a request's transactions. */
async function documentsRead(
  server: MeasuredServer,
  client: Client,
  operations: Operations,
): Promise<Row> {
  const row: Row = {};
  for (const [name, call] of Object.entries(operations)) {
    const requestId = `bench-${unique()}`;
    await client.call({ ...call(1), headers: { "x-request-id": requestId } });
    row[name] = await loggedDocuments(server, requestId);
  }
  return row;
}

/** What the server's log says of a request; it is written after the answer. */
export async function loggedDocuments(server: MeasuredServer, requestId: string): Promise<number> {
  for (;;) {
    const line = (await server.lines()).findLast(
      (text) => text.includes(requestId) && text.includes("documentsRead"),
    );
    if (line !== undefined) return (JSON.parse(line) as { documentsRead: number }).documentsRead;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function medianLatencies(client: Client, operations: Operations): Promise<Row> {
  const row: Row = {};
  for (const [name, call] of Object.entries(operations)) {
    await latencies(WARM_UP, (turn) => client.call(call(turn)));
    row[name] = median(await latencies(SAMPLES, (turn) => client.call(call(turn))));
  }
  return row;
}

function ratios(medians: readonly Row[]): Row[] {
  return ["Freehold", "baseline"].map((name) => {
    const [first, last] = [
      medians.find((r) => r.server === name),
      medians.findLast((r) => r.server === name),
    ];
    const operations = Object.keys(first ?? {}).filter(
      (key) => key !== "contacts" && key !== "server",
    );
    const entries = operations.map((key) => [key, Number(last?.[key]) / Number(first?.[key])]);
    return { server: name, ...(Object.fromEntries(entries) as Row) };
  });
}

async function rates(
  ours: Client,
  our: Operations,
  theirs: Client,
  their: Operations,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const concurrency of [1, 16]) {
    for (const name of Object.keys(our) as Operation[]) {
      const freehold = await throughput(concurrency, SECONDS, (turn) => ours.call(our[name](turn)));
      const baseline = await throughput(concurrency, SECONDS, (turn) =>
        theirs.call(their[name](turn)),
      );
      rows.push({
        operation: `${name} × ${concurrency}`,
        Freehold: freehold,
        baseline,
        "baseline ÷ Freehold": baseline / freehold,
      });
      progress(`  ${name} × ${concurrency}`);
    }
  }
  return rows;
}

/** The figures are for at most eight count rows pending: says how many there are once that is so. */
async function waitForFolds(server: MeasuredServer): Promise<number> {
  const admin = await adminClient(server);
  const pendingCounts = makeFunctionReference<"query", Record<string, never>, number>(
    "maintenance:pendingCounts",
  );
  const foldCounts = makeFunctionReference<"mutation", Record<string, never>, unknown>(
    "maintenance:foldCounts",
  );
  const backlog = await admin.query(pendingCounts, {});
  step(`contacts: ${backlog} count rows were pending`);
  while ((await admin.query(pendingCounts, {})) > MAX_PENDING) await admin.mutation(foldCounts, {});
  return await admin.query(pendingCounts, {});
}

export async function adminClient(server: MeasuredServer): Promise<ConvexHttpClient> {
  const client = new ConvexHttpClient(server.cloudUrl);
  const key = (await readFile(path.join(server.data, "admin.key"), "utf8")).trim();
  (client as unknown as { setAdminAuth(key: string): void }).setAdminAuth(key);
  return client;
}

export async function demoKey(server: MeasuredServer): Promise<string> {
  const demo = JSON.parse(await readFile(path.join(server.data, "demo.json"), "utf8")) as {
    apiKey: string;
  };
  return demo.apiKey;
}
