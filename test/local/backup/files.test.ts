/** A backup has the bytes of every file that its rows name, whatever is deleted while it is taken. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { backUp } from "../../../scripts/local/backup";
import { holdRemovals } from "../../../scripts/local/files/holds";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { clientOf, FUNCTIONS } from "../runtime/fixture";

let folder: string;
let server: TestServer;
const around = vi.hoisted(() => {
  const nothing = (): Promise<void> => Promise.resolve();
  return { before: nothing, after: nothing };
});

vi.mock(import("../../../scripts/local/database/store"), async (original) => {
  const actual = await original();
  return {
    ...actual,
    copyStore: async (from, to) => {
      await around.before();
      await actual.copyStore(from, to);
      await around.after();
    },
  };
});

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-backup-files-"));
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
}, 60_000);
afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

const stored = (data: string, id: string): Promise<string | null> =>
  readFile(path.join(data, "storage", "files", id), "utf8").catch(() => null);

test("a file that is deleted between the copy of the rows and that of the bytes is in the backup", async () => {
  const client = clientOf(server.cloudUrl);
  let id = "";
  around.before = async () => {
    id = (await client.action("files:store", { text: "still named" })) as string;
  };
  around.after = async () => {
    await client.mutation("files:remove", { id });
    // A later call's removal comes after this one's.
    await client.action("files:store", { text: "other" });
  };
  const to = path.join(folder, "backup");
  await backUp(server.data, to);
  expect(await stored(to, id)).toBe("still named");
  await eventually(
    () => stored(server.data, id),
    (bytes) => bytes === null,
  );
}, 30_000);

test("a hold of one does not end that of another", async () => {
  const client = clientOf(server.cloudUrl);
  const storage = path.join(server.data, "storage");
  const id = (await client.action("files:store", { text: "held" })) as string;
  const [first, second] = [await holdRemovals(storage), await holdRemovals(storage)];
  await client.mutation("files:remove", { id });
  await first();
  expect(await stored(server.data, id)).toBe("held");
  await second();
  await eventually(
    () => stored(server.data, id),
    (bytes) => bytes === null,
  );
});
