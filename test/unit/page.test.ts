import type { PaginationResult } from "convex/server";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { metaOf, openCursor, pageThrough, pagingOf, sealCursor } from "../../convex/kit/page";
import { pageParameters } from "../../convex/kit/pageParameters";
import { refusal, refusalOf } from "../helpers/refusal";

const unicode = fc.string({ unit: "grapheme" });

describe("cursors", () => {
  test("what is sealed opens again, for the same list", () => {
    fc.assert(
      fc.property(unicode, unicode, (list, text) => {
        // Convex gives out no empty position.
        const position = `p${text}`;
        const cursor = sealCursor(list, position);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(openCursor(list, cursor)).toBe(position);
      }),
    );
  });

  test("a cursor of another list is refused", () => {
    fc.assert(
      fc.property(unicode, unicode, unicode, (list, other, position) => {
        fc.pre(list !== other);
        expect(refusal(() => openCursor(other, sealCursor(list, position)))).toMatchObject({
          code: "VALIDATION_ERROR",
          details: [{ path: "query.cursor" }],
        });
      }),
    );
  });

  test("any other text is refused, and never an accident", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(refusal(() => openCursor("list", text))).toMatchObject({ status: 400 });
      }),
    );
  });

  test.each([
    ["cut short", (cursor: string) => cursor.slice(0, -3)],
    ["with a character changed in its head", (cursor: string) => `X${cursor.slice(1)}`],
    ["with something appended", (cursor: string) => `${cursor}AAAA`],
    ["of another shape", () => btoa(JSON.stringify({ list: "list" }))],
    ["with a number as its position", () => btoa(JSON.stringify(["list", 5]))],
  ])("a cursor %s is refused", (_name, tamper) => {
    const cursor = tamper(sealCursor("list", "a position"));
    expect(refusal(() => openCursor("list", cursor))).toMatchObject({ code: "VALIDATION_ERROR" });
  });
});

describe("paging", () => {
  const parameters = z.strictObject(pageParameters());
  const pagingFor = (query: Record<string, string>): unknown => pagingOf(parameters.parse(query));

  test.each<[Record<string, string>, unknown]>([
    [{}, { limit: 50, offset: 0, asked: "start" }],
    [{ limit: "200" }, { limit: 200, offset: 0, asked: "start" }],
    [
      { page_size: "7", page: "3" },
      { limit: 7, offset: 14, page: 3, asked: "page" },
    ],
    [{ offset: "0" }, { limit: 50, offset: 0, asked: "offset" }],
    [{ offset: "5000" }, { limit: 50, offset: 5000, asked: "offset" }],
    [{ page: "101" }, { limit: 50, offset: 5000, page: 101, asked: "page" }],
    [
      { cursor: "c", limit: "1" },
      { limit: 1, cursor: "c" },
    ],
  ])("%j is read as asked", (query, paging) => {
    expect(pagingFor(query)).toEqual(paging);
  });

  test.each<[Record<string, string>, string]>([
    [{ page: "102" }, "query.page"],
    [{ cursor: "c", offset: "1" }, "query.offset"],
    [{ cursor: "c", page: "1" }, "query.page"],
    [{ offset: "1", page: "1" }, "query.page"],
    [{ limit: "5", page_size: "5" }, "query.page_size"],
  ])("%j is refused", (query, path) => {
    expect(refusal(() => pagingFor(query))).toMatchObject({ details: [{ path }] });
  });

  test.each(["0", "-1", "201", "1.5", "x", "", "NaN", "Infinity", "1,000"])(
    "a limit of %j is refused",
    (limit) => {
      expect(parameters.safeParse({ limit }).success).toBe(false);
    },
  );

  test.each([
    [{ offset: 2, limit: 2 }, "query.offset"],
    [{ page: 2, limit: 2 }, "query.page"],
    [{ offset: 0, limit: 4 }, "query.offset"],
    [{ page: 1, limit: 4 }, "query.page"],
  ])("%j is refused where large rows end the page before it is full", async (query, path) => {
    const rows = pageOf({ page: ["a", "b", "c"], isDone: false, continueCursor: "c" });
    expect(await refusalOf(pageThrough("list", pagingOf(query), rows))).toMatchObject({
      code: "VALIDATION_ERROR",
      details: [{ path, message: "reaches too much data; use cursor" }],
    });
  });

  test("an offset near the end, and a short first page, are answered", async () => {
    const end = pageOf({ page: ["a", "b", "c"], isDone: true, continueCursor: "c" });
    const last = await pageThrough("list", pagingOf({ offset: 2, limit: 2 }), end);
    expect([last.rows, last.meta.nextCursor]).toEqual([["c"], null]);
    const early = pageOf({ page: ["a"], isDone: false, continueCursor: "a" });
    const first = await pageThrough("list", pagingOf({ limit: 2 }), early);
    expect([first.rows, first.meta.nextCursor]).toEqual([["a"], sealCursor("list", "a")]);
  });

  test("the number of pages covers the total", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: 200 }),
        (total, limit) => {
          const paging = pagingOf({ limit, page: 1 });
          const { totalPages = 0 } = metaOf(paging, { total, nextCursor: null });
          expect((totalPages ?? 0) * limit).toBeGreaterThanOrEqual(total);
          expect((totalPages ?? 0) * limit - total).toBeLessThan(limit);
        },
      ),
    );
  });
});

function pageOf(result: PaginationResult<string>): Parameters<typeof pageThrough<string>>[2] {
  return { paginate: () => Promise.resolve(result) };
}
