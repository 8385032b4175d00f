import { expect } from "vitest";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, subject } from "../suite";

async function addOne(host: Host, row: { label: string; a?: unknown; b?: unknown }) {
  const [id] = await host.mutation(api.rows.add, { rows: [row] });
  if (id === undefined) throw new Error("no id");
  return id;
}
const gone = /non-?existent doc/i;

export const documents = subject("documents", [
  {
    name: "insert gives an id, and the document its system fields",
    async run(host) {
      const before = Date.now();
      const id = await addOne(host, { label: "p", a: 1 });
      const row = await host.query(api.rows.get, { id });
      expect(row).toEqual({
        _id: id,
        _creationTime: expect.any(Number) as number,
        label: "p",
        a: 1,
      });
      expect(row?._creationTime).toBeGreaterThanOrEqual(before - 1);
      expect(row?._creationTime).toBeLessThan(Date.now() + 1000);
    },
  },
  {
    name: "an id is 31 or 32 lower-case letters and digits without i, l, o and u",
    async run(host) {
      expect(await addOne(host, { label: "p" })).toMatch(/^[0-9a-hjkmnp-tv-z]{31,32}$/);
    },
    differs: { host: "convex-test", why: "its ids are a number and the table's name" },
  },
  {
    name: "patch merges at the top level only",
    async run(host) {
      const id = await addOne(host, { label: "p", a: { x: 1, y: 2 }, b: 3 });
      const row = await host.mutation(api.rows.patch, { id, value: { a: { z: 1 } } });
      expect(row).toMatchObject({ label: "p", b: 3 });
      expect(row?.a).toEqual({ z: 1 });
    },
  },
  {
    name: "patch with undefined removes a field, which may be missing already",
    async run(host) {
      const id = await addOne(host, { label: "p", a: 1, b: 2 });
      const row = await host.mutation(api.rows.unset, { id, fields: ["a", "inner"] });
      expect(Object.keys(row ?? {}).sort()).toEqual(["_creationTime", "_id", "b", "label"]);
    },
  },
  {
    name: "patch cannot remove a required field",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      await refused(
        host,
        host.mutation(api.rows.unset, { id, fields: ["label"] }),
        /required field `label`/,
      );
    },
  },
  {
    name: "replace drops what is not given, and keeps the system fields",
    async run(host) {
      const id = await addOne(host, { label: "p", a: 1 });
      const before = await host.query(api.rows.get, { id });
      const row = await host.mutation(api.rows.replace, { id, value: { label: "q" } });
      expect(row).toEqual({ _id: id, _creationTime: before?._creationTime, label: "q" });
    },
  },
  {
    name: "a document's own system fields may be given back to it, others may not",
    async run(host) {
      const id = await addOne(host, { label: "p", a: 1 });
      const other = await addOne(host, { label: "other" });
      const row = await host.query(api.rows.get, { id });
      const value = { ...row, a: 2 };
      expect((await host.mutation(api.rows.replace, { id, value }))?.a).toBe(2);
      expect((await host.mutation(api.rows.patch, { id, value: { ...row, a: 3 } }))?.a).toBe(3);
      await refused(
        host,
        host.mutation(api.rows.replace, { id, value: { ...row, _id: other } }),
        /_id/,
      );
      await refused(
        host,
        host.mutation(api.rows.patch, { id, value: { _creationTime: 1 } }),
        /creation ?time/i,
      );
    },
  },
  {
    name: "delete, after which the document is gone",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      expect(await host.mutation(api.rows.remove, { id })).toBeNull();
      expect(await host.query(api.rows.get, { id })).toBeNull();
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual([]);
    },
  },
  {
    name: "a document that is gone cannot be deleted, patched or replaced",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      await host.mutation(api.rows.remove, { id });
      await refused(host, host.mutation(api.rows.remove, { id }), gone);
      await refused(host, host.mutation(api.rows.patch, { id, value: { a: 1 } }), gone);
      await refused(host, host.mutation(api.rows.replace, { id, value: { label: "q" } }), gone);
    },
  },
  {
    name: "deleting what a loop reads",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: Array.from({ length: 150 }, (_, i) => ({ label: String(i) })),
      });
      expect(await host.mutation(api.rows.removeAll, {})).toBeNull();
      expect(await host.query(api.rows.all, {})).toEqual([]);
    },
  },
  {
    name: "get of a malformed id is an error",
    async run(host) {
      for (const id of ["", "garbage", "ünïcode", "0".repeat(100)])
        await refused(
          host,
          host.query(api.rows.getRaw, { id }),
          /Invalid argument `id` for `db.get`/,
        );
    },
    differs: { host: "convex-test", why: "it answers null" },
  },
  {
    name: "get with a table's name: an id of another table is an error",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      expect(await host.query(api.rows.getRaw, { id, table: "rows" })).toMatchObject({
        label: "p",
      });
      await refused(
        host,
        host.query(api.rows.getRaw, { id, table: "notes" }),
        /Invalid argument `id`/,
      );
    },
  },
  {
    name: "normalizeId knows its own ids, and no others",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      const [note] = await host.mutation(api.search.add, { notes: [{ label: "n", body: "b" }] });
      const normalize = (table: string, id: string) =>
        host.query(api.rows.normalize, { table, id });
      expect(await normalize("rows", id)).toBe(id);
      expect(await normalize("notes", note ?? "")).toBe(note);
      expect(await normalize("notes", id)).toBeNull();
      expect(await normalize("rows", note ?? "")).toBeNull();
      for (const garbage of ["", "x", "garbage", id + "0", id.slice(1), id.toUpperCase(), "😀"])
        expect(await normalize("rows", garbage)).toBeNull();
    },
    differs: { host: "convex-test", why: "it looks at the end of an id only" },
  },
  {
    name: "normalizeId of a table that does not exist is null",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      expect(await host.query(api.rows.normalize, { table: "nothing", id })).toBeNull();
    },
  },
  {
    name: "an id whose check digits do not fit is not an id",
    async run(host) {
      const id = await addOne(host, { label: "p" });
      const changed = (id.startsWith("0") ? "1" : "0") + id.slice(1);
      expect(await host.query(api.rows.normalize, { table: "rows", id: changed })).toBeNull();
    },
    differs: { host: "convex-test", why: "its ids have no check digits" },
  },
  {
    name: "a patch that changes nothing",
    async run(host) {
      const id = await addOne(host, { label: "p", a: 1 });
      expect(await host.mutation(api.rows.patch, { id, value: { a: 1 } })).toMatchObject({
        a: 1,
      });
      expect(await host.mutation(api.rows.patch, { id, value: {} })).toMatchObject({ a: 1 });
    },
  },
]);
