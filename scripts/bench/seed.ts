/**
 * A million contacts in minutes: rows of the same tables, columns and indexes as requests make, taken
 * in as `convex import` does. What they lack is a history (audit entries, events), which nothing that
 * is measured over them reads.
 */
import path from "node:path";
import { convexToJson, type JSONValue, jsonToConvex, type Value } from "convex/values";
import { contactMatchKeys } from "../../convex/ontology/contactMatch";
import { matchKeysIn } from "../../convex/ontology/matchKeys";
import { definedOnly } from "../../convex/ontology/changes";
import { columnsOf, talliesOf } from "../../convex/ontology/derived";
import type { Doc } from "../../convex/_generated/dataModel";
import { openDatabase } from "../local/database";
import { decodeId, encodeId, newInternalId } from "../local/database/ids";
import type { Database, DocumentJson } from "../local/database/types";
import { Client } from "./load";
import { demoKey } from "./contacts";
import { type MeasuredServer, startFreehold } from "./server";
import { progress } from "./report";

/** Names and e-mails differ from one to the next: who shares one is a duplicate of the other. */
export type Person = { firstName: string; lastName: string; email: string };

type Contact = Extract<Doc<"objects">, { type: "crm_contact" }>;

/** Rows of one commit: what a commit writes is in memory until it is on the disk. */
const COMMITTED_AT_ONCE = 10_000;

/** A new server whose demo organization has so many contacts, the last of them the newest. */
export async function startSeeded(
  count: number,
  person: (index: number) => Person,
): Promise<MeasuredServer> {
  const empty = await startFreehold();
  const client = new Client(`${empty.url}/api/v1`, await demoKey(empty));
  // One that a request makes is what the others are made after.
  await client.call({ method: "POST", path: "/crm/contacts", body: person(count - 1) });
  client.close();
  await empty.stop();
  await seed(empty.data, count - 1, person);
  const server = await startFreehold({ data: empty.data });
  await requireTotal(server, count);
  return server;
}

async function seed(data: string, count: number, person: (index: number) => Person): Promise<void> {
  const database = await openDatabase({ path: path.join(data, "database") });
  try {
    const model = await newestRow<Contact>(database, "objects");
    for (let from = 0; from < count; from += COMMITTED_AT_ONCE) {
      const to = Math.min(count, from + COMMITTED_AT_ONCE);
      await append(database, contactsBetween(model, from, to, count, person));
      progress(`  ${to} of ${count}`);
    }
  } finally {
    await database.close();
  }
}

function contactsBetween(
  model: Contact,
  from: number,
  to: number,
  count: number,
  person: (index: number) => Person,
): Contact[] {
  return Array.from({ length: to - from }, (_, place) =>
    contactAfter(model, person(from + place), count - from - place),
  );
}

/** The model as another person, made so many milliseconds, and commits, before it. */
function contactAfter(model: Contact, person: Person, before: number): Contact {
  const contact = { ...model, customProperties: { ...model.customProperties, ...person } };
  const { links: _links, ...columns } = columnsOf("crm_contact", contact);
  const at = model.createdAt - before;
  return {
    ...contact,
    ...columns,
    ...{ createdAt: at, updatedAt: at, editedAt: at, sortName: columns.name.toLowerCase() },
    _id: newIdLike(model._id, at) as Contact["_id"],
    _creationTime: at,
    commitTs: (model.commitTs as bigint) - BigInt(before),
  };
}

export function newIdLike(id: string, milliseconds: number): string {
  const { tableNumber = 0 } = decodeId(id) ?? {};
  return encodeId(tableNumber, newInternalId(milliseconds));
}

async function append(database: Database, contacts: readonly Contact[]): Promise<void> {
  const [first] = contacts;
  if (!first) return;
  const { organizationId, commitTs } = first;
  const deltas = talliesOf(first).map(({ group, key }) => ({
    ...{ organizationId, group, commitTs },
    cells: [{ key, count: contacts.length }],
  }));
  await database.importTables([
    rowsOf("objects", contacts),
    rowsOf("objectMatchKeys", contacts.flatMap(matchKeyRows)),
    rowsOf("countDeltas", deltas),
  ]);
}

type Row = Record<string, Value | undefined>;
type TableRows = Parameters<Database["importTables"]>[0][number];

function matchKeyRows({ organizationId, type, _id: objectId, customProperties }: Contact): Row[] {
  return matchKeysIn(contactMatchKeys(customProperties), null).map(({ kind, key }) => ({
    ...{ organizationId, type, kind, key, objectId, isShared: false },
  }));
}

export function rowsOf(name: string, rows: readonly Row[]): TableRows {
  return { name, number: null, replace: false, documents: documentsOf(rows) };
}

function* documentsOf(rows: readonly Row[]): Generator<DocumentJson> {
  for (const row of rows) yield convexToJson(definedOnly(row)) as DocumentJson;
}

/** What a request has made, for others to be made after. */
export async function newestRow<Row>(database: Database, tableName: string): Promise<Row> {
  const source = { type: "FullTableScan", tableName, order: "desc" } as const;
  return await database.query(async (tx) => {
    const text = tx.next(tx.openQuery({ source, operators: [] }));
    if (text === null) throw new Error(`There is no row in ${tableName} to make others after.`);
    return jsonToConvex(JSON.parse(text) as JSONValue) as Row;
  });
}

/** What lists say of the rows tells whether they were counted and indexed. */
async function requireTotal(server: MeasuredServer, count: number): Promise<void> {
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const { total } = await client.json({ method: "GET", path: "/crm/contacts?limit=1" });
  client.close();
  if (total !== count) throw new Error(`There are ${String(total)} contacts, and not ${count}.`);
}
