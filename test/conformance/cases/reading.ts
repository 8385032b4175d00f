import { expect } from "vitest";
import { api } from "../api";
import { refused, subject } from "../suite";

const rows = ["p", "q", "r"].map((label, a) => ({ label, a }));
const many = Array.from({ length: 250 }, (_, a) => ({ label: String(a).padStart(3, "0"), a }));

export const reading = subject("reading", [
  {
    name: "nothing: first and unique are null, collect is empty",
    async run(host) {
      expect(await host.query(api.rows.first, {})).toBeNull();
      expect(await host.query(api.rows.unique, {})).toBeNull();
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual([]);
      expect(await host.query(api.rows.take, { count: 3 })).toEqual([]);
    },
  },
  {
    name: "first, up and down",
    async run(host) {
      await host.mutation(api.rows.add, { rows });
      expect(await host.query(api.rows.first, { index: "by_a" })).toBe("p");
      expect(await host.query(api.rows.first, { index: "by_a", order: "desc" })).toBe("r");
    },
  },
  {
    name: "unique of one row, and of two: an error that names both",
    async run(host) {
      const ids = await host.mutation(api.rows.add, { rows });
      const one = [{ op: "eq" as const, field: "a", value: 1 }];
      expect(await host.query(api.rows.unique, { index: "by_a", bounds: one })).toBe("q");
      const two = [{ op: "gte" as const, field: "a", value: 1 }];
      await refused(
        host,
        host.query(api.rows.unique, { index: "by_a", bounds: two }),
        new RegExp(
          `unique\\(\\) query returned more than one result[^]*${ids[1] ?? ""}, ${ids[2] ?? ""}`,
        ),
      );
    },
  },
  {
    name: "take: none, some, more than there are",
    async run(host) {
      await host.mutation(api.rows.add, { rows });
      expect(await host.query(api.rows.take, { count: 0 })).toEqual([]);
      expect(await host.query(api.rows.take, { count: 2 })).toEqual(["p", "q"]);
      expect(await host.query(api.rows.take, { count: 9, order: "desc" })).toEqual(["r", "q", "p"]);
      await refused(host, host.query(api.rows.take, { count: -1 }), /non-negative integer/);
      await refused(host, host.query(api.rows.take, { count: 1.5 }), /non-negative integer/);
    },
  },
  {
    name: "for await, to the end and with a break",
    async run(host) {
      await host.mutation(api.rows.add, { rows });
      expect(await host.query(api.rows.iterate, {})).toEqual(["p", "q", "r"]);
      expect(await host.query(api.rows.iterate, { until: "q" })).toEqual(["p", "q"]);
    },
  },
  {
    name: "two iterations side by side",
    async run(host) {
      await host.mutation(api.rows.add, { rows });
      expect(await host.query(api.rows.interleave, {})).toEqual(["pr", "qq", "rp"]);
    },
  },
  {
    name: "more rows than one fetch brings",
    async run(host) {
      await host.mutation(api.rows.add, { rows: many });
      const labels = many.map(({ label }) => label);
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(labels);
      expect(await host.query(api.rows.take, { index: "by_a", order: "desc", count: 201 })).toEqual(
        [...labels].reverse().slice(0, 201),
      );
    },
  },
]);
