import type { GenericId } from "convex/values";
import { expect } from "vitest";
import { api } from "../api";
import { subject } from "../suite";

const { store, read, row, url, uploadUrl, remove, removeInAction, removeNested } = api.storage;
type FileId = GenericId<"_storage">;
const SHA256_OF_ABC = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

export const storage = subject("stored files", [
  {
    name: "what an action stores it reads again",
    async run(host) {
      for (const text of ["żółć 日本", ""]) {
        const id = await host.action(store, { text, type: "text/plain" });
        expect(await host.action(read, { id })).toBe(text);
      }
    },
  },
  {
    name: "a file's row has its size and its hash in base64",
    async run(host) {
      const id = await host.action(store, { text: "abc", type: "text/plain" });
      expect(await host.query(row, { id })).toMatchObject({
        _id: id,
        size: 3,
        sha256: SHA256_OF_ABC,
      });
    },
  },
  {
    name: "a file's row has the type that was given, or null",
    async run(host) {
      const typed = await host.action(store, { text: "abc", type: "text/csv" });
      expect(await host.query(row, { id: typed })).toMatchObject({ contentType: "text/csv" });
      const bare = await host.action(store, { text: "abc", type: "" });
      expect(await host.query(row, { id: bare })).toMatchObject({ contentType: null });
    },
    differs: { host: "convex-test", why: "it keeps no type in the row" },
  },
  {
    name: "files and uploads have URLs",
    async run(host) {
      const id = await host.action(store, { text: "abc", type: "" });
      expect(await host.query(url, { id })).toMatch(/^https?:\/\/.+\/api\/storage\/./);
      expect(await host.mutation(uploadUrl, {})).toMatch(/\/api\/storage\/upload\?token=./);
    },
  },
  {
    name: "a deleted file has no row, no bytes and no URL, and cannot be deleted again",
    async run(host) {
      const removals = [
        (id: FileId) => host.mutation(remove, { id, fail: false }),
        (id: FileId) => host.action(removeInAction, { id }),
      ];
      for (const removing of removals) {
        const id = await host.action(store, { text: "abc", type: "" });
        await removing(id);
        expect(await host.query(row, { id })).toBeNull();
        expect(await host.action(read, { id })).toBeNull();
        expect(await host.query(url, { id })).toBeNull();
        await expect(removing(id)).rejects.toThrow();
      }
    },
  },
  {
    name: "a mutation that fails after a deletion has deleted nothing",
    async run(host) {
      const id = await host.action(store, { text: "abc", type: "" });
      await expect(host.mutation(remove, { id, fail: true })).rejects.toThrow();
      expect(await host.action(read, { id })).toBe("abc");
    },
  },
  {
    name: "a deletion in a nested mutation that fails is undone with it, and the outer one commits",
    async run(host) {
      const id = await host.action(store, { text: "abc", type: "" });
      expect(await host.mutation(removeNested, { id })).toBe("there");
      expect(await host.action(read, { id })).toBe("abc");
    },
  },
]);
