/**
 * Which tables and indexes exist, and the numbers under which the store keeps them. Numbers are
 * never used twice, so that a leftover entry of a dropped index cannot turn up in a new one.
 */
import type { ValidatorJSON } from "convex/values";
import { decodeId } from "./ids";
import { SEARCH_LAYOUT } from "./postings";
import type { IndexDefinition, SchemaDefinition } from "./schema";
import { SYSTEM_TABLES } from "./system";

/** `by_id` is read from the documents themselves; everything else has entries of its own. */
export type IndexEntry =
  | { kind: "id"; name: "by_id"; number: number; fields: readonly string[] }
  | { kind: "database"; name: string; number: number; fields: readonly string[] }
  | {
      kind: "search";
      name: string;
      number: number;
      searchField: string;
      filterFields: readonly string[];
      /** The form of its entries; missing in folders of the first one. */
      layout?: number;
    };

export type TableEntry = {
  name: string;
  number: number;
  /** Null if the schema does not describe the table. */
  validator: ValidatorJSON | null;
  indexes: IndexEntry[];
};

export type CatalogueJson = {
  schemaValidation: boolean;
  nextTableNumber: number;
  nextIndexNumber: number;
  tables: TableEntry[];
  /** Indexes whose entries are half built or half removed; opening the folder removes them. */
  leftovers: number[];
};

const FIRST_USER_TABLE = 10_001;

let lastVersion = 0;

export class Catalogue {
  private byName = new Map<string, TableEntry>();
  private byNumber = new Map<number, TableEntry>();
  private readonly idIndexes = new Set<number>();
  private json: CatalogueJson;
  private currentVersion = ++lastVersion;
  /** Indexes that this version of the program brings along, or keeps in another form. */
  readonly unbuilt: { table: TableEntry; index: IndexEntry }[] = [];

  constructor(json: CatalogueJson | null) {
    this.json = json ?? {
      schemaValidation: true,
      nextTableNumber: FIRST_USER_TABLE,
      nextIndexNumber: 1,
      tables: [],
      leftovers: [],
    };
    for (const table of this.json.tables) this.enter(table);
    for (const system of SYSTEM_TABLES) this.ensureSystemTable(system);
    for (const table of this.json.tables) this.renewSearchIndexes(table);
  }

  /** Changes with every change of the catalogue, and differs between catalogues. */
  get version(): number {
    return this.currentVersion;
  }

  isById(index: number): boolean {
    return this.idIndexes.has(index);
  }

  get schemaValidation(): boolean {
    return this.json.schemaValidation;
  }

  get tables(): readonly TableEntry[] {
    return this.json.tables;
  }

  get leftovers(): readonly number[] {
    return this.json.leftovers;
  }

  table(name: string): TableEntry | null {
    return this.byName.get(name) ?? null;
  }

  tableByNumber(number: number): TableEntry | null {
    return this.byNumber.get(number) ?? null;
  }

  tableOfId(id: string): TableEntry | null {
    const decoded = decodeId(id);
    return decoded === null ? null : this.tableByNumber(decoded.tableNumber);
  }

  readonly tableName = (number: number): string | null => this.byNumber.get(number)?.name ?? null;

  /** A table comes to exist when it is first written to, as in Convex, in the schema or not. */
  ensureTable(name: string): { table: TableEntry; created: boolean } {
    const existing = this.byName.get(name);
    if (existing !== undefined) return { table: existing, created: false };
    const table = this.createTable(name, this.json.nextTableNumber++);
    return { table, created: true };
  }

  print(): string {
    return JSON.stringify(this.json);
  }

  /** A catalogue that follows `schema`, beside this one, which stays in use until it is built. */
  withSchema(schema: SchemaDefinition): {
    next: Catalogue;
    added: { table: TableEntry; index: IndexEntry }[];
    dropped: IndexEntry[];
  } {
    const next = new Catalogue(JSON.parse(this.print()) as CatalogueJson);
    next.json.schemaValidation = schema.schemaValidation;
    const added: { table: TableEntry; index: IndexEntry }[] = [];
    const dropped: IndexEntry[] = [];
    const wanted = new Map(schema.tables.map((table) => [table.name, table]));
    for (const { name } of schema.tables) next.ensureTable(name);
    for (const table of next.json.tables) {
      if (table.name.startsWith("_")) continue;
      const definition = wanted.get(table.name);
      table.validator = definition?.validator ?? null;
      const change = next.matchIndexes(table, definition?.indexes ?? []);
      added.push(...change.added.map((index) => ({ table, index })));
      dropped.push(...change.dropped);
    }
    return { next, added, dropped };
  }

