import { expect } from "vitest";
import type { FunctionArgs } from "convex/server";
import { compareValues } from "convex/values";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, subject } from "../suite";
import { inOrder, longValues } from "./ordering";

type PageArgs = Omit<FunctionArgs<typeof api.rows.page>, "paginationOpts">;

const page = (host: Host, args: PageArgs, cursor: string | null, numItems = 2) =>
  host.query(api.rows.page, { ...args, paginationOpts: { numItems, cursor } });

/** Every page to the end; at most 200, so that a cursor that stands still is an error. */
async function allPages(host: Host, args: PageArgs, numItems = 2) {
  const pages: string[][] = [];
  let cursor: string | null = null;
  for (let turn = 0; turn < 200; turn++) {
    const result: Awaited<ReturnType<typeof page>> = await page(host, args, cursor, numItems);
    pages.push(result.page);
    if (result.isDone) return pages;
    cursor = result.continueCursor;
  }
  throw new Error("the pages do not end");
}

const add = (host: Host, labels: string, from = 0) =>
  host.mutation(api.rows.add, {
    rows: Array.from(labels, (label, i) => ({ label, a: from + i * 10 })),
  });

export const pagination = subject("pages", [
  {
    name: "full pages, then the rest, which is the end",
    async run(host) {
      await add(host, "abcde");
      expect(await allPages(host, { index: "by_a" })).toEqual([["a", "b"], ["c", "d"], ["e"]]);
      expect(await allPages(host, { index: "by_a", order: "desc" })).toEqual([
        ["e", "d"],
        ["c", "b"],
        ["a"],
      ]);
      expect(await allPages(host, {})).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    },
  },
  {
    name: "a table without rows: one empty page, done",
    async run(host) {
      expect(await allPages(host, { index: "by_a" })).toEqual([[]]);
    },
  },
  {
    name: "a page that takes the last row does not know that it is the end",
    async run(host) {
      await add(host, "abcd");
      expect(await allPages(host, { index: "by_a" })).toEqual([["a", "b"], ["c", "d"], []]);
    },
    differs: { host: "convex-test", why: "it looks one row ahead and is done at once" },
  },
  {
    name: "a range in pages",
    async run(host) {
      await add(host, "abcdef");
      const bounds = [
        { op: "gte" as const, field: "a", value: 10 },
        { op: "lt" as const, field: "a", value: 40 },
      ];
      expect(await allPages(host, { index: "by_a", bounds })).toEqual([["b", "c"], ["d"]]);
      expect(await allPages(host, { index: "by_a", bounds, order: "desc" })).toEqual([
        ["d", "c"],
        ["b"],
      ]);
    },
  },
  {
    name: "a cursor holds any value: each row once, one by one",
    async run(host) {
      const rows = [...Object.values(inOrder).flat(), ...longValues]
        .map((a) => ({ a }))
        .sort((x, y) => compareValues(x.a, y.a))
        .map(({ a }, i) => ({ label: String(i), a }));
      await host.mutation(api.rows.add, { rows });
      const expected = rows.map(({ label }) => label);
      expect((await allPages(host, { index: "by_a" }, 1)).flat()).toEqual(expected);
      expect((await allPages(host, { index: "by_a", order: "desc" }, 1)).flat()).toEqual(
        expected.reverse(),
      );
    },
  },
  {
    name: "rows with equal values are not lost between pages",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: Array.from("abcdefg", (label) => ({ label, a: "same" })),
      });
      expect((await allPages(host, { index: "by_a" }, 3)).flat().join("")).toBe("abcdefg");
    },
  },
  {
    name: "a filter: pages are full of rows that pass it",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: Array.from("abcdefgh", (label, i) => ({ label, a: i % 3 === 0 ? 1 : 2 })),
      });
      expect(await allPages(host, { filter: "eqOne" })).toEqual([["a", "d"], ["g"]]);
    },
  },
  {
    name: "rows inserted before the cursor stay unseen, those after it are seen",
    async run(host) {
      await add(host, "acd");
      const first = await page(host, { index: "by_a" }, null);
      expect(first.page).toEqual(["a", "c"]);
      await host.mutation(api.rows.add, {
        rows: [
          { label: "before", a: 5 },
          { label: "after", a: 15 },
          { label: "last", a: 99 },
        ],
      });
      const next = await page(host, { index: "by_a" }, first.continueCursor, 9);
      expect(next.page).toEqual(["after", "d", "last"]);
      expect(next.isDone).toBe(true);
    },
  },
  {
    name: "read while mutations run: what stays where it is comes once, in order",
    async run(host) {
      const staying = Array.from({ length: 12 }, (_, i) => ({ label: `stays ${i}`, a: i * 10 }));
      const others = Array.from({ length: 12 }, (_, i) => ({ label: `goes ${i}`, a: i * 10 + 5 }));
      await host.mutation(api.rows.add, { rows: staying });
      const ids = await host.mutation(api.rows.add, { rows: others });
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let turn = 0; ; turn++) {
        const id = ids[(turn * 5) % ids.length];
        const come = { label: `comes ${turn}`, a: (turn * 37) % 120 };
        const reading: ReturnType<typeof page> = page(host, { index: "by_a" }, cursor, 3);
        await host.mutation(api.rows.add, { rows: [come] });
        if (id !== undefined && turn < ids.length) await host.mutation(api.rows.remove, { id });
        const read = await reading;
        seen.push(...read.page);
        if (read.isDone) break;
        cursor = read.continueCursor;
      }
      expect(seen.filter((label) => label.startsWith("stays"))).toEqual(
        staying.map(({ label }) => label),
      );
      expect(new Set(seen).size).toBe(seen.length);
    },
  },
  {
    name: "the row at the cursor may be deleted or moved",
    async run(host) {
      const [, b, , d] = await add(host, "abcdef");
      if (b === undefined || d === undefined) throw new Error("ids");
      const first = await page(host, { index: "by_a" }, null);
      await host.mutation(api.rows.remove, { id: b });
      const second = await page(host, { index: "by_a" }, first.continueCursor);
      expect(second.page).toEqual(["c", "d"]);
      await host.mutation(api.rows.patch, { id: d, value: { a: 45 } });
      const third = await page(host, { index: "by_a" }, second.continueCursor, 9);
      expect(third.page).toEqual(["e", "d", "f"]);
    },
  },
  {
    name: "after the end there is nothing, even when rows have come",
    async run(host) {
      await add(host, "abc");
      const whole = await page(host, { index: "by_a" }, null, 9);
      expect(whole.isDone).toBe(true);
      await add(host, "z", 900);
      const beyond = await page(host, { index: "by_a" }, whole.continueCursor, 9);
      expect([beyond.page, beyond.isDone]).toEqual([[], true]);
    },
  },
  {
    name: "up to an end cursor: what is there now, whatever the page size",
    async run(host) {
      await add(host, "abcd");
      const first = await page(host, { index: "by_a" }, null);
      await host.mutation(api.rows.add, {
        rows: [
          { label: "x", a: 4 },
          { label: "y", a: 5 },
        ],
      });
      const again = await host.query(api.rows.page, {
        index: "by_a",
        paginationOpts: { numItems: 2, cursor: null, endCursor: first.continueCursor },
      });
      expect(again.page).toEqual(["a", "x", "y", "b"]);
      expect(again.continueCursor).toBe(first.continueCursor);
      expect(again.isDone).toBe(false);
    },
  },
  {
    name: "a limit of rows read ends a page early, and the next goes on",
    async run(host) {
      await add(host, "abcde");
      const result = await host.query(api.rows.page, {
        index: "by_a",
        paginationOpts: { numItems: 4, cursor: null, maximumRowsRead: 3 },
      });
      expect([result.page, result.isDone, result.pageStatus]).toEqual([
        ["a", "b", "c"],
        false,
        "SplitRequired",
      ]);
      const rest = await page(host, { index: "by_a" }, result.continueCursor, 4);
      expect(rest.page).toEqual(["d", "e"]);
    },
  },
  {
    name: "a limit of bytes read ends a page early, and the next goes on",
    async run(host) {
      await add(host, "abc");
      const result = await host.query(api.rows.page, {
        index: "by_a",
        paginationOpts: { numItems: 4, cursor: null, maximumBytesRead: 1 },
      });
      expect([result.page, result.isDone, result.pageStatus]).toEqual([
        ["a"],
        false,
        "SplitRequired",
      ]);
      const rest = await page(host, { index: "by_a" }, result.continueCursor, 4);
      expect(rest.page).toEqual(["b", "c"]);
    },
  },
  {
    name: "a page inside a mutation has its own writes",
    async run(host) {
      await add(host, "abc");
      const result = await host.mutation(api.rows.addAndPage, {
        label: "new",
        a: 5,
        paginationOpts: { numItems: 3, cursor: null },
      });
      expect(result.page).toEqual(["a", "new", "b"]);
      const rest = await page(host, { index: "by_a" }, result.continueCursor);
      expect(rest.page).toEqual(["c"]);
    },
  },
  {
    name: "a cursor that is no cursor is an error",
    async run(host) {
      await add(host, "abc");
      for (const cursor of ["garbage", "", "{}", "AAAA"])
        await refused(host, page(host, { index: "by_a" }, cursor), /cursor/i, /./);
    },
    differs: { host: "convex-test", why: "it takes an empty cursor as the beginning" },
  },
  {
    name: "a cursor of another index is an error",
    async run(host) {
      await add(host, "abc");
      const { continueCursor } = await page(host, { index: "by_a" }, null);
      await refused(host, page(host, { index: "by_a_b" }, continueCursor), /InvalidCursor/);
    },
    differs: { host: "convex-test", why: "its cursors do not know their query" },
  },
  {
    name: "a cursor of another range, order or table is an error",
    async run(host) {
      await add(host, "abc");
      const { continueCursor } = await page(host, { index: "by_a" }, null);
      const bounds = [{ op: "gte" as const, field: "a", value: 0 }];
      await refused(host, page(host, { index: "by_a", bounds }, continueCursor), /InvalidCursor/);
      await refused(
        host,
        page(host, { index: "by_a", order: "desc" }, continueCursor),
        /InvalidCursor/,
      );
      await refused(
        host,
        host.query(api.rows.logPage, { paginationOpts: { numItems: 2, cursor: continueCursor } }),
        /InvalidCursor/,
      );
    },
    differs: { host: "convex-test", why: "its cursors do not know their query" },
  },
  {
    name: "a page of no rows cannot be asked for",
    async run(host) {
      await add(host, "abc");
      await refused(host, page(host, { index: "by_a" }, null, 0), /at least 1 document/);
      await refused(host, page(host, { index: "by_a" }, null, -1), /numItems/);
    },
    differs: { host: "convex-test", why: "it answers with a page" },
  },
  {
    name: "two paginated queries in one function are an error",
    async run(host) {
      await add(host, "abc");
      await refused(host, host.query(api.rows.twoPages, {}), /single paginated query/);
    },
  },
]);
