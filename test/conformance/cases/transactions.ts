import { expect } from "vitest";
import { api } from "../api";
import { refused, subject } from "../suite";

export const transactions = subject("transactions", [
  {
    name: "a mutation reads its own writes, also in ranges",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [1, 3, 7].map((a) => ({ label: `old${String(a)}`, a })),
      });
      expect(await host.mutation(api.rows.churn, {})).toEqual([
        ["old1", "old3", "old7"],
        ["old1", "new2", "old3", "new5", "old7"],
        ["old3", "new2"],
        ["old1", "old3", "new5", "old7", "new2"],
        ["old3"],
        ["old1", "old3", "old7", "new2"],
        ["old3", "old1", "old7", "new2"],
        ["old3"],
      ]);
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual([
        "old3",
        "old1",
        "old7",
        "new2",
      ]);
    },
  },
  {
    name: "a thrown error undoes everything",
    async run(host) {
      await refused(host, host.mutation(api.transactions.addThenThrow, {}), /after two writes/);
      expect(await host.query(api.rows.all, {})).toEqual([]);
      expect(await host.query(api.schedule.log, {})).toEqual([]);
    },
  },
  {
    name: "a refused write may be caught; the rest commits",
    async run(host) {
      expect(await host.mutation(api.transactions.catchOwnFailure, {})).toEqual([
        "before",
        "after",
      ]);
      expect(await host.query(api.rows.read, {})).toEqual(["before", "after"]);
    },
  },
  {
    name: "nested mutations and queries see the writes so far, and leave theirs",
    async run(host) {
      expect(await host.mutation(api.transactions.nestedWrites, {})).toEqual([
        ["outer", "nested"],
        ["outer", "nested"],
        ["outer", "nested"],
      ]);
    },
  },
  {
    name: "a nested mutation that throws is undone alone when caught",
    async run(host) {
      expect(await host.mutation(api.transactions.catchNested, {})).toEqual({
        data: { code: "refused", label: "nested", at: [1, 2] },
        labels: ["outer", "last"],
      });
      expect(await host.query(api.rows.read, {})).toEqual(["outer", "last"]);
    },
  },
  {
    name: "an outer throw undoes a nested mutation that succeeded",
    async run(host) {
      await expect(host.mutation(api.transactions.throwAfterNested, {})).rejects.toMatchObject({
        data: "outer",
      });
      expect(await host.query(api.rows.all, {})).toEqual([]);
    },
  },
  {
    name: "three levels: the middle one takes its inner ones with it",
    async run(host) {
      expect(await host.mutation(api.transactions.catchMiddle, {})).toEqual(["kept1", "kept2"]);
    },
  },
  {
    name: "nested patches and deletions are undone too",
    async run(host) {
      const expected = [
        { label: "one", a: 1 },
        { label: "two", a: 2 },
      ];
      expect(await host.mutation(api.transactions.undoNestedChanges, {})).toEqual(expected);
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(["one", "two"]);
    },
  },
  {
    name: "nested mutations started together run one after the other",
    async run(host) {
      expect(await host.mutation(api.transactions.parallelNested, {})).toEqual(["x", "y", "z"]);
    },
  },
  {
    name: "a nested query of the stale snapshot does not see the mutation's writes",
    async run(host) {
      await host.mutation(api.rows.add, { rows: [{ label: "old" }] });
      expect(await host.mutation(api.transactions.staleQuery, {})).toEqual([
        ["old"],
        ["old", "new"],
      ]);
    },
  },
  {
    name: "an iteration goes on over nested mutations that are undone",
    async run(host) {
      const labels = ["p", "q", "r"];
      await host.mutation(api.rows.add, { rows: labels.map((label, a) => ({ label, a })) });
      expect(await host.mutation(api.transactions.iterateOverFailures, {})).toEqual(labels);
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(labels);
    },
  },
  {
    name: "a query runs a query",
    async run(host) {
      await host.mutation(api.rows.add, { rows: [{ label: "p" }] });
      expect(await host.query(api.transactions.queryInQuery, {})).toEqual(["p"]);
    },
  },
  {
    name: "read-modify-write, many at once: no update is lost",
    async run(host) {
      await host.mutation(api.rows.add, { rows: [{ label: "counter", a: 0 }] });
      const results = await Promise.all(
        Array.from({ length: 20 }, () => host.mutation(api.transactions.increment, {})),
      );
      expect(results.sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      const [row] = await host.query(api.rows.all, {});
      expect(row?.a).toBe(20);
    },
  },
]);
