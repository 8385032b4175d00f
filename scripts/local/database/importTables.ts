/**
 * Writes documents that bring their ids with them, as an import does: whole tables in one
 * transaction, read one document at a time, so that memory does not grow with the import.
 */
import { type Catalogue, type TableEntry } from "./catalogue";
import { printDocument } from "./documents";
import { changeEntries, type EntryWriter } from "./entries";
import { decodeId, encodeId, idRange, newInternalId } from "./ids";
import { addTotals } from "./searchTotals";
import type { Store, StoreWriter } from "./store";
import { isSystemTable } from "./system";
import type { DocumentJson } from "./types";
import { checkValue } from "./validate";
import type { WriteClock } from "./writer";

export type TableImport = {
  name: string;
  /** The table number of the ids, or null where that of the table here will do. */
  number: number | null;
  /** Whether what the table holds goes. Without it the ids must be those of the table here. */
  replace: boolean;
  /** Without `_id` or `_creationTime` a document gets its own. Read once, in order. */
  documents: Iterable<DocumentJson>;
};

export type ImportCounts = { written: number; removed: number };

/** The data does not fit; the message says which row of which table, and why. */
export class ImportRefused extends Error {}

export function importInto(
  store: Store,
  current: Catalogue,
  imports: readonly TableImport[],
  clock: WriteClock,
  commitTs: bigint,
): ImportCounts & { catalogue: Catalogue } {
  const anew = tablesBeginningAnew(store, current, imports);
  const { next, dropped } = current.withNewTables(anew);
  next.setLeftovers([...current.leftovers, ...dropped]);
  const counts = { written: 0, removed: 0 };
  store.rewrite((writer) => {
    for (const { name } of anew) counts.removed += clear(writer, current.table(name));
    for (const each of imports) counts.written += writeTable(writer, next, each, clock);
    writer.putMeta("catalogue", next.print());
    writer.putMeta("lastTs", String(commitTs));
  });
  return { ...counts, catalogue: next };
}

/** Those that are replaced, and the empty ones: no id binds them to their number yet. */
function tablesBeginningAnew(
  store: Store,
  current: Catalogue,
  imports: readonly TableImport[],
): { name: string; number: number | null }[] {
  const snapshot = store.snapshot();
  const isEmpty = ({ number }: TableEntry): boolean =>
    Number(snapshot.meta(`count ${number}`) ?? 0) === 0;
  const anew = imports.filter(({ name, replace }) => {
    const table = current.table(name);
    return replace || table === null || isEmpty(table);
  });
  const named = new Set(imports.map(({ name }) => name));
  const others = current.tables.filter(
    (table) => !isSystemTable(table.name) && !named.has(table.name) && isEmpty(table),
  );
  snapshot.release();
  return [...anew, ...others.map(({ name }) => ({ name, number: null }))];
}

function clear(writer: StoreWriter, table: TableEntry | null): number {
  if (table === null) return 0;
  const count = Number(writer.meta(`count ${table.number}`) ?? 0);
  writer.removeDocuments(idRange(table.number));
  writer.putMeta(`count ${table.number}`, "0");
  return count;
}

function writeTable(
  writer: StoreWriter,
  catalogue: Catalogue,
  { name, documents }: TableImport,
  clock: WriteClock,
): number {
  const table = catalogue.table(name);
  if (table === null) throw new Error(`The table ${name} is missing`);
  const entries = entryWriter(writer);
  let row = 0;
  for (const given of documents) {
    row++;
    const document = completed(given, table, clock, row);
    checkFits(document, table, catalogue, row);
    const id = document._id;
    if (writer.document(id)) {
      throw new ImportRefused(`Table "${name}", row ${row}: there is a document ${id} already`);
    }
    writer.putDocument(
      id,
      refusing(name, row, () => printDocument(document)),
    );
    changeEntries(table, null, document, entries);
  }
  const count = Number(writer.meta(`count ${table.number}`) ?? 0) + row;
  writer.putMeta(`count ${table.number}`, String(count));
  return row;
}

/** The entries of `by_id` are the documents themselves. */
export function entryWriter(writer: StoreWriter): EntryWriter {
  return {
    write: (index, key, payload) => {
      if (index.kind !== "id") writer.writeEntry(index.number, key, payload);
    },
    addTotals: (index, partition, change) => {
      addTotals(
        partition,
        change,
        (key) => writer.entry(index.number, key),
        (key, payload) => {
          writer.writeEntry(index.number, key, payload);
        },
      );
    },
  };
}

type Complete = DocumentJson & { _id: string; _creationTime: number };

function completed(
  given: DocumentJson,
  table: TableEntry,
  clock: WriteClock,
  row: number,
): Complete {
  const { _id: id, _creationTime: time, ...fields } = given;
  const creationTime = time === undefined ? clock.nextCreationTime() : time;
  if (typeof creationTime !== "number" || !(creationTime > 0)) {
    throw new ImportRefused(
      `Table "${table.name}", row ${row}: \`_creationTime\` must be a positive number`,
    );
  }
  const ownId = id ?? encodeId(table.number, newInternalId(creationTime));
  if (typeof ownId !== "string" || decodeId(ownId)?.tableNumber !== table.number) {
    throw new ImportRefused(
      `Table "${table.name}", row ${row}: ${JSON.stringify(ownId)} is not an id of this table ` +
        `(table number ${table.number})`,
    );
  }
  return { ...fields, _id: ownId, _creationTime: creationTime };
}

function checkFits(document: Complete, table: TableEntry, catalogue: Catalogue, row: number): void {
  if (!catalogue.schemaValidation || table.validator === null || isSystemTable(table.name)) return;
  const { _id: id, _creationTime: _, ...fields } = document;
  const problem = checkValue(table.validator, fields, catalogue.tableName);
  if (problem === null) return;
  throw new ImportRefused(
    `Table "${table.name}", row ${row} (${id}) does not match the schema: ${problem}`,
  );
}

function refusing<T>(table: string, row: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ImportRefused(`Table "${table}", row ${row}: ${why}`, { cause: error });
  }
}
