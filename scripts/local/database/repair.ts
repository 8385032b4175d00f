/**
 * Makes a whole store of what can be read of a damaged one: its documents as far as their pages are
 * sound, and all indexes anew. The damaged one is put aside.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { messageOf, Problem } from "../problem";
import { inDraft } from "../replaceFolder";
import { Catalogue, type CatalogueJson } from "./catalogue";
import { requireDocument } from "./check";
import { DamageFound } from "./damage";
import { printDocument } from "./documents";
import { changeEntries } from "./entries";
import { holdFolder, storeFile } from "./folder";
import { entryWriter } from "./importTables";
import { PageFile } from "./pages";
import { Store } from "./store";

/** Of a table: the documents that were kept, and those that are missing of the number it had. */
export type Repaired = { table: string; kept: number; lost: number };

/** What says nothing of single tables, whose documents are counted anew. */
const KEPT = ["format", "secret", "catalogue", "lastTs", "lastCreationTime"];

/** @throws Problem where a server runs on the folder, or not even its list of tables can be read */
export async function repairFolder(given: string): Promise<Repaired[]> {
  const { folder, release } = holdFolder(given);
  try {
    return await inDraft(folder, async (draft) => {
      const file = openFile(storeFile(folder));
      const store = path.dirname(storeFile(draft));
      await mkdir(store, { recursive: true });
      const whole = Store.open(store);
      try {
        return rebuild(file, whole);
      } finally {
        file.close();
        await whole.close();
      }
    });
  } finally {
    await release();
  }
}

function openFile(file: string): PageFile {
  return orProblem(`${file} cannot be read`, () => PageFile.open(file));
}

function rebuild(file: PageFile, whole: Store): Repaired[] {
  const meta = orProblem("the settings of the store cannot be read", () => metaOf(file));
  const catalogue = orProblem("the list of the store's tables cannot be read", () => {
    const text = meta.get("catalogue");
    if (text === undefined) throw new DamageFound("it is missing");
    return new Catalogue(JSON.parse(text) as CatalogueJson);
  });
  const kept = new Map(catalogue.tables.map((table) => [table, 0]));
  whole.rewrite((writer) => {
    for (const key of KEPT) {
      const value = meta.get(key);
      if (value !== undefined) writer.putMeta(key, value);
    }
    const entries = entryWriter(writer);
    for (const { key: id, value } of file.rows("documents")) {
      const table = catalogue.tableOfId(id);
      const document = documentOf(id, value);
      if (table === null || document === null) continue;
      writer.putDocument(id, printDocument(document));
      changeEntries(table, null, document, entries);
      kept.set(table, (kept.get(table) ?? 0) + 1);
    }
    for (const [{ number }, count] of kept) writer.putMeta(`count ${number}`, String(count));
  });
  return [...kept].map(([{ name, number }, count]) => {
    const before = Number(meta.get(`count ${number}`) ?? 0);
    return { table: name, kept: count, lost: Math.max(0, before - count) };
  });
}

function metaOf(file: PageFile): Map<string, string> {
  return new Map([...file.rows("meta")].map(({ key, value }) => [key, value]));
}

function documentOf(id: string, packed: string): ReturnType<typeof requireDocument> | null {
  try {
    return requireDocument(id, packed);
  } catch (error) {
    if (error instanceof DamageFound) return null;
    throw error;
  }
}

function orProblem<Result>(what: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new Problem(`${what}: ${messageOf(error)}. Restore a backup`);
  }
}
