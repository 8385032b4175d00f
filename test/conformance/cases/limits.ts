import { expect } from "vitest";
import type { FunctionArgs } from "convex/server";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, type Case, subject } from "../suite";

const unlimited = "it has no limits of documents";
const documentLimit = (name: string, run: Case["run"]): Case => ({
  name,
  run,
  differs: { host: "convex-test", why: unlimited },
});

type Way = FunctionArgs<typeof api.limits.readMetrics>["way"];
/** What one way of reading costs, of ten rows with `a` from 0 to 9. */
async function cost(host: Host, way: Way) {
  const ids = await host.mutation(api.rows.add, {
    rows: Array.from({ length: 10 }, (_, a) => ({ label: String(a), a })),
  });
  const id = ids[4];
  if (id === undefined) throw new Error("no id");
  if (way === "getMissing") await host.mutation(api.rows.remove, { id });
  return await host.query(api.limits.readMetrics, { way, id });
}
const costs = (
  name: string,
  way: Way,
  documents: number,
  queries: number,
  differs?: string,
): Case => ({
  name,
  async run(host) {
    expect(await cost(host, way)).toEqual({ documents, queries });
  },
  ...(differs !== undefined && { differs: { host: "convex-test", why: differs } }),
});

export const limits = subject("limits and metrics", [
  documentLimit("16 levels of nesting, the document itself being one", async (host) => {
    await host.mutation(api.limits.insertNested, { levels: 15 });
    await refused(
      host,
      host.mutation(api.limits.insertNested, { levels: 16 }),
      /too nested \(nested 17 levels deep > maximum nesting 16\)/,
    );
  }),
  documentLimit("8,192 elements of an array", async (host) => {
    await host.mutation(api.limits.insertArray, { length: 8192 });
    await refused(
      host,
      host.mutation(api.limits.insertArray, { length: 8193 }),
      /too long \(8193 > maximum length 8192\)/,
    );
  }),
  documentLimit("1,024 fields of an object", async (host) => {
    await host.mutation(api.limits.insertFields, { count: 1024 });
    await refused(
      host,
      host.mutation(api.limits.insertFields, { count: 1025 }),
      /too many fields \(1025 > maximum number 1024\)/,
    );
  }),
  documentLimit("1 MiB of a document, also by a patch", async (host) => {
    await host.mutation(api.limits.insertText, { length: 1_000_000 });
    await refused(
      host,
      host.mutation(api.limits.insertText, { length: 1_048_576 }),
      /too large \(.* > maximum size 1 MiB\)/,
    );
    const [row] = await host.query(api.rows.all, {});
    if (row === undefined) throw new Error("no row");
    await refused(
      host,
      host.mutation(api.limits.growText, { id: row._id, length: 50_000 }),
      /too large/,
    );
    expect((await host.query(api.rows.get, { id: row._id }))?.b).toBeUndefined();
  }),
  documentLimit("no unpaired surrogates", async (host) => {
    expect(await host.mutation(api.limits.insertSurrogate, { codeUnits: [0xd83d, 0xde00] })).toBe(
      "😀",
    );
    await refused(host, host.mutation(api.limits.insertSurrogate, { codeUnits: [0xd83d] }), /./);
    await refused(
      host,
      host.mutation(api.limits.insertSurrogate, { codeUnits: [0xde00, 0xd83d] }),
      /./,
    );
  }),
  {
    name: "field names of nested objects: printable ASCII, not beginning with $, at most 1,024 characters",
    async run(host) {
      for (const field of ["a", "a b", "9", "a.b", "~", "x".repeat(1024)]) {
        await host.mutation(api.limits.insertField, { field });
        const rows = await host.query(api.rows.all, {});
        expect(Object.keys((rows.at(-1)?.a ?? {}) as object)).toEqual([field]);
      }
      for (const field of ["$a", "ä", "a\n", "\x7f", "x".repeat(1025)])
        await refused(host, host.mutation(api.limits.insertField, { field }), /[Ff]ield name/);
    },
  },
  documentLimit("a document's own fields do not begin with an underscore", async (host) => {
    await refused(
      host,
      host.mutation(api.limits.insertTopField, { table: "unlisted", field: "_text" }),
      /'_text' starts with an underscore/,
    );
  }),
  {
    name: "4,096 index ranges in a transaction",
    async run(host) {
      expect(await host.query(api.limits.readRanges, { count: 4096 })).toBe(4096);
      await refused(
        host,
        host.query(api.limits.readRanges, { count: 4097 }),
        /Too many reads in a single function execution \(limit: 4096\)/,
        /Too many index ranges read in a single function execution \(limit: 4096\)/,
      );
    },
  },
  {
    name: "1,000 scheduled functions in a mutation",
    async run(host) {
      await refused(host, host.mutation(api.limits.scheduleMany, { count: 1000 }), /no limit met/);
      await refused(host, host.mutation(api.limits.scheduleMany, { count: 1001 }), /1000/);
    },
  },
  {
    name: "a nested function under a lower limit of its own",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [{ label: "p" }, { label: "q" }, { label: "r" }],
      });
      expect(await host.mutation(api.limits.nestedLimit, { documentsRead: 3 })).toBe(3);
      expect(await host.mutation(api.limits.nestedLimit, { documentsRead: 2 })).toMatch(
        /limit: 2\b/,
      );
    },
  },
  {
    name: "what a transaction may use at its start",
    async run(host) {
      const MiB = 1024 * 1024;
      expect(await host.query(api.limits.startingLimits, {})).toEqual({
        bytesRead: 16 * MiB,
        bytesWritten: 16 * MiB,
        databaseQueries: 4096,
        documentsRead: 32000,
        documentsWritten: 16000,
        functionsScheduled: 1000,
        scheduledFunctionArgsBytes: 16 * MiB,
      });
    },
  },
  costs("a get counts one document and one query", "get", 1, 1),
  costs("a get of nothing counts no document", "getMissing", 0, 1),
  costs("first counts one document, whatever the table holds", "first", 1, 1),
  costs("a range counts its documents", "collect", 3, 1),
  costs("a filter counts what it looks at", "filter", 10, 1, "it counts what passes the filter"),
  costs("a page counts its documents", "page", 4, 1),
  costs("a nested query counts for its caller", "nested", 10, 1),
  costs("three ranges count three queries", "ranges", 3, 3),
  {
    name: "inserts and patches count as written documents, with their bytes",
    async run(host) {
      const { written, bytes, left } = await host.mutation(api.limits.writeMetrics, {});
      expect([written, left]).toEqual([3, 16000]);
      expect(bytes).toBeGreaterThan(100);
      expect(bytes).toBeLessThan(1000);
    },
  },
]);
