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
import { definitionOf, talliesOf } from "../../convex/ontology/derived";
import { indexColumns } from "../../convex/ontology/indexColumns";
import type { ObjectDoc } from "../../convex/ontology/registry";
import { termName, termsOf } from "../../convex/ontology/terms";
import { openDatabase } from "../local/database";
import { decodeId, encodeId, newInternalId } from "../local/database/ids";
import type { Database, DocumentJson } from "../local/database/types";
import { Client } from "./load";
import { demoKey } from "./contacts";
import { type MeasuredServer, startFreehold } from "./server";
import { progress } from "./report";

/** Names and e-mails differ from one to the next: who shares one is a duplicate of the other. */
export type Person = { firstName: string; lastName: string; email: string };

type Contact = ObjectDoc<"crm_contact">;

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
  await seed(empty.data, async (database) => {
    const model = await newestRow<Contact>(database, "objects");
    await inBatches(count - 1, async (from, to) => {
      await append(database, contactsBetween(model, from, to, count - 1, person));
    });
  });
  const server = await startFreehold({ data: empty.data });
  await requireTotal(server, count);
  return server;
}

/** Writes to the data of a server that is stopped. */
export async function seed(
  data: string,
  write: (database: Database) => Promise<void>,
): Promise<void> {
  const database = await openDatabase({ path: path.join(data, "database") });
  try {
    await write(database);
  } finally {
    await database.close();
  }
}

export async function inBatches(
  count: number,
  write: (from: number, to: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += COMMITTED_AT_ONCE) {
    const to = Math.min(count, from + COMMITTED_AT_ONCE);
    await write(from, to);
    progress(`  ${to} of ${count}`);
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
  const customProperties = { ...model.customProperties, ...person };
  return objectAfter(model, { ...model, customProperties }, before);
}

/** What a request has made, as another object that was made so many milliseconds, and commits, before it. */
export function objectAfter<T extends ObjectDoc>(model: T, other: T, before: number): T {
  const at = model.createdAt - before;
  return {
    ...other,
    ...indexColumns(definitionOf(other.type).columns(other)),
    ...{ createdAt: at, updatedAt: at, editedAt: at },
    _id: newIdLike(model._id, at) as T["_id"],
    _creationTime: at,
    commitTs: (model.commitTs as bigint) - BigInt(before),
  };
}

export function newIdLike(id: string, milliseconds: number): string {
  const { tableNumber = 0 } = decodeId(id) ?? {};
  return encodeId(tableNumber, newInternalId(milliseconds));
}

/** Objects of one organization, with the rows that the store keeps in step with them. */
export async function append(database: Database, objects: readonly ObjectDoc[]): Promise<void> {
  const [first] = objects;
  if (!first) return;
  const { organizationId, commitTs } = first;
  const counted = new Map<string, { group: string; key: string[]; count: number }>();
  for (const { group, key } of objects.flatMap(talliesOf)) {
    const name = JSON.stringify([group, key]);
    const count = (counted.get(name)?.count ?? 0) + 1;
    counted.set(name, { group, key, count });
  }
  const deltas = [...counted.values()].map(({ group, key, count }) => ({
    ...{ organizationId, group, commitTs },
    cells: [{ key, count }],
  }));
  const contacts = objects.filter((object) => object.type === "crm_contact");
  await database.importTables([
    rowsOf("objects", objects),
    rowsOf("objectMatchKeys", contacts.flatMap(matchKeyRows)),
    rowsOf("objectTerms", objects.flatMap(termRows)),
    rowsOf("objectLinks", objects.flatMap(linkRows)),
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

function termRows(object: ObjectDoc): Row[] {
  const { organizationId, type, status, _id: objectId, createdAt } = object;
  const { filters = [] } = definitionOf(type).terms ?? {};
  const terms = filters.flatMap((filter) =>
    termsOf(object, filter).map((value) => termName(filter, value)),
  );
  return terms.map((term) => ({ organizationId, type, term, status, objectId, createdAt }));
}

function linkRows(object: ObjectDoc): Row[] {
  const { organizationId, type: fromType, _id: from, createdAt: fromCreatedAt } = object;
  const { links } = definitionOf(fromType).columns(object);
  return links.map((link) => ({ organizationId, from, fromType, fromCreatedAt, ...link }));
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
