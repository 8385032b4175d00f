/** A zip file opened by its own directory, entry by entry and in any order. */
import type { Readable } from "node:stream";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { messageOf } from "../problem";
import { UploadRefused } from "./staging";

export type Zip = { entries: ReadonlyMap<string, Entry>; file: ZipFile; close(): void };

/** Of entries: tables and files. */
const MAX_ENTRIES = 1_000_000;

export async function openZip(path: string): Promise<Zip> {
  try {
    const file = await openPromise(path, { lazyEntries: true, autoClose: false });
    const entries = new Map<string, Entry>();
    for await (const entry of file.eachEntry()) {
      entries.set(entry.fileName, entry);
      if (entries.size > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
    }
    return {
      entries,
      file,
      close: () => {
        file.close();
      },
    };
  } catch (error) {
    throw new UploadRefused(`invalid zip file: ${messageOf(error)}`);
  }
}

export async function readEntry({ entries, file }: Zip, name: string): Promise<Readable> {
  const entry = entries.get(name);
  if (entry === undefined) throw new UploadRefused(`invalid zip file: ${name} is missing`);
  return await file.openReadStreamPromise(entry);
}
