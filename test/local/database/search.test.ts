import { join } from "node:path";
import { defineTable } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CatalogueJson } from "../../../scripts/local/database/catalogue";
import type { EmbeddedDatabase } from "../../../scripts/local/database/index";
import { integerJson } from "../../../scripts/local/database/documents";
import { searchTerms, wordsOf } from "../../../scripts/local/database/words";
import { Overlay } from "../../../scripts/local/database/overlay";
import { Store } from "../../../scripts/local/database/store";
import type {
  Commit,
  DocumentJson,
  QueryJson,
  Transaction,
} from "../../../scripts/local/database/types";
import {
  collect,
  exportSchema,
  idOf,
  insertAll,
  newFolder,
  openIn,
  openWith,
  read,
  write,
} from "./setup";

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

type Step = { turn: number; verb: string; org: string; text: string };

function applyStep(tx: Transaction, { turn, verb, org, text }: Step): void {
  const all = collect(tx, {
    source: { type: "FullTableScan", tableName: "notes", order: "asc" },
    operators: [],
  });
  const document = all[turn % Math.max(1, all.length)];
  if (verb === "insert" || document === undefined) tx.insert("notes", { org, text });
  else if (verb === "patch") tx.shallowMerge(idOf(document), { org, text });
  else if (verb === "remove") tx.remove(idOf(document));
  else {
    const savepoint = tx.savepoint();
    tx.insert("notes", { org, text });
    tx.remove(idOf(document));
    savepoint.rollback();
  }
}

function allFound(tx: Transaction): unknown[] {
  const asked = ["a", "ab", "abc x", "xy 山", "long ab x"];
  return asked.flatMap((text) => [
    collect(tx, search(text)),
    collect(tx, search(text, { org: "b" })),
    collect(tx, search(text, {})),
  ]);
}

/** As the first version of the program left a folder: entries without counts, no totals. */
async function asOfLayoutOne(folder: string): Promise<void> {
  const store = Store.open(join(folder, "store"));
  const snapshot = store.snapshot();
  const catalogue = JSON.parse(snapshot.meta("catalogue") ?? "") as CatalogueJson;
  snapshot.release();
  for (const { indexes } of catalogue.tables) {
    for (const index of indexes) {
      if (index.kind !== "search") continue;
      delete index.layout;
      await store.removeEntries(index.number, 1_000);
    }
  }
  const meta = new Map([
    ["catalogue", JSON.stringify(catalogue)],
    ["format", "1"],
  ]);
  await store.write(new Overlay(), meta, { isById: () => false });
  await store.close();
}

