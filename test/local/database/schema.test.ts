import { defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { EmbeddedDatabase } from "../../../scripts/local/database/index";
import {
  collect,
  exportSchema,
  indexQuery,
  insertAll,
  newFolder,
  openIn,
  openWith,
  read,
  write,
} from "./setup";

// `index` changes the table that it is called on, so each test starts from a new one.
const person = () => defineTable({ name: v.string() });

function apply(database: EmbeddedDatabase, tables: GenericSchema, validate = true): Promise<void> {
  return Promise.resolve().then(() => database.applySchema(exportSchema(tables, validate)));
}

describe("a schema", () => {
  test("refuses documents that do not match, in Convex's words", async () => {
    const database = await openWith({ people: person() });
    await expect(write(database, (tx) => tx.insert("people", { name: 1 }))).rejects.toThrow(
      'Failed to insert or update a document in table "people" because it does not match the ' +
        "schema: Value does not match validator.\nPath: .name\nValue: 1.0\nValidator: v.string()",
    );
  });

  test("without schemaValidation refuses none", async () => {
    const database = await openWith({});
    await apply(database, { people: person() }, false);
    await write(database, (tx) => tx.insert("people", { name: 1 }));
  });

  test("does not come into force over documents that do not match it", async () => {
    const database = await openWith({ people: defineTable(v.any()) });
    const id = await write(database, (tx) => tx.insert("people", { name: 1 }));
    await expect(apply(database, { people: person().index("by_name", ["name"]) })).rejects.toThrow(
      `Document with ID "${id}" in table "people" does not match the schema: Value does not match ` +
        "validator.\nPath: .name",
    );
    await write(database, (tx) => tx.insert("people", { name: 2 }));
    await read(database, (tx) => {
      expect(() => tx.openQuery(indexQuery("people.by_name"))).toThrow("not found");
    });
  });

  test("that adds an index fills it with what is there", async () => {
    const database = await openWith({ people: person() });
    const names = Array.from({ length: 4_500 }, (_, i) => `n${String(i).padStart(5, "0")}`);
    await write(database, (tx) =>
      insertAll(
        tx,
        "people",
        names.toReversed().map((name) => ({ name })),
      ),
    );
    await apply(database, {
      people: person().index("by_name", ["name"]).searchIndex("find", { searchField: "name" }),
    });
    await read(database, (tx) => {
      expect(collect(tx, indexQuery("people.by_name")).map(({ name }) => name)).toEqual(names);
      const query = {
        source: {
          type: "Search" as const,
          indexName: "people.find",
          filters: [{ type: "Search" as const, fieldPath: "name", value: "n00007" }],
        },
        operators: [],
      };
      expect(collect(tx, query)).toHaveLength(1);
    });
  });

  test("that drops an index and later adds it again fills it anew", async () => {
    const indexed = defineTable({ name: v.string() }).index("by_name", ["name"]);
    const database = await openWith({ people: indexed });
    const id = await write(database, (tx) => tx.insert("people", { name: "a" }));
    await apply(database, { people: defineTable({ name: v.string() }) });
    await write(database, (tx) => {
      tx.remove(id);
      tx.insert("people", { name: "b" });
    });
    await apply(database, { people: indexed });
    await read(database, (tx) => {
      expect(collect(tx, indexQuery("people.by_name"))).toMatchObject([{ name: "b" }]);
    });
  });

  test("and the numbers of its tables outlive a restart", async () => {
    const folder = newFolder();
    const before = await openIn(folder);
    await apply(before, { a: person(), people: person().index("by_name", ["name"]) });
    const id = await write(before, (tx) => tx.insert("people", { name: "x" }));
    await write(before, (tx) => tx.insert("unplanned", { any: 1 }));
    await before.close();
    const after = await openIn(folder);
    await write(after, (tx) => {
      expect(tx.normalizeId("people", id)).toBe(id);
      expect(collect(tx, indexQuery("people.by_name"))).toHaveLength(1);
      expect(tx.count("unplanned")).toBe(1);
      expect(() => tx.insert("people", { name: 1 })).toThrow("does not match the schema");
    });
  });

  test("may leave out a table that has documents, and take it back", async () => {
    const database = await openWith({ people: person() });
    const id = await write(database, (tx) => tx.insert("people", { name: "x" }));
    await apply(database, {});
    await write(database, (tx) => tx.insert("people", { other: 1 }));
    await expect(apply(database, { people: person() })).rejects.toThrow(
      "does not match the schema",
    );
    expect(await read(database, (tx) => tx.normalizeId("people", id))).toBe(id);
  });

  test("ignores staged indexes", async () => {
    const staged = person().index("by_later", { fields: ["name"], staged: true } as never);
    const database = await openWith({ people: staged });
    await read(database, (tx) => {
      expect(() => tx.openQuery(indexQuery("people.by_later"))).toThrow("not found");
    });
  });

  const wide = defineTable(v.any());
  const many = (count: number): typeof wide =>
    Array.from({ length: count }).reduce<typeof wide>(
      (table, _, i) => table.index(`i${i}`, [`f${i}`]) as never,
      defineTable(v.any()),
    );
  const letters = Array.from({ length: 17 }, (_, i) => `f${i}`);
  test.each<[string, GenericSchema, string]>([
    ["33 indexes", { t: many(33) }, 'Table "t" cannot have more than 32 indexes.'],
    [
      "an index of 17 fields",
      { t: wide.index("i", letters as never) },
      "Indexes may have up to 16 fields.",
    ],
    [
      "an index named like a built-in one",
      { t: defineTable(v.any()).index("by_id" as never, ["a"]) },
      "the name is reserved",
    ],
    [
      "a bad index name",
      { t: defineTable(v.any()).index("1x", ["a"]) },
      'Invalid index name: "1x"',
    ],
    [
      "twin indexes",
      { t: defineTable(v.any()).index("x", ["a"]).index("y", ["a"]) },
      "have the same fields",
    ],
    [
      "an index twice",
      { t: defineTable(v.any()).index("x", ["a"]).index("x", ["b"]) },
      "two or more definitions",
    ],
    [
      "a field twice in an index",
      { t: defineTable(v.any()).index("x", ["a", "a"]) },
      "Duplicate field a.",
    ],
    [
      "_creationTime in an index",
      { t: defineTable(v.any()).index("x", ["a", "_creationTime"]) },
      "automatically added",
    ],
    [
      "an index on nothing",
      { t: defineTable({}).index("x", ["a"] as never) },
      "references the field a that does not exist",
    ],
    ["a bad table name", { "a-b": defineTable({}) }, 'Invalid table name: "a-b"'],
    [
      "a document that is no object",
      { t: defineTable(v.union(v.object({}), v.any()) as never) },
      "must be an object, a union of objects",
    ],
  ])("with %s is refused", async (_, tables, message) => {
    const database = await openWith({});
    await expect(apply(database, tables)).rejects.toThrow(message);
  });

  test("with 32 indexes is taken", async () => {
    const database = await openWith({ t: many(32) });
    await write(database, (tx) => tx.insert("t", { f31: 1 }));
    await read(database, (tx) => {
      expect(
        collect(tx, indexQuery("t.i31", [{ type: "Eq", fieldPath: "f31", value: 1 }])),
      ).toHaveLength(1);
    });
  });
});
