import { defineTable } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { integerJson } from "../../../scripts/local/database/documents";
import { encodeKey } from "../../../scripts/local/database/keys";
import type { Commit, DocumentJson } from "../../../scripts/local/database/types";
import { collect, defined, indexQuery, insertAll, openWith, parse, read, write } from "./setup";

const tables = {
  t: defineTable({ a: v.number(), b: v.optional(v.string()) }).index("by_a", ["a"]),
  loose: defineTable(v.any()),
  stamped: defineTable({ ts: v.commitTs(), n: v.number() }).index("by_ts", ["ts", "n"]),
};

describe("a document", () => {
  test("is read back as it was written, with its id and a creation time that only rises", async () => {
    const database = await openWith(tables);
    const [one, two] = await write(database, (tx) =>
      insertAll(tx, "t", [{ a: 1 }, { a: 2, b: "x" }]),
    );
    await read(database, (tx) => {
      const first = parse(tx.get(defined(one)));
      const second = parse(tx.get(defined(two)));
      expect(first).toEqual({ a: 1, _id: one, _creationTime: first._creationTime });
      expect(Number(second._creationTime)).toBeGreaterThan(Number(first._creationTime));
    });
  });

  test("keeps what a patch does not name, loses what it sets to undefined", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 1, b: "x" }));
    const stored = (): Promise<DocumentJson> => read(database, (tx) => parse(tx.get(id)));
    await write(database, (tx) => {
      tx.shallowMerge(id, { b: { $undefined: null } });
    });
    expect(await stored()).toMatchObject({ _id: id, a: 1 });
    expect(await stored()).not.toHaveProperty("b");
    await write(database, (tx) => {
      tx.replace(id, { a: 5, _id: id });
    });
    expect(await stored()).toMatchObject({ _id: id, a: 5 });
  });

  test("moves in its indexes when it changes, and leaves them when it goes", async () => {
    const database = await openWith(tables);
    const at = (a: number): ReturnType<typeof indexQuery> =>
      indexQuery("t.by_a", [{ type: "Eq", fieldPath: "a", value: a }]);
    const id = await write(database, (tx) => tx.insert("t", { a: 1 }));
    await write(database, (tx) => {
      tx.shallowMerge(id, { a: 2 });
      expect(collect(tx, at(1))).toEqual([]);
      expect(collect(tx, at(2))).toHaveLength(1);
    });
    await read(database, (tx) => {
      expect(collect(tx, at(1))).toEqual([]);
      expect(collect(tx, at(2))).toHaveLength(1);
    });
    await write(database, (tx) => {
      tx.remove(id);
    });
    await read(database, (tx) => {
      expect(collect(tx, at(2))).toEqual([]);
      expect(tx.get(id)).toBeNull();
      expect(tx.count("t")).toBe(0);
    });
  });

  test("that is not there cannot be changed; an id that is none is refused", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 1 }));
    await write(database, (tx) => {
      tx.remove(id);
    });
    await write(database, (tx) => {
      expect(() => {
        tx.shallowMerge(id, {});
      }).toThrow(`Update on nonexistent document ID ${id}`);
      expect(() => {
        tx.replace(id, { a: 1 });
      }).toThrow(`Replace on nonexistent document ID ${id}`);
      expect(() => {
        tx.remove(id);
      }).toThrow(`Delete on nonexistent document ID ${id}`);
      expect(() => tx.get("x")).toThrow("Invalid argument `id` for `db.get`: Unable to decode ID");
      expect(tx.normalizeId("t", id)).toBe(id);
      expect(tx.normalizeId("stamped", id)).toBeNull();
      expect(tx.normalizeId("t", "x")).toBeNull();
    });
  });

  test("takes no field that an object cannot have as its own", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("loose", { a: 1 }));
    const patch = JSON.parse('{"__proto__": {"a": 2}}') as DocumentJson;
    await expect(
      write(database, (tx) => {
        tx.shallowMerge(id, patch);
      }),
    ).rejects.toThrow("Field '__proto__' starts with an underscore");
    await expect(write(database, (tx) => tx.insert("loose", patch))).rejects.toThrow(
      "Field '__proto__' starts with an underscore",
    );
  });

  test("cannot be given another id or creation time", async () => {
    const database = await openWith(tables);
    const [id, other] = await write(database, (tx) => insertAll(tx, "t", [{ a: 1 }, { a: 2 }]));
    await write(database, (tx) => {
      expect(() => {
        tx.shallowMerge(defined(id), { _id: defined(other) });
      }).toThrow("does not match the document ID");
      expect(() => {
        tx.replace(defined(id), { a: 1, _creationTime: 5 });
      }).toThrow("creation time");
      expect(() => tx.insert("t", { a: 1, _id: defined(other) })).toThrow("system field");
    });
  });
});

