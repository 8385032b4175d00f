/** Reads a whole store to see whether it fits together: see damage.ts. */
import type { Catalogue, IndexEntry, TableEntry } from "./catalogue";
import { DamageFound, damageIn, WAY_OUT } from "./damage";
import { storeFile } from "./folder";
import { idOfKey } from "./keys";
import { PageFile } from "./pages";
import { Problem } from "../problem";
import { INDEX_BYTES, type Snapshot, unpackDocument, unpackEntry } from "./store";
import type { DocumentJson } from "./types";

const LOOK_AT_CLOCK_EVERY = 100;

/** So long a start may read its store to see whether it is damaged; a larger one is read in part. */
const CHECKED_FOR_MS = 500;

/** The time that a check may take, over all of its steps. */
export class Budget {
  private steps = 0;
  private readonly ends = performance.now() + CHECKED_FOR_MS;

  readonly isLeft = (): boolean =>
    ++this.steps % LOOK_AT_CLOCK_EVERY !== 0 || performance.now() < this.ends;
}

/**
 * Reads the pages of the file; true if all of them were read. What LMDB reads after that cannot end the
 * process. @throws Problem for a file that is damaged
 */
export function checkPages(folder: string, budget: Budget): boolean {
  return orProblem(folder, () => {
    const file = PageFile.open(storeFile(folder));
    try {
      return file.check(budget.isLeft);
    } finally {
      file.close();
    }
  });
}

/** Reads the documents and entries, as far as the time goes. @throws Problem where they do not fit */
export function checkRows(
  folder: string,
  snapshot: Snapshot,
  catalogue: Catalogue,
  budget: Budget,
): void {
  orProblem(
    folder,
    () => checkDocuments(snapshot, catalogue, budget) && checkEntries(snapshot, catalogue, budget),
  );
}

/** What is found while a folder is opened, in one line for who starts it. @throws Problem, or as `check` */
export function orProblem<Result>(folder: string, check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    const found = damageIn(error);
    if (found === null) throw error;
    throw new Problem(`the store in ${folder} is damaged: ${found}. ${WAY_OUT}`);
  }
}

function checkDocuments(snapshot: Snapshot, catalogue: Catalogue, budget: Budget): boolean {
  const counts = new Map<TableEntry, number>();
  let rows = 0;
  for (const { key: id, value } of snapshot.rows("documents")) {
    if (!budget.isLeft()) return false;
    rows++;
    requireDocument(id, value);
    const table = catalogue.tableOfId(id);
    if (table === null) throw new DamageFound(`document ${id} is of no table`);
    counts.set(table, (counts.get(table) ?? 0) + 1);
  }
  requireEqual("documents", rows, snapshot.sizeOf("documents"));
  for (const table of catalogue.tables) {
    requireEqual(`documents of ${table.name}`, counts.get(table) ?? 0, countOf(snapshot, table));
  }
  return true;
}

/** @throws DamageFound */
export function requireDocument(id: string, packed: string): DocumentJson & { _id: string } {
  const { text } = unpackDocument(id, packed);
  let document: DocumentJson & { _id: string };
  try {
    document = JSON.parse(text) as typeof document;
  } catch (error) {
    throw new DamageFound(`document ${id} cannot be read`, { cause: error });
  }
  if (document._id !== id) throw new DamageFound(`document ${id} has another id`);
  return document;
}

function checkEntries(snapshot: Snapshot, catalogue: Catalogue, budget: Budget): boolean {
  const indexes = new Map<number, { table: TableEntry; index: IndexEntry; entries: number }>();
  for (const table of catalogue.tables) {
    for (const index of table.indexes) indexes.set(index.number, { table, index, entries: 0 });
  }
  // What an older version left without entries is built when the folder is opened.
  for (const { index } of catalogue.unbuilt) indexes.delete(index.number);
  let rows = 0;
  for (const { key: stored, value } of snapshot.rows("entries")) {
    if (!budget.isLeft()) return false;
    rows++;
    const known = indexes.get(numberOf(stored));
    // What an index left that is gone is removed when the folder is opened.
    if (known === undefined) continue;
    known.entries++;
    if (known.index.kind !== "database") continue;
    const id = idOfKey(unpackEntry(stored.slice(INDEX_BYTES), value).key);
    if (!snapshot.has(id)) throw new DamageFound(`an index names ${id}, which is missing`);
  }
  requireEqual("entries", rows, snapshot.sizeOf("entries"));
  for (const { table, index, entries } of indexes.values()) {
    if (index.kind !== "database") continue;
    requireEqual(`entries of ${table.name}.${index.name}`, entries, countOf(snapshot, table));
  }
  return true;
}

function numberOf(stored: string): number {
  let number = 0;
  for (let i = 0; i < INDEX_BYTES; i++) number = number * 256 + stored.charCodeAt(i);
  return number;
}

function countOf(snapshot: Snapshot, { number }: TableEntry): number {
  return Number(snapshot.meta(`count ${number}`) ?? 0);
}

function requireEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new DamageFound(`${found} ${what} are there, not ${expected}`);
}
