import { expect } from "vitest";
import { api } from "../api";
import { refused, subject } from "../suite";

export const stamps = subject("commit timestamps", [
  {
    name: "one for all rows of a transaction, nested in documents too; rising from one to the next",
    async run(host) {
      for (const labels of [["a", "b"], ["c"], ["d", "e"]])
        await host.mutation(api.stamps.add, { labels });
      const rows = await host.query(api.stamps.list, {});
      expect(rows.map(({ label }) => label)).toEqual(["a", "b", "c", "d", "e"]);
      const [a, b, c, d, e] = rows.map(({ stamp }) => stamp);
      expect([a, d]).toEqual([b, e]);
      expect(typeof a).toBe("bigint");
      expect(a !== undefined && c !== undefined && d !== undefined && a < c && c < d).toBe(true);
      expect(rows[0]?.history).toEqual([{ at: a }]);
    },
  },
  {
    name: "they are nanoseconds of the present",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["a"] });
      const [row] = await host.query(api.stamps.list, {});
      expect(Math.abs(Number(row?.stamp) / 1e6 - Date.now())).toBeLessThan(60_000);
    },
  },
  {
    name: "a later patch moves a row to the end",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["a"] });
      await host.mutation(api.stamps.add, { labels: ["b"] });
      await host.mutation(api.stamps.touch, { label: "a" });
      const rows = await host.query(api.stamps.list, {});
      expect(rows.map(({ label }) => label)).toEqual(["b", "a"]);
    },
  },
  {
    name: "a patch of another field keeps the stamp unresolved until the commit",
    async run(host) {
      await host.mutation(api.stamps.addThenPatch, {});
      const [row] = await host.query(api.stamps.list, {});
      expect(row?.label).toBe("final");
      expect(typeof row?.stamp).toBe("bigint");
      expect(Number(row?.stamp)).toBeLessThan(2 ** 62);
    },
  },
  {
    name: "the field takes any int64 as well, negative ones too",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["now"] });
      await host.mutation(api.stamps.addFixed, { label: "zero", stamp: 0n });
      await host.mutation(api.stamps.addFixed, { label: "minus", stamp: -5n });
      const rows = await host.query(api.stamps.list, {});
      expect(rows.map(({ label }) => label)).toEqual(["minus", "zero", "now"]);
    },
  },
  {
    name: "the writing mutation reads the placeholder, finds it by eq, and last in the index",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["old"] });
      await host.mutation(api.stamps.addFixed, { label: "future", stamp: 2n ** 62n });
      expect(await host.mutation(api.stamps.readBack, {})).toEqual({
        placeholder: true,
        same: true,
        pending: ["new"],
        all: ["old", "future", "new"],
      });
    },
  },
  {
    name: "in a mutation's result it is resolved",
    async run(host) {
      const { stamp, list } = await host.mutation(api.stamps.returned, {});
      const [row] = await host.query(api.stamps.list, {});
      expect(stamp).toBe(row?.stamp);
      expect(list).toEqual([row?.stamp]);
    },
  },
  {
    name: "the placeholder goes into a nested mutation and comes back",
    async run(host) {
      const stamp = await host.mutation(api.stamps.enqueueNested, {});
      const [row] = await host.query(api.stamps.list, {});
      expect(row?.label).toBe("nested");
      expect(stamp).toBe(row?.stamp);
    },
  },
  {
    name: "the placeholder cannot be an argument of a scheduled function",
    async run(host) {
      await refused(host, host.mutation(api.stamps.schedulePlaceholder, {}), /./);
    },
  },
  {
    name: "a snapshot's time lies at or after what it sees, before what comes",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["a"] });
      const between = await host.query(api.stamps.snapshot, {});
      await host.mutation(api.stamps.add, { labels: ["b"] });
      const [a, b] = (await host.query(api.stamps.list, {})).map(({ stamp }) => stamp);
      expect(a !== undefined && b !== undefined && a <= between && between < b).toBe(true);
      expect(await host.query(api.stamps.after, { stamp: between })).toEqual(["b"]);
      expect(await host.query(api.stamps.after, { stamp: a ?? 0n })).toEqual(["b"]);
    },
  },
  {
    name: "up to the snapshot a mutation reads what is committed, not its own rows",
    async run(host) {
      await host.mutation(api.stamps.add, { labels: ["a", "b"] });
      expect(await host.mutation(api.stamps.upToSnapshot, {})).toEqual({
        labels: ["a", "b"],
        fixed: true,
      });
    },
  },
  {
    name: "many at once: each transaction has its own",
    async run(host) {
      await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          host.mutation(api.stamps.add, { labels: [String(i)] }),
        ),
      );
      const rows = await host.query(api.stamps.list, {});
      expect(new Set(rows.map(({ stamp }) => stamp)).size).toBe(12);
    },
  },
]);