describe("a mutation that throws", () => {
  test("leaves nothing behind", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 1 }));
    const failing = database.mutation(async (tx) => {
      tx.insert("t", { a: 2 });
      tx.shallowMerge(id, { a: 3 });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await read(database, (tx) => {
      expect(tx.count("t")).toBe(1);
      expect(collect(tx, indexQuery("t.by_a"))).toMatchObject([{ a: 1 }]);
    });
  });

  test("does not stop the ones after it", async () => {
    const database = await openWith(tables);
    const results = await Promise.allSettled(
      [1, 2, 3].map((a) =>
        database.mutation(async (tx) => {
          tx.insert("t", { a });
          await Promise.resolve();
          if (a === 2) throw new Error("no");
        }),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await read(database, (tx) => tx.count("t"))).toBe(2);
  });
});

describe("a savepoint", () => {
  test("rolled back undoes its writes and those of the ones inside it, and nothing else", async () => {
    const database = await openWith(tables);
    const old = await write(database, (tx) => tx.insert("t", { a: 0 }));
    await write(database, (tx) => {
      const kept = tx.insert("t", { a: 1 });
      const outer = tx.savepoint();
      tx.insert("t", { a: 2 });
      tx.shallowMerge(kept, { a: 10 });
      tx.remove(old);
      const inner = tx.savepoint();
      tx.insert("t", { a: 3 });
      inner.release();
      expect(tx.count("t")).toBe(3);
      outer.rollback();
      expect(collect(tx, indexQuery("t.by_a")).map(({ a }) => a)).toEqual([0, 1]);
      expect(tx.count("t")).toBe(2);
      expect(tx.metrics().documentsWritten.used).toBe(1);
      const again = tx.savepoint();
      tx.insert("t", { a: 4 });
      again.release();
    });
    await read(database, (tx) => {
      expect(collect(tx, indexQuery("t.by_a")).map(({ a }) => a)).toEqual([0, 1, 4]);
    });
  });

  test("has a budget of its own that cannot exceed its parent's", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      tx.insert("t", { a: 1 });
      const outer = tx.savepoint({ documentsWritten: 2 });
      const inner = tx.savepoint({ documentsWritten: 50 });
      insertAll(tx, "t", [{ a: 2 }, { a: 3 }]);
      expect(() => tx.insert("t", { a: 4 })).toThrow(
        "Too many writes in a single function execution (limit: 3)",
      );
      inner.rollback();
      outer.rollback();
      expect(tx.metrics().documentsWritten).toEqual({ used: 1, remaining: 15_999 });
    });
  });

  test("keeps counting what was read in it", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 1 }));
    await write(database, (tx) => {
      const savepoint = tx.savepoint();
      tx.get(id);
      savepoint.rollback();
      expect(tx.metrics().documentsRead.used).toBe(1);
    });
  });
});

