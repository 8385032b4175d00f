/** A disk that is really full: a small file system of its own, which only root can mount. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../helpers/server";
import { type Client, clientOf, FUNCTIONS, rejectionOf } from "../local/runtime/fixture";

function canMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

async function mountDisk(): Promise<string> {
  const disk = await mkdtemp(path.join(tmpdir(), "freehold-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=96m", "tmpfs", disk]);
  return disk;
}
/** Also where the server on it has not come up. */
async function unmountDisk(disk: string, server: TestServer | undefined): Promise<void> {
  await server?.kill();
  execFileSync("umount", [disk]);
  await rm(disk, { recursive: true, force: true });
}
const ballastOn = (disk: string): string => path.join(disk, "ballast");
/** Leaves that many bytes free. */
async function fillDisk(disk: string, free = 2 ** 20): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(ballastOn(disk), Buffer.alloc(bavail * bsize - free));
}

describe.skipIf(!canMount())("a full disk (needs root, to mount a small one)", () => {
  let disk: string;
  let server: TestServer;
  let authorization: string;

  beforeAll(async () => {
    disk = await mountDisk();
    server = await startServer({
      data: path.join(disk, "data"),
      env: { RATE_LIMIT_FACTOR: "1000" },
    });
    const demo = (await server.readJson("demo.json")) as { apiKey: string };
    authorization = `Bearer ${demo.apiKey}`;
  }, 60_000);
  afterAll(async () => {
    await unmountDisk(disk, server);
  });

  const contacts = `/api/v1/crm/contacts`;
  const list = (): Promise<Response> =>
    fetch(server.siteUrl + contacts, { headers: { authorization } });
  const create = (firstName: string): Promise<Response> =>
    fetch(server.siteUrl + contacts, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ firstName, lastName: "Disk", email: `${firstName}@disk.example` }),
    });
  const names = async (): Promise<string[]> => {
    const response = await list();
    expect(response.status).toBe(200);
    const body = (await response.json()) as { contacts: { firstName: string }[] };
    return body.contacts.map(({ firstName }) => firstName);
  };

  test("refuses writes, goes on reading, keeps nothing half-written, and recovers", async () => {
    expect((await create("before")).status).toBe(201);
    const before = await names();
    await fillDisk(disk);
    for (let turn = 0; turn < 5; turn++) {
      const refused = await create(`refused${turn}`);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      const { error } = (await refused.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe("SERVICE_UNAVAILABLE");
      expect(await names()).toEqual(before);
    }
    const readiness = async (): Promise<number> =>
      (await fetch(`${server.siteUrl}/health/ready`)).status;
    await eventually(readiness, (status) => status === 503);
    expect((await fetch(`${server.siteUrl}/health/live`)).status).toBe(200);

    await rm(ballastOn(disk));
    await eventually(readiness, (status) => status === 200);
    await eventually(
      async () => (await create("after")).status,
      (status) => status === 201,
    );
    expect(await names()).toEqual(["after", ...before]);
  });

  test("is found again as it was after a kill while it was full", async () => {
    const before = await names();
    await fillDisk(disk);
    expect((await create("lost")).status).toBe(503);
    await server.kill();
    await rm(ballastOn(disk));
    server = await startServer({ data: path.join(disk, "data") });
    expect(await names()).toEqual(before);
    expect((await create("again")).status).toBe(201);
  }, 60_000);
});

describe.skipIf(!canMount())(
  "stored files on a full disk (needs root, to mount a small one)",
  () => {
    let disk: string;
    let server: TestServer;
    let client: Client;

    beforeAll(async () => {
      disk = await mountDisk();
      server = await startServer({
        data: path.join(disk, "data"),
        functions: FUNCTIONS,
        flags: ["--no-demo"],
      });
      client = clientOf(server.cloudUrl);
    }, 60_000);
    afterAll(async () => {
      await unmountDisk(disk, server);
    });

    const post = async (url: unknown, bytes: number): Promise<Response> =>
      await fetch(String(url), { method: "POST", body: Buffer.alloc(bytes, "f") });
    /** Whole files, and what is on its way. */
    const onDisk = async (): Promise<string[]> => [
      ...(await readdir(path.join(server.data, "storage/files"))),
      ...(await readdir(path.join(server.data, "storage/incoming"))),
    ];
    async function expectRefused(response: Response): Promise<void> {
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ code: "ServiceUnavailable" });
    }
    const mutate = async (name: string): Promise<Response> =>
      await fetch(`${server.cloudUrl}/api/mutation`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ path: name, format: "json", args: [{ text: "refused" }] }),
      });

    test("are refused as documents are, leave nothing behind, and are read on", async () => {
      const url = await client.mutation("files:uploadUrl");
      const kept = (await client.action("files:store", { text: "kept" })) as string;
      const before = await onDisk();
      await fillDisk(disk);
      await expectRefused(await post(url, 100));
      await expectRefused(await mutate("files:storeInMutation"));
      const inAction = await rejectionOf(client.action("files:store", { text: "refused" }));
      expect(inAction.message).toContain("the disk is full");
      expect(await onDisk()).toEqual(before);
      expect(await client.query("files:all")).toEqual([kept]);
      expect(await client.action("files:read", { id: kept })).toMatchObject({ text: "kept" });

      await rm(ballastOn(disk));
      expect((await post(url, 100)).status).toBe(200);
    });

    test("that would take the last space are refused on their way, and documents are written on", async () => {
      const url = await client.mutation("files:uploadUrl");
      const before = await onDisk();
      await fillDisk(disk, 12 * 2 ** 20);
      await expectRefused(await post(url, 32 * 2 ** 20));
      expect(await onDisk()).toEqual(before);
      expect(await client.mutation("notes:add", { author: "ann", text: "written" })).toBeTruthy();
      expect((await post(url, 100)).status).toBe(200);
    });

    test("that the database itself meets in the middle of commits cost those commits alone", async () => {
      await server.kill();
      await rm(ballastOn(disk), { force: true });
      const { data } = server;
      // As where others fill the disk between the look at it and the write.
      const unseen = `
        import fs from "node:fs";
        import { syncBuiltinESMExports } from "node:module";
        fs.statfsSync = () => ({ bavail: 2 ** 30, bsize: 4096 });
        syncBuiltinESMExports();`;
      server = await startServer({
        data,
        functions: FUNCTIONS,
        flags: ["--no-demo"],
        env: { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(unseen)}"` },
      });
      client = clientOf(server.cloudUrl);
      const note = (text: string) => client.mutation("notes:add", { author: "eve", text });
      const texts = async (): Promise<string[]> =>
        ((await client.query("notes:list", { author: "eve" })) as { text: string }[]).map(
          ({ text }) => text,
        );
      await note("before");
      await fillDisk(disk, 2 ** 19);
      for (let turn = 0; turn < 3; turn++) {
        expect((await rejectionOf(note("x".repeat(900_000)))).message).toContain("Server Error");
        expect(await texts()).toEqual(["before"]);
      }
      expect(server.logs().map(({ message }) => message)).toContain(
        "Cannot write to the disk: Input/output error",
      );
      await rm(ballastOn(disk));
      await note("after");
      expect(await texts()).toEqual(["before", "after"]);
    }, 60_000);
  },
);