describe("search", () => {
  test("splits text into lower-case words of any script and keeps diacritics", () => {
    expect(wordsOf("Żółć, naïve CAFÉ—42x don't don't")).toEqual([
      "żółć",
      "naïve",
      "café",
      "42x",
      "don",
      "t",
      "don",
      "t",
    ]);
    expect(wordsOf("cafe\u0301 ﬁne ＡＢＣ हिन्दी")).toEqual(["café", "fine", "abc", "हिन्दी"]);
    expect(wordsOf("İ")).toEqual(wordsOf("i̇"));
    expect(wordsOf("x".repeat(32))).toEqual([]);
    expect(wordsOf("x".repeat(31))).toHaveLength(1);
  });

  test("begins a word at every character of a script without spaces", () => {
    expect(wordsOf("Tokyo東京x 山")).toEqual(["tokyo東京x", "東京x", "京x", "x", "山"]);
    expect(wordsOf("本".repeat(50))).toContain("本".repeat(10));
    expect(searchTerms("東京 Tokyo", 16)).toEqual([
      { text: "東京", isPrefix: true },
      { text: "tokyo", isPrefix: true },
    ]);
    expect(searchTerms("a b c a", 2)).toEqual([
      { text: "a", isPrefix: false },
      { text: "b", isPrefix: true },
    ]);
  });

  test("finds the inside of text that is written without spaces", async () => {
    const database = await withNotes("山田太郎", "山本", "ประเทศไทย");
    await read(database, (tx) => {
      expect(texts(tx, search("太郎"))).toEqual(["山田太郎"]);
      expect(texts(tx, search("山"))).toEqual(["山本", "山田太郎"]);
      expect(texts(tx, search("ไทย"))).toEqual(["ประเทศไทย"]);
    });
  });

  test("ranks by how many words match, then by BM25, then the newest first", async () => {
    const database = await withNotes(
      "red fox",
      "blue fox",
      "red cat",
      "red fox again and again",
      "green",
      "red fox",
    );
    await read(database, (tx) => {
      expect(texts(tx, search("red fox"))).toEqual([
        "red fox",
        "red fox",
        "red fox again and again",
        "red cat",
        "blue fox",
      ]);
      const twins = collect(tx, search("red fox"));
      expect(Number(twins[0]?._creationTime)).toBeGreaterThan(Number(twins[1]?._creationTime));
    });
  });

  test("ranks the rarer word, the repeated one, the shorter text and the whole word higher", async () => {
    const filler = Array.from({ length: 40 }, (_, i) => `common text number ${i}`);
    const database = await withNotes("unicorn alone here", "common sight indeed", ...filler);
    await write(database, (tx) =>
      insertAll(
        tx,
        "notes",
        ["oak oak pine", "oak pine elm", "oak", "oaks"].map((text) => ({ org: "a", text })),
      ),
    );
    await read(database, (tx) => {
      expect(texts(tx, search("unicorn common x"))[0]).toBe("unicorn alone here");
      expect(texts(tx, search("oak"))).toEqual(["oak oak pine", "oak", "oak pine elm", "oaks"]);
    });
  });

  test("finds an old document of a rare word also by a word that thousands have", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      tx.insert("notes", { org: "a", text: "common rare" });
      for (let i = 0; i < 4_500; i++) tx.insert("notes", { org: "a", text: "common" });
      tx.insert("notes", { org: "a", text: "rare" });
    });
    await read(database, (tx) => {
      const limited = { ...search("common rare"), operators: [{ limit: 2 }] };
      expect(texts(tx, limited)).toEqual(["common rare", "rare"]);
    });
  });

  test("is run again by a commit that changes what it finds, and by no other", async () => {
    const database = await openWith(tables);
    const commits: Commit[] = [];
    database.onCommit((commit) => commits.push(commit));
    const notes = (count: number, org: string, text: string): Promise<string[]> =>
      write(database, (tx) =>
        insertAll(tx, "notes", Array(count).fill({ org, kind: "x", text }) as DocumentJson[]),
      );
    const [fox] = await notes(10, "a", "red fox");
    const reads = await read(database, (tx) => {
      texts(tx, search("fox"));
      return tx.reads;
    });
    const touches = async (change: () => Promise<unknown>): Promise<boolean> => {
      commits.length = 0;
      await change();
      return commits.some((commit) => reads.touchedBy(commit));
    };
    expect(await touches(() => notes(1, "a", "green tree"))).toBe(false);
    expect(await touches(() => notes(1, "b", "red fox"))).toBe(false);
    expect(await touches(() => notes(1, "a", "foxes"))).toBe(true);
    const set = (change: DocumentJson): Promise<unknown> =>
      write(database, (tx) => {
        tx.shallowMerge(fox ?? "", change);
      });
    expect(await touches(() => set({ text: "red cat" }))).toBe(true);
    expect(await touches(() => notes(30, "a", "trees change what is rare"))).toBe(true);
  });

  test.each([
    ["first", ["ts", "org"]],
    ["later", ["org", "ts"]],
  ] as const)(
    "finds by a commit timestamp that is the %s filter what was written with it",
    async (_, [one, other]) => {
      const stamped = defineTable({ ts: v.commitTs(), org: v.string(), text: v.string() });
      const database = await openWith({
        stamped: stamped.searchIndex("find", { searchField: "text", filterFields: [one, other] }),
      });
      const ts = { $commitTs: null };
      const writeBoth = (): Promise<{ value: string[]; commitTs: bigint }> =>
        database.mutation(async (tx) =>
          insertAll(tx, "stamped", [
            { ts, org: "a", text: "red fox" },
            { ts, org: "a", text: "red cat" },
          ]),
        );
      const first = await writeBoth();
      const second = await writeBoth();
      const third = await database.mutation(async (tx) => {
        tx.shallowMerge(first.value[0] ?? "", { ts });
        tx.shallowMerge(first.value[0] ?? "", { text: "red hen" });
      });
      const found = (tx: Transaction, commitTs: bigint): unknown[] => {
        const filters = [
          { type: "Search" as const, fieldPath: "text", value: "red" },
          { type: "Eq" as const, fieldPath: "ts", value: integerJson(commitTs) },
        ];
        const source = { type: "Search" as const, indexName: "stamped.find", filters };
        return texts(tx, { source, operators: [] }).sort();
      };
      await read(database, (tx) => {
        expect(found(tx, first.commitTs)).toEqual(["red cat"]);
        expect(found(tx, second.commitTs)).toEqual(["red cat", "red fox"]);
        expect(found(tx, third.commitTs)).toEqual(["red hen"]);
      });
    },
  );

  test("finds after any changes what an index that is built anew finds", async () => {
    const word = fc.constantFrom("ab", "abc", "x", "xy", "山", "long");
    const text = fc.array(word, { maxLength: 5 }).map((words) => words.join(" "));
    const change = fc.record({
      turn: fc.nat(20),
      verb: fc.constantFrom("insert", "patch", "remove", "undone"),
      org: fc.constantFrom("a", "b"),
      text,
    });
    const changes = fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(changes, async (transactions) => {
        const database = await openWith(tables);
        for (const steps of transactions) {
          await write(database, (tx) => {
            for (const step of steps) applyStep(tx, step);
          });
        }
        const found = await read(database, allFound);
        await database.applySchema(exportSchema({ notes: tables.notes, other: tables.notes }));
        await database.applySchema(exportSchema({ other: tables.notes }));
        await database.applySchema(exportSchema(tables));
        expect(await read(database, allFound)).toEqual(found);
        await database.close();
      }),
      { numRuns: 25 },
    );
  });

  test("brings the index of an older folder to its own form", async () => {
    const folder = newFolder();
    const before = await openIn(folder);
    await before.applySchema(exportSchema(tables));
    await write(before, (tx) => tx.insert("notes", { org: "a", text: "red fox" }));
    await before.close();
    await asOfLayoutOne(folder);
    const after = await openIn(folder);
    await read(after, (tx) => {
      expect(texts(tx, search("fox"))).toEqual(["red fox"]);
    });
  });

  test("takes the last word as a beginning, and the others whole", async () => {
    const database = await withNotes("alpha beta", "alphabet", "betamax alpha");
    await read(database, (tx) => {
      expect(texts(tx, search("alph"))).toEqual(["alphabet", "betamax alpha", "alpha beta"]);
      expect(texts(tx, search("alph beta"))).toEqual(["alpha beta", "betamax alpha"]);
      expect(texts(tx, search("zzz"))).toEqual([]);
      expect(texts(tx, search("  ,"))).toEqual([]);
    });
  });

  test("forgives one letter of a word that nothing has, and never a number or a short word", async () => {
    const database = await withNotes("website relaunch", "webster", "inv202605002", "haus");
    await read(database, (tx) => {
      for (const typed of ["relanch", "relaunhc", "relaumch", "reelaunch", "relaun ch"]) {
        expect([typed, texts(tx, search(`${typed} x`))[0]]).toEqual([
          typed,
          typed === "relaun ch" ? undefined : "website relaunch",
        ]);
      }
      expect(texts(tx, search("relaumc"))).toEqual(["website relaunch"]);
      expect(texts(tx, search("webster"))).toEqual(["webster"]);
      expect(texts(tx, search("inv202605001"))).toEqual([]);
      expect(texts(tx, search("hans"))).toEqual([]);
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