  /**
   * A catalogue beside this one in which the given tables begin anew: under the numbers that are
   * asked for, and with indexes under new numbers, so that what the old ones hold can be removed
   * later. An empty table that stands in the way of a number gives way to it.
   */
  withNewTables(wanted: readonly { name: string; number: number | null }[]): {
    next: Catalogue;
    dropped: number[];
  } {
    const draft = new Catalogue(JSON.parse(this.print()) as CatalogueJson);
    const dropped: number[] = [];
    const isNew = new Set(wanted.map(({ name }) => name));
    for (const { name, number } of wanted) {
      const { table } = draft.ensureTable(name);
      for (const index of table.indexes) {
        dropped.push(index.number);
        index.number = draft.json.nextIndexNumber++;
      }
      if (number === null || number === table.number) continue;
      const other = draft.json.tables.find((each) => each.number === number);
      if (other !== undefined) {
        if (!isNew.has(other.name)) throw new NumberTaken(number, name, other.name);
        // It gets its own number later in this loop, or a fresh one.
        other.number = draft.json.nextTableNumber++;
      }
      table.number = number;
    }
    draft.json.nextTableNumber = draft.json.tables.reduce(
      (next, table) => Math.max(next, table.number + 1),
      draft.json.nextTableNumber,
    );
    return { next: new Catalogue(draft.json), dropped };
  }

  /** Takes over the numbers that `next` has given away, so that none is given twice. */
  reserveNumbers(next: Catalogue): void {
    this.json.nextTableNumber = next.json.nextTableNumber;
    this.json.nextIndexNumber = next.json.nextIndexNumber;
  }

  setLeftovers(numbers: readonly number[]): void {
    this.json.leftovers = [...numbers];
  }

  private matchIndexes(
    table: TableEntry,
    definitions: IndexDefinition[],
  ): { added: IndexEntry[]; dropped: IndexEntry[] } {
    const kept: IndexEntry[] = [];
    const added: IndexEntry[] = [];
    for (const definition of definitions) {
      const same = table.indexes.find((index) => sameIndex(index, definition));
      if (same === undefined) added.push(this.newIndex(definition));
      else kept.push(same);
    }
    const implicit = table.indexes.filter(({ name }) => isImplicit(name));
    const dropped = table.indexes.filter(
      (index) => !isImplicit(index.name) && !kept.includes(index),
    );
    table.indexes = [...implicit, ...kept, ...added];
    return { added, dropped };
  }

  private newIndex(definition: IndexDefinition): IndexEntry {
    const number = this.json.nextIndexNumber++;
    if (definition.kind === "search") return { ...definition, number, layout: SEARCH_LAYOUT };
    const fields = [...definition.fields, "_creationTime", "_id"];
    return { kind: "database", name: definition.name, number, fields };
  }

  private createTable(name: string, number: number): TableEntry {
    const table: TableEntry = {
      name,
      number,
      validator: null,
      indexes: [
        { kind: "id", name: "by_id", number: this.json.nextIndexNumber++, fields: ["_id"] },
        {
          kind: "database",
          name: "by_creation_time",
          number: this.json.nextIndexNumber++,
          fields: ["_creationTime", "_id"],
        },
      ],
    };
    this.json.tables.push(table);
    this.enter(table);
    this.currentVersion = ++lastVersion;
    return table;
  }

  /** System tables belong to this version of the program, not to the folder. */
  private ensureSystemTable(system: (typeof SYSTEM_TABLES)[number]): void {
    const table = this.byName.get(system.name) ?? this.createTable(system.name, system.number);
    for (const { name, fields } of system.indexes) {
      if (table.indexes.some((index) => index.name === name)) continue;
      const index = this.newIndex({ kind: "database", name, fields: [...fields] });
      table.indexes.push(index);
      this.unbuilt.push({ table, index });
    }
  }

  private renewSearchIndexes(table: TableEntry): void {
    table.indexes = table.indexes.map((index) => {
      if (index.kind !== "search" || index.layout === SEARCH_LAYOUT) return index;
      this.json.leftovers.push(index.number);
      const renewed = { ...index, number: this.json.nextIndexNumber++, layout: SEARCH_LAYOUT };
      this.unbuilt.push({ table, index: renewed });
      return renewed;
    });
  }

  private enter(table: TableEntry): void {
    this.byName.set(table.name, table);
    this.byNumber.set(table.number, table);
    for (const index of table.indexes) if (index.kind === "id") this.idIndexes.add(index.number);
  }
}

/** The table cannot have the number with which its ids begin. */
export class NumberTaken extends Error {
  constructor(
    readonly number: number,
    readonly table: string,
    readonly holder: string,
  ) {
    super(
      `The ids of table "${table}" begin with table number ${number}, which here is that of ` +
        `table "${holder}"`,
    );
  }
}

/** Every table has one; it lists each document exactly once. */
export function idIndex(table: TableEntry): IndexEntry {
  const index = table.indexes.find(({ kind }) => kind === "id");
  if (index === undefined) throw new Error(`Table "${table.name}" has lost its index by_id.`);
  return index;
}

function isImplicit(name: string): boolean {
  return name === "by_id" || name === "by_creation_time";
}

function sameIndex(index: IndexEntry, definition: IndexDefinition): boolean {
  if (index.name !== definition.name || index.kind !== definition.kind) return false;
  if (index.kind === "search" && definition.kind === "search") {
    return (
      index.searchField === definition.searchField &&
      index.filterFields.join() === definition.filterFields.join()
    );
  }
  if (index.kind === "database" && definition.kind === "database") {
    return index.fields.slice(0, -2).join() === definition.fields.join();
  }
  return false;
}
