import { defineTable } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { EmbeddedDatabase } from "../../../scripts/local/database/index";
import { termsOf } from "../../../scripts/local/database/postings";
import type { QueryJson, Transaction } from "../../../scripts/local/database/types";
import { collect, idOf, insertAll, openWith, read, write } from "./setup";

const tables = {
  notes: defineTable({
    org: v.string(),
    kind: v.optional(v.string()),
    text: v.string(),
  }).searchIndex("find", { searchField: "text", filterFields: ["org", "kind"] }),
};

function search(text: string, equal: Record<string, string | null> = { org: "a" }): QueryJson {
  const filters = Object.entries(equal).map(([fieldPath, value]) => ({
    type: "Eq" as const,
    fieldPath,
    value: value ?? { $undefined: null },
  }));
  return {
    source: {
      type: "Search",
      indexName: "notes.find",
      filters: [{ type: "Search", fieldPath: "text", value: text }, ...filters],
    },
    operators: [],
  };
}

function texts(tx: Transaction, query: QueryJson): unknown[] {
  return collect(tx, query).map(({ text }) => text);
}

async function withNotes(...notes: string[]): Promise<EmbeddedDatabase> {
  const database = await openWith(tables);
  await write(database, (tx) =>
    insertAll(
      tx,
      "notes",
      notes.map((text) => ({ org: "a", text })),
    ),
  );
  return database;
}

describe("search", () => {
  test("splits text into lower-case words of any script and keeps diacritics", () => {
    expect(termsOf("Żółć, naïve CAFÉ—42x  日本語 don't")).toEqual([
      "żółć",
      "naïve",
      "café",
      "42x",
      "日本語",
      "don",
      "t",
    ]);
    expect(termsOf("cafe\u0301")).toEqual(["café"]);
    expect(termsOf("x".repeat(40))).toEqual([]);
  });

  test("ranks by how many words match, and then the newest first", async () => {
    const database = await withNotes("red fox", "blue fox", "red cat", "red fox again", "green");
    await read(database, (tx) => {
      expect(texts(tx, search("red fox"))).toEqual([
        "red fox again",
        "red fox",
        "red cat",
        "blue fox",
      ]);
    });
  });

  test("takes the last word as a beginning, and the others whole", async () => {
    const database = await withNotes("alpha beta", "alphabet", "betamax alpha");
    await read(database, (tx) => {
      expect(texts(tx, search("alph"))).toEqual(["betamax alpha", "alphabet", "alpha beta"]);
      expect(texts(tx, search("alph beta"))).toEqual(["betamax alpha", "alpha beta"]);
      expect(texts(tx, search("zzz"))).toEqual([]);
      expect(texts(tx, search("  ,"))).toEqual([]);
    });
  });

  test("keeps to its filters", async () => {
    const database = await openWith(tables);
    await write(database, (tx) =>
      insertAll(tx, "notes", [
        { org: "a", kind: "x", text: "one fox" },
        { org: "a", text: "two fox" },
        { org: "b", kind: "x", text: "three fox" },
      ]),
    );
    await read(database, (tx) => {
      expect(texts(tx, search("fox", { org: "a" }))).toEqual(["two fox", "one fox"]);
      expect(texts(tx, search("fox", { org: "a", kind: "x" }))).toEqual(["one fox"]);
      expect(texts(tx, search("fox", { org: "a", kind: null }))).toEqual(["two fox"]);
      expect(texts(tx, search("fox", { kind: "x" }))).toEqual(["three fox", "one fox"]);
      expect(texts(tx, search("fox", {}))).toHaveLength(3);
      expect(texts(tx, search("fox", { org: "c" }))).toEqual([]);
    });
  });

  test("follows changes at once, in the mutation that makes them and after it", async () => {
    const database = await withNotes("old words", "gone words");
    await write(database, (tx) => {
      const [gone, old] = collect(tx, search("words"));
      tx.shallowMerge(idOf(old), { text: "new words" });
      tx.remove(idOf(gone));
      expect(texts(tx, search("words"))).toEqual(["new words"]);
      expect(texts(tx, search("old"))).toEqual([]);
    });
    await read(database, (tx) => {
      expect(texts(tx, search("new"))).toEqual(["new words"]);
      expect(texts(tx, search("old"))).toEqual([]);
    });
  });

  test("pages through its ranking", async () => {
    const database = await withNotes("fox 1", "fox 2", "fox 3", "red fox");
    await read(database, (tx) => {
      const query = search("red fox");
      const first = tx.page({ query, cursor: null, pageSize: 3 });
      const second = tx.page({ query, cursor: first.continueCursor, pageSize: 3 });
      const all = [...first.page, ...second.page].map(
        (text) => (JSON.parse(text) as { text: string }).text,
      );
      expect(all).toEqual(["red fox", "fox 3", "fox 2", "fox 1"]);
      expect(second.isDone).toBe(true);
    });
  });

  test("reads only what it returns, also of a common word", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      for (let i = 0; i < 2_000; i++)
        tx.insert("notes", { org: `o${i % 20}`, text: `common n${i}` });
      tx.insert("notes", { org: "a", text: "common rare" });
    });
    await read(database, (tx) => {
      expect(texts(tx, search("rare"))).toEqual(["common rare"]);
      expect(tx.metrics().documentsRead.used).toBe(1);
      const limited = { ...search("common", { org: "o3" }), operators: [{ limit: 5 }] };
      expect(texts(tx, limited)).toHaveLength(5);
      expect(tx.metrics().documentsRead.used).toBe(6);
    });
  });

  test("gives 1,024 results and refuses to go further", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      for (let i = 0; i < 1_030; i++) tx.insert("notes", { org: "a", text: "common" });
    });
    await read(database, (tx) => {
      const limited = { ...search("common"), operators: [{ limit: 1_024 }] };
      expect(texts(tx, limited)).toHaveLength(1_024);
      expect(() => texts(tx, search("common"))).toThrow(
        "Search query scanned too many documents (fetched 1024).",
      );
    });
  });

  test.each<[QueryJson["source"] & { type: "Search" }, string]>([
    [
      { type: "Search", indexName: "notes.find", filters: [] },
      "does not contain any search filters",
    ],
    [
      {
        type: "Search",
        indexName: "notes.find",
        filters: [{ type: "Search", fieldPath: "org", value: "x" }],
      },
      "doesn't match the indexed `searchField`",
    ],
    [
      {
        type: "Search",
        indexName: "notes.find",
        filters: [{ type: "Eq", fieldPath: "text", value: "x" }],
      },
      "isn't indexed for filtering",
    ],
    [{ type: "Search", indexName: "notes.by_id", filters: [] }, "is not a search index"],
  ])("refuses %j", async (source, message) => {
    const database = await openWith(tables);
    await expect(read(database, (tx) => tx.openQuery({ source, operators: [] }))).rejects.toThrow(
      message,
    );
  });
});
