/** Opens a folder as a database. The runtime knows this file, `types.ts` and `validate.ts` only. */
import { randomBytes } from "node:crypto";
import type { JSONValue } from "convex/values";
import { Catalogue, type CatalogueJson } from "./catalogue";
import { Budget, checkPages, checkRows, orProblem } from "./check";
import { Commits, lastTsOf } from "./commits";
import { Cursors } from "./cursor";
import { DamageFound } from "./damage";
import { claimFolder, type FolderClaim } from "./folder";
import { importInto, type ImportCounts, type TableImport } from "./importTables";
import { Overlay } from "./overlay";
import { messageOf } from "../problem";
import { readSchema } from "./schema";
import { buildIndexes, changeSchema, removeLeftovers, saveCatalogue } from "./schemaChange";
import type { Store } from "./store";
import { EmbeddedTransaction, type TransactionHost } from "./transaction";
import type { Commit, Database, DatabaseSnapshot, Transaction } from "./types";
import { View } from "./view";

export type { TableNames } from "./validate";
export { checkValue } from "./validate";

/** Raised when the layout of the store changes in a way that an older program cannot read. */
const FORMAT = 2;

export type OpenOptions = {
  /** A folder, made if it is missing. */
  path: string;
  /** Milliseconds; tests set the clock. */
  now?: () => number;
};

export interface EmbeddedDatabase extends Database {
  readonly path: string;
  /** The table's name for a number in an id, for `checkValue`. */
  readonly tableName: (tableNumber: number) => string | null;
}

export async function openDatabase({
  path,
  now = Date.now,
}: OpenOptions): Promise<EmbeddedDatabase> {
  const budget = new Budget();
  let isSound = true;
  const claim = claimFolder(path, (folder) => {
    isSound = checkPages(folder, budget);
  });
  try {
    const { store } = claim;
    const saved = orProblem(path, () => readFolder(path, store));
    const catalogue = orProblem(path, () => readCatalogue(saved.catalogue));
    if (isSound && !saved.isNew) checkFolder(path, store, catalogue, budget);
    if (saved.isNew) await prepareFolder(store, catalogue, saved.secret);
    if (!saved.isNew) await adoptFolder(store, catalogue);
    await removeLeftovers(store, catalogue);
    return new FolderDatabase(path, claim, catalogue, new Cursors(saved.secret), now);
  } catch (error) {
    await claim.release();
    throw error;
  }
}

function checkFolder(path: string, store: Store, catalogue: Catalogue, budget: Budget): void {
  const snapshot = store.snapshot();
  try {
    checkRows(path, snapshot, catalogue, budget);
  } finally {
    snapshot.release();
  }
}

/** `catalogue` as it is printed. */
type SavedFolder = { isNew: boolean; catalogue: string | null; secret: string };

function readFolder(path: string, store: Store): SavedFolder {
  const snapshot = store.snapshot();
  try {
    const format = snapshot.meta("format");
    if (format === undefined) {
      if (!store.isEmpty()) throw new Error(`${path} holds data of another program.`);
      return { isNew: true, catalogue: null, secret: randomBytes(32).toString("hex") };
    }
    if (Number(format) > FORMAT) {
      throw new Error(
        `${path} was written by a newer version (format ${format}, this one reads ${FORMAT}).`,
      );
    }
    return {
      isNew: false,
      catalogue: snapshot.meta("catalogue") ?? null,
      secret: snapshot.meta("secret") ?? "",
    };
  } finally {
    snapshot.release();
  }
}

function readCatalogue(text: string | null): Catalogue {
  try {
    return new Catalogue(JSON.parse(text ?? "null") as CatalogueJson | null);
  } catch (error) {
    throw new DamageFound(`the list of tables cannot be read: ${messageOf(error)}`);
  }
}

