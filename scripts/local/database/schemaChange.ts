/**
 * Brings the folder to a new schema: checks that the existing documents match it, builds the new
 * indexes beside the old ones, switches over in one commit and then removes what is not used any
 * more. It runs between mutations; queries go on with the old schema until the switch.
 */
import type { ValidatorJSON } from "convex/values";
import { type Catalogue, idIndex, type IndexEntry, type TableEntry } from "./catalogue";
import { idOf } from "./documents";
import { changeEntries, overlayWriter } from "./entries";
import { afterPrefix, idOfKey } from "./keys";
import { Overlay } from "./overlay";
import type { SchemaDefinition } from "./schema";
import type { Store } from "./store";
import type { DocumentJson } from "./types";
import { checkValue } from "./validate";
import { View } from "./view";

/** Documents and entries handled at a time, to bound memory and the length of a write. */
const BATCH = 2_000;
const NOTHING = new Overlay();

export async function changeSchema(
  store: Store,
  current: Catalogue,
  schema: SchemaDefinition,
  adopt: (next: Catalogue) => void,
): Promise<void> {
  const { next, added, dropped } = current.withSchema(schema);
  await checkDocuments(store, current, next);
  // Saved first: should the process die while building, opening the folder clears it away.
  const unfinished = added.map(({ index }) => index.number);
  current.reserveNumbers(next);
  current.setLeftovers([...current.leftovers, ...unfinished]);
  await saveCatalogue(store, current);
  await buildIndexes(store, added);
  next.setLeftovers(dropped.map(({ number }) => number));
  await saveCatalogue(store, next);
  adopt(next);
  await removeLeftovers(store, next);
}

export async function buildIndexes(
  store: Store,
  added: readonly { table: TableEntry; index: IndexEntry }[],
): Promise<void> {
  const byTable = new Map<TableEntry, IndexEntry[]>();
  for (const { table, index } of added) {
    byTable.set(table, [...(byTable.get(table) ?? []), index]);
  }
  for (const [table, indexes] of byTable) {
    // A build that was cut off may have left some, whose totals would count twice.
    for (const { number } of indexes) await removeEntries(store, number);
    for (const batch of documentsOf(store, table)) {
      const written = store.snapshot();
      const writes = new Overlay();
      const view = new View(written, [writes]);
      const writer = overlayWriter(writes, (index, key) => view.payload(index, key));
      for (const document of batch) changeEntries({ ...table, indexes }, null, document, writer);
      written.release();
      await store.write(writes, new Map(), { isById: () => false });
    }
  }
}

/** Removes the entries of indexes that are not in use, then forgets them. */
export async function removeLeftovers(store: Store, catalogue: Catalogue): Promise<void> {
  if (catalogue.leftovers.length === 0) return;
  for (const index of catalogue.leftovers) {
    await removeEntries(store, index);
  }
  catalogue.setLeftovers([]);
  await saveCatalogue(store, catalogue);
}

async function removeEntries(store: Store, index: number): Promise<void> {
  while (!(await store.removeEntries(index, BATCH * 5)));
}

export async function saveCatalogue(store: Store, catalogue: Catalogue): Promise<void> {
  const meta = new Map([["catalogue", catalogue.print()]]);
  await store.write(NOTHING, meta, catalogue);
}

async function checkDocuments(store: Store, current: Catalogue, next: Catalogue): Promise<void> {
  if (!next.schemaValidation) return;
  for (const table of next.tables) {
    const { validator } = table;
    if (validator === null || isEnforced(current, table.name, validator)) continue;
    for (const batch of documentsOf(store, table)) {
      for (const document of batch) {
        const { _id: _, _creationTime: __, ...fields } = document;
        const problem = checkValue(validator, fields, next.tableName);
        if (problem !== null) {
          throw new Error(
            `Document with ID "${idOf(document)}" in table "${table.name}" does not match the ` +
              `schema: ${problem}`,
          );
        }
      }
      // Lets the server answer in between.
      await new Promise(setImmediate);
    }
  }
}

function isEnforced(current: Catalogue, table: string, validator: ValidatorJSON): boolean {
  const enforced = current.schemaValidation ? current.table(table)?.validator : null;
  return JSON.stringify(enforced) === JSON.stringify(validator);
}

/** All documents of a table, in batches, as they were when the iteration began. */
function* documentsOf(store: Store, table: TableEntry): Generator<DocumentJson[]> {
  const index = idIndex(table);
  const snapshot = store.snapshot();
  try {
    const view = new View(snapshot, []);
    const cursor = view.scan({ table, index, low: "", high: afterPrefix(""), reverse: false });
    let batch: DocumentJson[] = [];
    for (let entry = cursor.next(); entry !== null; entry = cursor.next()) {
      const stored = snapshot.document(idOfKey(entry.key));
      if (stored !== null) batch.push(JSON.parse(stored.text) as DocumentJson);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    snapshot.release();
  }
}
