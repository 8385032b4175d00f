/** The audit trail: how fast entries are sealed, what that costs who writes, what a verification takes. */
import path from "node:path";
import { makeFunctionReference } from "convex/server";
import type { Doc } from "../../convex/_generated/dataModel";
import { digestsOf } from "../../convex/audit/digest";
import { openDatabase } from "../local/database";
import { adminClient, demoKey } from "./contacts";
import { documentsRead } from "./invoicing";
import { Client, latencies, median, throughput } from "./load";
import { progress, type Row, step, table } from "./report";
import { newestRow, newIdLike, rowsOf } from "./seed";
import { type MeasuredServer, removeData, startFreehold } from "./server";

type Entry = Doc<"auditLogs">;

const COMMITTED_AT_ONCE = 10_000;
const CREATES = 100;
const LOAD_SECONDS = 5;
const sealAll = makeFunctionReference<"action", Record<string, never>, null>(
  "audit/sealing:sealAll",
);

export async function benchAudit(sizes: readonly number[]): Promise<void> {
  const rows: Row[] = [];
  for (const size of sizes) {
    step(`audit: ${size} entries`);
    rows.push(await figuresAt(size));
  }
  table("Audit trail: sealing, and verification of the whole chain", rows);
}

async function figuresAt(size: number): Promise<Row> {
  const server = await startUnsealed(size);
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const create = (turn: number): Promise<unknown> =>
    client.call({ method: "POST", path: "/crm/contacts", body: { lastName: `Bench ${turn}` } });
  await latencies(CREATES, create);

  const startedAt = performance.now();
  const sealing = (await adminClient(server)).action(sealAll, {});
  const whileSealing = await latencies(CREATES, create);
  await sealing;
  const sealedPerSecond = size / ((performance.now() - startedAt) / 1000);
  const idle = await latencies(CREATES, create);
  const createsPerSecond = await throughput(8, LOAD_SECONDS, create);
  await (await adminClient(server)).action(sealAll, {});
  const verification = await verificationFigures(server, client);
  client.close();
  await server.stop();
  await removeData(server);
  return {
    entries: size,
    "sealed/s": sealedPerSecond,
    "creates/s at 8": createsPerSecond,
    "create, ms": median(idle),
    "while sealing, ms": median(whileSealing),
    ...verification,
  };
}

async function verificationFigures(server: MeasuredServer, client: Client): Promise<Row> {
  const before = (await server.memory()).own;
  let peak = before;
  const watch = setInterval(() => {
    void server.memory().then(({ own }) => (peak = Math.max(peak, own)));
  }, 50);
  const call = { method: "GET", path: "/audit/verify" };
  const startedAt = performance.now();
  const { data } = await client.json(call);
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(watch);
  const { valid, entries } = data as { valid: boolean | null; entries: number };
  if (valid !== true) throw new Error(`The chain does not verify: ${JSON.stringify(data)}`);
  return {
    "verified in, s": seconds,
    "documents an entry": (await documentsRead(server, client, call)) / entries,
    "memory before, MiB": before,
    "peak, MiB": peak,
  };
}

/** A server that has just been given so many entries, none of them sealed. */
async function startUnsealed(count: number): Promise<MeasuredServer> {
  const empty = await startFreehold();
  const client = new Client(`${empty.url}/api/v1`, await demoKey(empty));
  await client.call({ method: "POST", path: "/crm/contacts", body: { lastName: "The first" } });
  client.close();
  await empty.stop();
  const database = await openDatabase({ path: path.join(empty.data, "database") });
  try {
    const model = await newestRow<Entry>(database, "auditLogs");
    for (let from = 0; from < count; from += COMMITTED_AT_ONCE) {
      const length = Math.min(COMMITTED_AT_ONCE, count - from);
      const entries = Array.from({ length }, (_, place) => entryAfter(model, from + place + 1));
      await database.importTables([rowsOf("auditLogs", entries)]);
      progress(`  ${from + length} of ${count}`);
    }
  } finally {
    await database.close();
  }
  return await startFreehold({ data: empty.data });
}

/** The model once more, so many commits after it. */
function entryAfter(model: Entry, after: number): Entry {
  const { digests: _digests, seq: _seq, hash: _hash, ...content } = model;
  return {
    ...content,
    _id: newIdLike(model._id, model.at) as Entry["_id"],
    _creationTime: model._creationTime + after / 1000,
    digests: digestsOf(content),
    commitTs: (model.commitTs as bigint) + BigInt(after),
  };
}
