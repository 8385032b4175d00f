/** Claims a folder for this process: one server a folder, and no folder that is somebody else's. */
import { existsSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase, type Transaction } from "lmdb";
import { Store } from "./store";

const STORE = "store";
const LOCK = "lock";

export function storeFile(folder: string): string {
  return join(folder, STORE, "data.mdb");
}

export type FolderClaim = {
  store: Store;
  /** Closes the store and lets other processes have the folder. */
  release(): Promise<void>;
};

/** LMDB's table of readers cannot tell two users within one process apart. */
const claimedHere = new Set<string>();

/** @param check looks at a store that exists before it is opened. @throws as `check`, or with one line */
export function claimFolder(
  path: string,
  check: (folder: string) => void = () => undefined,
): FolderClaim {
  const { folder, release } = holdFolder(path);
  try {
    if (existsSync(storeFile(folder))) check(folder);
    const store = orRefuse(path, () => Store.open(join(folder, STORE)));
    return {
      store,
      release: async () => {
        await store.close();
        await release();
      },
    };
  } catch (error) {
    void release();
    throw error;
  }
}

/** Keeps other processes from the folder without reading its store, which may be damaged. */
export function holdFolder(path: string): { folder: string; release: () => Promise<void> } {
  const folder = prepare(path);
  if (claimedHere.has(folder)) throw new Error(`${path} is already open in this process.`);
  const { lock, reader } = openLock(path, folder);
  const other = otherHolder(lock);
  if (other !== null) {
    void lock.close();
    throw new Error(`${path} is in use by another server (process ${other}).`);
  }
  claimedHere.add(folder);
  return {
    folder,
    release: async () => {
      reader.done();
      await lock.close();
      claimedHere.delete(folder);
    },
  };
}

function prepare(path: string): string {
  return orRefuse(path, () => {
    mkdirSync(path, { recursive: true });
    if (!statSync(path).isDirectory()) throw new Error("it is not a folder");
    const folder = realpathSync(path);
    if (readdirSync(folder).length > 0 && !existsSync(storeFile(folder))) {
      // A first start can die between the two; then only its own folders are there.
      const foreign = readdirSync(folder).filter((name) => name !== STORE && name !== LOCK);
      if (foreign.length > 0) throw new Error("it is not empty and holds no Freehold database");
    }
    return folder;
  });
}

type Lock = {
  lock: RootDatabase;
  /** Kept for as long as the folder: a transaction that is garbage-collected ends, and with it the lock. */
  reader: Transaction;
};

/**
 * The lock is a reader of an environment of its own that nobody writes to. LMDB ties readers to
 * the process through a lock of the operating system, so a killed process does not leave one.
 */
function openLock(path: string, folder: string): Lock {
  return orRefuse(path, () => {
    const lock = open({ path: join(folder, LOCK), noSubdir: false, mapSize: 2 ** 20, maxDbs: 1 });
    return { lock, reader: lock.useReadTransaction() };
  });
}

/** If two start at the same moment, each sees the other, and neither gets the folder. */
function otherHolder(lock: RootDatabase): number | null {
  lock.readerCheck();
  const [, ...lines] = lock.readerList().split("\n");
  const holders = lines.map((line) => Number.parseInt(line, 10)).filter(Number.isInteger);
  return holders.find((holder) => holder !== process.pid) ?? null;
}

function orRefuse<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot use ${path} as a database: ${reason.replaceAll("\n", " ")}.`, {
      cause: error,
    });
  }
}