/** Brings the folder of an older version to the form of this one. */
async function adoptFolder(store: Store, catalogue: Catalogue): Promise<void> {
  if (catalogue.unbuilt.length > 0) {
    await buildIndexes(store, catalogue.unbuilt);
    await saveCatalogue(store, catalogue);
  }
  await store.write(new Overlay(), new Map([["format", String(FORMAT)]]), catalogue);
}

async function prepareFolder(store: Store, catalogue: Catalogue, secret: string): Promise<void> {
  const meta = new Map([
    ["format", String(FORMAT)],
    ["secret", secret],
    ["catalogue", catalogue.print()],
  ]);
  await store.write(new Overlay(), meta, catalogue);
}

class FolderDatabase implements EmbeddedDatabase {
  private readonly store: Store;
  private readonly commits: Commits;
  private running = 0;
  private closing: Promise<void> | null = null;
  private whenIdle: (() => void) | null = null;

  constructor(
    readonly path: string,
    private readonly claim: FolderClaim,
    private catalogue: Catalogue,
    private readonly cursors: Cursors,
    now: () => number,
  ) {
    this.store = claim.store;
    this.commits = new Commits(this.store, () => this.host(), now);
  }

  readonly tableName = (tableNumber: number): string | null =>
    this.catalogue.tableName(tableNumber);

  async query<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    const snapshot = this.snapshot();
    try {
      return await snapshot.query(run);
    } finally {
      snapshot.release();
    }
  }

  snapshot(): DatabaseSnapshot {
    const end = this.begin();
    const host = this.host();
    const snapshot = this.store.snapshot();
    // Few queries ask for it.
    let known: bigint | null = null;
    const ts = (): bigint => (known ??= lastTsOf(snapshot));
    return {
      get ts() {
        return ts();
      },
      query: async (run) => {
        const tx = new EmbeddedTransaction(host, new View(snapshot, []), ts, false);
        try {
          return await run(tx);
        } finally {
          tx.end();
        }
      },
      release: () => {
        snapshot.release();
        end();
      },
    };
  }

  mutation<T>(run: (tx: Transaction) => Promise<T>): Promise<{ value: T; commitTs: bigint }> {
    return this.whileOpen(() => this.commits.mutation(run));
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.commits.onCommit(listener);
  }

  applySchema(schemaJson: JSONValue, onApplied?: () => void): Promise<void> {
    const schema = readSchema(schemaJson);
    return this.whileOpen(() =>
      this.commits.exclusive(async () => {
        await this.commits.flushed();
        await changeSchema(this.store, this.catalogue, schema, (next) => {
          this.catalogue = next;
          onApplied?.();
        });
        this.commits.catalogueChanged();
      }),
    );
  }

  importTables(imports: readonly TableImport[]): Promise<ImportCounts> {
    return this.whileOpen(async () => {
      let counts: ImportCounts = { written: 0, removed: 0 };
      await this.commits.rewrite((commitTs) => {
        const { catalogue, ...result } = importInto(
          this.store,
          this.catalogue,
          imports,
          this.commits,
          commitTs,
        );
        this.catalogue = catalogue;
        counts = result;
      });
      await this.commits.exclusive(() => removeLeftovers(this.store, this.catalogue));
      return counts;
    });
  }

  /** Waits for what is running, refuses what comes, and frees the folder. */
  close(): Promise<void> {
    this.closing ??= (async () => {
      if (this.running > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
      await this.commits.flushed();
      await this.claim.release();
    })();
    return this.closing;
  }

  private host(): TransactionHost {
    return { catalogue: this.catalogue, cursors: this.cursors, clock: this.commits };
  }

  private async whileOpen<T>(task: () => Promise<T>): Promise<T> {
    const end = this.begin();
    try {
      return await task();
    } finally {
      end();
    }
  }

  /** Something runs until the function that this gives is called. */
  private begin(): () => void {
    if (this.closing !== null) throw new Error("The database is closed.");
    this.running++;
    return () => {
      this.running--;
      if (this.running === 0) this.whenIdle?.();
    };
  }
}