describe("a transaction", () => {
  test("writes 16,000 documents and no more", async () => {
    const database = await openWith({ t: defineTable({ a: v.number() }) });
    await expect(
      write(database, (tx) => {
        for (let a = 0; a <= 16_000; a++) tx.insert("t", { a });
      }),
    ).rejects.toThrow("Too many writes in a single function execution (limit: 16000)");
  });

  test("reads 32,000 documents and no more", async () => {
    const database = await openWith(tables);
    await write(database, (tx) =>
      insertAll(
        tx,
        "t",
        Array.from({ length: 800 }, (_, a) => ({ a })),
      ),
    );
    await read(database, (tx) => {
      for (let i = 0; i < 40; i++) collect(tx, indexQuery("t.by_a"));
      expect(() => collect(tx, indexQuery("t.by_a"))).toThrow(
        "Too many documents read in a single function execution (limit: 32000). Consider using " +
          "smaller limits in your queries",
      );
    });
  });

  test("reads and writes 16 MiB and no more", async () => {
    const database = await openWith(tables);
    const big = "x".repeat(2 ** 20 - 1_000);
    await write(database, (tx) => {
      for (let a = 0; a < 16; a++) tx.insert("t", { a, b: big });
      expect(() => tx.insert("t", { a: 16, b: big })).toThrow(
        "Too many bytes written in a single function execution (limit: 16 MiB)",
      );
    });
    await read(database, (tx) => {
      expect(() => collect(tx, indexQuery("t.by_a"))).toThrow(
        "Too many bytes read in a single function execution (limit: 16777216 bytes).",
      );
    });
  });

  test("opens 4,096 index ranges and no more, and schedules 1,000 functions", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      for (let i = 0; i < 4_096; i++) tx.closeQuery(tx.openQuery(indexQuery("t.by_a")));
      expect(() => tx.openQuery(indexQuery("t.by_a"))).toThrow(
        "Too many reads in a single function execution (limit: 4096).",
      );
      for (let i = 0; i < 1_000; i++) tx.countScheduled(10);
      expect(() => {
        tx.countScheduled(10);
      }).toThrow("Too many functions scheduled by this mutation (limit: 1000)");
    });
  });

  test("of a query cannot write, and none can be used after its end", async () => {
    const database = await openWith(tables);
    const leaked = await read(database, (tx) => {
      expect(() => tx.insert("t", { a: 1 })).toThrow("A query cannot write to the database.");
      expect(tx.writable).toBe(false);
      return tx;
    });
    expect(() => leaked.count("t")).toThrow("This transaction has ended.");
  });
});

