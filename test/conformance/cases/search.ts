import { expect } from "vitest";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, subject } from "../suite";

const notes = [
  { label: "rabbit", body: "A white rabbit ran past", kind: "tale", done: true },
  { label: "request", body: "Please send a request", kind: "letter" },
  { label: "both", body: "The rabbit's request: carrots (many)", kind: "letter", done: false },
  { label: "plain", body: "Nothing of note" },
];
const add = (host: Host) => host.mutation(api.search.add, { notes });

export const search = subject("search index", [
  {
    name: "a word, whatever its case",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "rabbit" })).toEqual(["both", "rabbit"]);
      expect(await host.query(api.search.find, { text: "RABBIT" })).toEqual(["both", "rabbit"]);
      expect(await host.query(api.search.find, { text: "carrots" })).toEqual(["both"]);
      expect(await host.query(api.search.find, { text: "hare" })).toEqual([]);
    },
  },
  {
    name: "any of several words",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "white nothing" })).toEqual([
        "plain",
        "rabbit",
      ]);
    },
  },
  ...(
    [
      ["how many of the words it has", "red carpet", ["red", "red carpet"]],
      ["what has the word before what only begins so", "car", ["carpet", "car"]],
      ["how often it has the word", "apple", ["apple pear plum", "apple apple plum"]],
      ["the shorter text", "tea", ["tea and a long talk about it", "tea and talk"]],
      ["the newer of equals", "twin", ["twin one", "twin two"]],
    ] as const
  ).map(([what, text, bodies]) => ({
    name: `by relevance: ${what}`,
    async run(host: Host) {
      const filler = { label: "other", body: "nothing to do with it" };
      const found = bodies.map((body) => ({ label: body, body }));
      await host.mutation(api.search.add, { notes: [filler, ...found] });
      expect(await host.query(api.search.ranked, { text })).toEqual([...bodies].reverse());
    },
    differs: { host: "convex-test" as const, why: "it ranks nothing" },
  })),
  {
    name: "the last word may be a beginning",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "r" })).toEqual([
        "both",
        "rabbit",
        "request",
      ]);
      expect(await host.query(api.search.find, { text: "nothing requ" })).toEqual([
        "both",
        "plain",
        "request",
      ]);
      expect(await host.query(api.search.find, { text: "abbi" })).toEqual([]);
    },
  },
  {
    name: "a word before the last one is whole",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "requ nothing" })).toEqual(["plain"]);
    },
    differs: { host: "convex-test", why: "every word may be a beginning" },
  },
  {
    name: "punctuation divides words",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "many" })).toEqual(["both"]);
      expect(await host.query(api.search.find, { text: "carrots, (white)" })).toEqual([
        "both",
        "rabbit",
      ]);
    },
    differs: { host: "convex-test", why: "only blanks divide words" },
  },
  {
    name: "a filter field: its value, and no other",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "request", kind: "letter" })).toEqual([
        "both",
        "request",
      ]);
      expect(await host.query(api.search.find, { text: "rabbit", kind: "letter" })).toEqual([
        "both",
      ]);
      expect(await host.query(api.search.find, { text: "rabbit", kind: "note" })).toEqual([]);
      expect(await host.query(api.search.find, { text: "rabbit", kind: "lett" })).toEqual([]);
    },
  },
  {
    name: "two filter fields, one of them boolean",
    async run(host) {
      await add(host);
      expect(
        await host.query(api.search.find, { text: "request", kind: "letter", done: false }),
      ).toEqual(["both"]);
      expect(
        await host.query(api.search.find, { text: "request", kind: "letter", done: true }),
      ).toEqual([]);
    },
  },
  {
    name: "a filter on undefined: documents without the field",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.findWithoutKind, { text: "nothing" })).toEqual(["plain"]);
      expect(await host.query(api.search.findWithoutKind, { text: "rabbit" })).toEqual([]);
    },
  },
  {
    name: "patched and deleted documents leave the result, or come into it",
    async run(host) {
      const [rabbit, request, both] = await add(host);
      if (rabbit === undefined || request === undefined || both === undefined)
        throw new Error("ids");
      await host.mutation(api.search.rewrite, { id: rabbit, body: "A white cat" });
      expect(await host.query(api.search.find, { text: "rabbit" })).toEqual(["both"]);
      expect(await host.query(api.search.find, { text: "cat" })).toEqual(["rabbit"]);
      await host.mutation(api.search.rewrite, { id: request, kind: "tale" });
      expect(await host.query(api.search.find, { text: "request", kind: "tale" })).toEqual([
        "request",
      ]);
      expect(await host.query(api.search.find, { text: "request", kind: "letter" })).toEqual([
        "both",
      ]);
      await host.mutation(api.search.remove, { id: both });
      expect(await host.query(api.search.find, { text: "rabbit" })).toEqual([]);
    },
  },
  {
    name: "a mutation finds what it has just written",
    async run(host) {
      expect(await host.mutation(api.search.addAndFind, {})).toEqual([1, 0, 1, 0]);
    },
  },
  {
    name: "take, filter and pages",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.take, { text: "r", count: 2 })).toBe(2);
      expect(await host.query(api.search.filtered, { text: "r", label: "both" })).toEqual([
        "rabbit",
        "request",
      ]);
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let turn = 0; turn < 10; turn++) {
        const result: { page: string[]; isDone: boolean; continueCursor: string } =
          await host.query(api.search.page, {
            text: "r",
            paginationOpts: { numItems: 1, cursor },
          });
        seen.push(...result.page);
        if (result.isDone) break;
        cursor = result.continueCursor;
      }
      expect(seen.sort()).toEqual(["both", "rabbit", "request"]);
    },
  },
  {
    name: "no word at all finds nothing",
    async run(host) {
      await add(host);
      expect(await host.query(api.search.find, { text: "" })).toEqual([]);
      expect(await host.query(api.search.find, { text: " . " })).toEqual([]);
    },
  },
  {
    name: "letters beyond ASCII",
    async run(host) {
      await host.mutation(api.search.add, {
        notes: [{ label: "pl", body: "Zażółć gęślą jaźń" }],
      });
      expect(await host.query(api.search.find, { text: "GĘŚLĄ" })).toEqual(["pl"]);
      expect(await host.query(api.search.find, { text: "zaż" })).toEqual(["pl"]);
    },
  },
  {
    name: "more than 1,024 results cannot be collected, but taken",
    async run(host) {
      for (let part = 0; part < 3; part++)
        await host.mutation(api.search.add, {
          notes: Array.from({ length: 400 }, (_, i) => ({ label: String(i), body: "common" })),
        });
      expect(await host.query(api.search.take, { text: "common", count: 1000 })).toBe(1000);
      await refused(host, host.query(api.search.find, { text: "common" }), /1024/);
    },
    differs: { host: "convex-test", why: "it collects any number" },
  },
]);
