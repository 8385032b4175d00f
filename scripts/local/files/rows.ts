/**
 * The rows of stored files: `_storage`, which functions can read, and beside it `_file_storage`,
 * which knows the name under which the file can be fetched (as on Convex a UUID; who has it can
 * download the file, so it is not derived from the id, which is no secret).
 */
import type { RangeBoundJson, Transaction } from "../database/types";
import { Refusal } from "../runtime/errors";
import type { Received } from "./folder";

const TABLE = "_storage";
const NAMES = "_file_storage";

export type StoredFile = {
  id: string;
  uuid: string;
  /** Base64. */
  sha256: string;
  size: number;
  contentType: string | null;
};
type Row = { _id: string; sha256: string; size: number; contentType: string | null };
type NameRow = { _id: string; fileId: string; storageId: string };

export function insertFile(
  tx: Transaction,
  { id, size, sha256 }: Received,
  contentType: string | null,
  uuid: string,
): void {
  // Without a type it is null and not missing: so Convex's rows are, whatever their TypeScript type says.
  tx.system.insert(TABLE, { sha256, size, contentType }, id);
  tx.system.insert(NAMES, { fileId: id, storageId: uuid });
}

/** @throws Refusal where no file could ever have that id; `method` is that of `ctx.storage` */
export function findFile(tx: Transaction, given: string, method: string): StoredFile | null {
  const id = isUuid(given) ? nameRow(tx, "storageId", given)?.fileId : given;
  if (id === undefined) return null;
  if (tx.normalizeId(TABLE, id) === null) {
    throw new Refusal(
      `Invalid argument \`storageId\` for \`storage.${method}\`: Invalid storage ID: "${given}". ` +
        "Storage ID should be an Id of '_storage' table, or a UUID string.",
    );
  }
  const text = tx.get(id);
  if (text === null) return null;
  const name = nameRow(tx, "fileId", id);
  if (name === null) throw new Error(`The stored file ${id} has lost its name`);
  const { sha256, size, contentType } = JSON.parse(text) as Row;
  return { id, uuid: name.storageId, sha256, size, contentType };
}

export function findByUuid(tx: Transaction, uuid: string): StoredFile | null {
  return isUuid(uuid) ? findFile(tx, uuid, "getUrl") : null;
}

export function removeFile(tx: Transaction, { id }: StoredFile): void {
  tx.system.remove(id);
  const name = nameRow(tx, "fileId", id);
  if (name !== null) tx.system.remove(name._id);
}

/** Those of the ids that belong to no row. */
export function withoutRow(tx: Transaction, ids: readonly string[]): string[] {
  return ids.filter((id) => {
    if (tx.normalizeId(TABLE, id) === null) return true;
    const range: RangeBoundJson[] = [{ type: "Eq", fieldPath: "fileId", value: id }];
    return firstName(tx, "by_file", range) === null;
  });
}

function nameRow(tx: Transaction, field: "fileId" | "storageId", value: string): NameRow | null {
  const index = field === "fileId" ? "by_file" : "by_storage_id";
  return firstName(tx, index, [{ type: "Eq", fieldPath: field, value }]);
}

function firstName(tx: Transaction, index: string, range: RangeBoundJson[]): NameRow | null {
  const source = {
    type: "IndexRange",
    indexName: `${NAMES}.${index}`,
    range,
    order: null,
  } as const;
  for (const text of tx.system.query({ source, operators: [{ limit: 1 }] })) {
    return JSON.parse(text) as NameRow;
  }
  return null;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
