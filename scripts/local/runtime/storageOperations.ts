/** `ctx.storage`: in the transaction of a query or mutation, in one of its own from an action. */
import type { Transaction } from "../database/types";
import type { Source, StoredFile } from "../files";
import type { Call } from "./call";
import { Refusal } from "./errors";
import type { Operation } from "./syscalls";

type IdArgs = { storageId: string };
type StoreArgs = { blob: string; contentType: string; sha256?: string };

function reading(call: Call, read: (tx: Transaction) => string): string | Promise<string> {
  return call.tx === null ? call.host.database.query(async (tx) => read(tx)) : read(call.tx);
}

function mutationOf(call: Call): Transaction {
  if (call.tx === null || call.kind !== "mutation") throw new Refusal("Only mutations can write");
  return call.tx;
}

function findIn(tx: Transaction, call: Call, args: IdArgs, method: string): StoredFile | null {
  const { storageId } = args;
  if (typeof storageId !== "string") {
    throw new Refusal(`storage.${method} requires a string storageId`);
  }
  return call.host.files.find(tx, storageId, method);
}

const inAny: Record<string, Operation> = {
  "1.0/storageGetUrl": (call, args: IdArgs) =>
    reading(call, (tx) => {
      const file = findIn(tx, call, args, "getUrl");
      return JSON.stringify(file === null ? null : `${originOf(call)}/api/storage/${file.uuid}`);
    }),
  "1.0/storageGetMetadata": (call, args: IdArgs) =>
    reading(call, (tx) => {
      const file = findIn(tx, call, args, "getMetadata");
      if (file === null) return "null";
      const { uuid: storageId, size, contentType } = file;
      const sha256 = Buffer.from(file.sha256, "base64").toString("hex");
      return JSON.stringify({ storageId, sha256, size, contentType });
    }),
  "1.0/storageGenerateUploadUrl": (call) => {
    if (call.kind === "query") throw new Refusal("Only mutations and actions can make upload URLs");
    const token = call.host.files.uploadToken();
    return JSON.stringify(`${originOf(call)}/api/storage/upload?token=${token}`);
  },
};

export const storageInTransactions: Record<string, Operation> = {
  ...inAny,
  "1.0/storageDelete": (call, { storageId }: IdArgs) => {
    call.host.files.delete(mutationOf(call), storageId);
    return "null";
  },
  "1.0/storageStore": async (call, { blob, contentType, sha256 }: StoreArgs) => {
    const tx = mutationOf(call);
    const bytes = Buffer.from(blob, "base64");
    tx.countFileWritten(bytes.length);
    const description = { contentType: typeOf(contentType), sha256: checkedSha256(sha256) };
    const received = await call.host.files.receive([bytes], description);
    call.storedFiles.push(received.id);
    call.host.files.insert(tx, received, description);
    return JSON.stringify(received.id);
  },
  "1.0/storageGet": async (call, args: IdArgs) => {
    const tx = mutationOf(call);
    const file = findIn(tx, call, args, "get");
    if (file === null) return "null";
    tx.countFileRead(file.size);
    const bytes = await call.host.files.read(file);
    if (bytes === null) return "null";
    return JSON.stringify({ blob: bytes.toString("base64"), contentType: file.contentType });
  },
};

export const storageInActions: Record<string, Operation> = {
  ...inAny,
  "1.0/storageDelete": async (call, { storageId }: IdArgs) => {
    const { database, files } = call.host;
    await database.mutation(async (tx) => {
      files.delete(tx, storageId);
    });
    return "null";
  },
};

/** What passes blobs and not text, and is only for actions. */
export type BlobOperation = (call: Call, args: never) => Promise<string | Blob | null>;

export const blobOperations: Record<string, BlobOperation> = {
  "storage/storeBlob": async (call, args: { blob: Blob; options?: { sha256?: string } }) => {
    const { blob, options } = args;
    if (!(blob instanceof Blob)) {
      throw new Refusal(
        "store() expects a Blob. If you are trying to store a Request, `await request.blob()` will give you the correct input.",
      );
    }
    return await call.host.files.store(blob.stream() as AsyncIterable<Uint8Array> & Source, {
      contentType: typeOf(blob.type),
      sha256: checkedSha256(options?.sha256),
    });
  },
  "storage/getBlob": async (call, args: IdArgs) => {
    const { database, files } = call.host;
    const file = await database.query(async (tx) => findIn(tx, call, args, "get"));
    const bytes = file === null ? null : await files.read(file);
    return bytes === null
      ? null
      : new Blob([new Uint8Array(bytes)], { type: file?.contentType ?? "" });
  },
};

function originOf(call: Call): string {
  return call.host.environment["CONVEX_CLOUD_URL"] ?? "";
}

function typeOf(contentType: string): string | null {
  return contentType === "" ? null : contentType;
}

/** In base64, or in hexadecimal digits as `getMetadata` gives it; kept in base64. */
function checkedSha256(given: string | undefined): string | null {
  if (given === undefined) return null;
  if (/^[0-9a-f]{64}$/i.test(given)) return Buffer.from(given, "hex").toString("base64");
  if (/^[A-Za-z0-9+/]{43}=$/.test(given)) return given;
  throw new Refusal("`sha256` must be 32 bytes in base64 or hexadecimal digits");
}
