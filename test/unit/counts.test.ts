import fc from "fast-check";
import { expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import type { MutationCtx } from "../../convex/_generated/server";
import {
  type Cell,
  cellKey,
  CountBuffer,
  groupOf,
  merged,
  type Tally,
} from "../../convex/ontology/counts";

type Row = { group: string; period?: string; cells: Cell[] };
const ORGANIZATION = "organization" as Id<"organizations">;

/** The one thing of a mutation that `flush` uses: its inserts. */
async function flushed(buffer: CountBuffer): Promise<Row[]> {
  const rows: Row[] = [];
  const db = {
    vars: { commitTs: 0 },
    insert: async (_table: string, { group, period, cells }: Row) => {
      rows.push({ group, cells, ...(period === undefined ? {} : { period }) });
    },
  };
  const count = await buffer.flush({ db } as unknown as MutationCtx, ORGANIZATION);
  expect(count).toBe(rows.length);
  return rows;
}

const contact = (status: string, facet?: string): Tally => ({
  group: "crm_contact",
  key: cellKey({ status, subtype: "lead", ...(facet === undefined ? {} : { facet }) }),
  count: 1,
});
const sale = (net: bigint, period: string): Tally => ({
  group: "sales",
  period,
  key: ["EUR"],
  count: 1,
  sums: { net },
});

test("what adds up to nothing leaves no row", async () => {
  const buffer = new CountBuffer();
  for (const sign of [1, -1] as const) {
    buffer.add(contact("active"), sign);
    buffer.add(sale(100n, "2026-11"), sign);
  }
  expect(await flushed(buffer)).toEqual([]);
});

test("a bulk write leaves one row per group", async () => {
  const buffer = new CountBuffer();
  for (let i = 0; i < 200; i++) buffer.add(contact(i % 2 === 0 ? "active" : "inactive"), 1);
  expect(await flushed(buffer)).toEqual([
    {
      group: "crm_contact",
      cells: [
        { key: ["active", "lead"], count: 100 },
        { key: ["inactive", "lead"], count: 100 },
      ],
    },
  ]);
});

test("cells with and without a facet are different ones", async () => {
  const buffer = new CountBuffer();
  buffer.add(contact("active"), 1);
  buffer.add(contact("active", "undefined"), 1);
  const [row] = await flushed(buffer);
  expect(row?.cells).toHaveLength(2);
});

test("sums are exact beyond the integers of a JavaScript number", async () => {
  const buffer = new CountBuffer();
  const large = 2n ** 53n;
  buffer.add(sale(large, "2026-11"), 1);
  buffer.add(sale(1n, "2026-11"), 1);
  const [row] = await flushed(buffer);
  expect(row?.cells).toEqual([{ key: ["EUR"], count: 2, sums: { net: large + 1n } }]);
});

test("a sum that changes leaves a row though the number of objects stays", async () => {
  const buffer = new CountBuffer();
  buffer.add(sale(100n, "2026-11"), -1);
  buffer.add(sale(60n, "2026-11"), 1);
  const [row] = await flushed(buffer);
  expect(row?.cells).toEqual([{ key: ["EUR"], count: 0, sums: { net: -40n } }]);
});

test("a group has a row per period", async () => {
  const buffer = new CountBuffer();
  buffer.add(sale(1n, "2026-11"), 1);
  buffer.add(sale(1n, "2026-12"), 1);
  expect((await flushed(buffer)).map(({ period }) => period)).toEqual(["2026-11", "2026-12"]);
});

test("a second flush has nothing left", async () => {
  const buffer = new CountBuffer();
  buffer.add(contact("active"), 1);
  await flushed(buffer);
  expect(await flushed(buffer)).toEqual([]);
});

test("a group of one parent is not that of another, nor that of all", () => {
  expect(new Set([groupOf("t"), groupOf("t", "a"), groupOf("t", "b")]).size).toBe(3);
});

test("the rows add up to what was added", async () => {
  const entry = fc.record({
    tally: fc.record({
      group: fc.constantFrom("a", "b"),
      key: fc.array(fc.constantFrom("x", "y"), { minLength: 1, maxLength: 2 }),
      count: fc.constantFrom(0, 1),
      sums: fc.record({ net: fc.bigInt({ min: -50n, max: 50n }) }),
    }),
    sign: fc.constantFrom<1 | -1>(1, -1),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 60 }), async (entries) => {
      const buffer = new CountBuffer();
      for (const { tally, sign } of entries) buffer.add(tally, sign);
      const rows = await flushed(buffer);
      for (const group of ["a", "b"]) {
        const expected = entries
          .filter(({ tally }) => tally.group === group)
          .map(({ tally: { key, count, sums }, sign }) => ({
            key,
            count: count * sign,
            sums: { net: sums.net * BigInt(sign) },
          }));
        const cells = rows.find((row) => row.group === group)?.cells ?? [];
        expect(byKey(cells)).toEqual(byKey(merged(expected)));
      }
    }),
  );
});

function byKey(cells: Cell[]): Cell[] {
  return [...cells].sort((a, b) => (a.key.join() < b.key.join() ? -1 : 1));
}