describe("a commit timestamp", () => {
  test("is a placeholder in its mutation, the same number everywhere after it, and rises", async () => {
    const database = await openWith(tables);
    const stamp = { $commitTs: null };
    const first = await database.mutation(async (tx) => {
      const ids = insertAll(tx, "stamped", [
        { ts: stamp, n: 1 },
        { ts: stamp, n: 2 },
      ]);
      expect(parse(tx.get(defined(ids[0]))).ts).toEqual(stamp);
      return ids;
    });
    const second = await database.mutation(async (tx) => tx.insert("stamped", { ts: stamp, n: 0 }));
    expect(second.commitTs).toBeGreaterThan(first.commitTs);
    await read(database, (tx) => {
      const rows = collect(tx, indexQuery("stamped.by_ts"));
      expect(rows.map(({ n }) => n)).toEqual([1, 2, 0]);
      expect(rows.map(({ ts }) => integer(ts))).toEqual([
        first.commitTs,
        first.commitTs,
        second.commitTs,
      ]);
      expect(tx.snapshotTs).toBe(second.commitTs);
    });
  });

  test("that is not known yet sorts after all that are", async () => {
    const database = await openWith(tables);
    const far = Buffer.alloc(8);
    far.writeBigInt64LE(2n ** 62n);
    await write(database, (tx) =>
      tx.insert("stamped", { ts: { $integer: far.toString("base64") }, n: 1 }),
    );
    await write(database, (tx) => {
      tx.insert("stamped", { ts: { $commitTs: null }, n: 2 });
      expect(collect(tx, indexQuery("stamped.by_ts")).map(({ n }) => n)).toEqual([1, 2]);
    });
    await read(database, (tx) => {
      expect(collect(tx, indexQuery("stamped.by_ts")).map(({ n }) => n)).toEqual([2, 1]);
    });
  });

  test("leaves one entry in each index that holds it, and none of the placeholder", async () => {
    const database = await openWith(tables);
    const commits: Commit[] = [];
    database.onCommit((commit) => commits.push(commit));
    const stamp = { $commitTs: null };
    const id = await write(database, (tx) => tx.insert("stamped", { ts: stamp, n: 2 }));
    await write(database, (tx) => {
      tx.shallowMerge(id, { ts: stamp });
    });
    await write(database, (tx) => {
      expect(collect(tx, indexQuery("stamped.by_ts"))).toMatchObject([{ _id: id, n: 2 }]);
    });
    const keysOf = ({ entries }: Commit): string[] => [...entries.values()].flat();
    // By id, by creation time and by timestamp; then the old timestamp goes and the new one comes.
    expect(commits.map((commit) => keysOf(commit).length)).toEqual([3, 2]);
    const pending = encodeKey(stamp);
    expect(commits.flatMap(keysOf).filter((key) => key.startsWith(pending))).toEqual([]);
  });

  test("is found wherever a document has it", async () => {
    const database = await openWith(tables);
    const stamp = { $commitTs: null };
    const document = { ts: stamp, deep: { list: [1, { ts: stamp }, [stamp]], n: 1 }, plain: [1] };
    const { value: id, commitTs } = await database.mutation(async (tx) =>
      tx.insert("loose", document),
    );
    const known = integerJson(commitTs);
    expect(await read(database, (tx) => parse(tx.get(id)))).toMatchObject({
      ts: known,
      deep: { list: [1, { ts: known }, [known]], n: 1 },
      plain: [1],
    });
  });

  test("in a text that looks like one stays a text", async () => {
    const database = await openWith({ t: defineTable(v.any()) });
    const text = '{"$commitTs":null}';
    const id = await write(database, (tx) => tx.insert("t", { text, ts: { $commitTs: null } }));
    const row = await read(database, (tx) => parse(tx.get(id)));
    expect(row.text).toBe(text);
    expect(row.ts).toHaveProperty("$integer");
  });
});

describe("system tables", () => {
  test("are written by the runtime in the transaction of a mutation, and read by functions", async () => {
    const database = await openWith(tables);
    const job = { name: "f", args: [], scheduledTime: 5, state: { kind: "pending" } };
    const id = await write(database, (tx) => {
      tx.system.insert("_scheduled_functions", { ...job, scheduledTime: 9 });
      return tx.system.insert("_scheduled_functions", job);
    });
    await write(database, (tx) => {
      const due = indexQuery("_scheduled_functions.by_due", [
        { type: "Eq", fieldPath: "state.kind", value: "pending" },
        { type: "Lte", fieldPath: "scheduledTime", value: 6 },
      ]);
      const [next] = tx.system.query(due);
      expect(parse(next)._id).toBe(id);
      tx.system.shallowMerge(id, { state: { kind: "inProgress" } });
      expect([...tx.system.query(due)]).toEqual([]);
      expect(tx.metrics().documentsRead.used).toBe(0);
      expect(parse(tx.get(id)).state).toEqual({ kind: "inProgress" });
      tx.system.remove(id);
      expect(tx.get(id)).toBeNull();
    });
  });

  test("cannot be written by functions, and private ones not even read", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => {
      const readOnly = "System tables (prefixed with `_`) are read-only.";
      const id = tx.system.insert("_scheduled_functions", {});
      const secret = tx.system.insert("_runtime", { key: "k" });
      expect(() => tx.insert("_runtime", {})).toThrow(readOnly);
      expect(() => {
        tx.remove(id);
      }).toThrow(readOnly);
      expect(tx.get(secret)).toBeNull();
      expect(tx.count("_runtime")).toBe(0);
      expect(() => tx.openQuery(indexQuery("_runtime.by_key"))).toThrow("not found");
      expect(() => tx.system.insert("_nope", {})).toThrow("There is no system table");
    });
  });
});

function integer(value: unknown): bigint {
  const { $integer } = value as { $integer: string };
  return Buffer.from($integer, "base64").readBigInt64LE();
}
