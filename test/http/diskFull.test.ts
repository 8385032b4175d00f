/** A disk that is really full: a small file system of its own, which only root can mount. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../helpers/server";

function canMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount())("a full disk (needs root, to mount a small one)", () => {
  let disk: string;
  let server: TestServer;
  let authorization: string;

  beforeAll(async () => {
    disk = await mkdtemp(path.join(tmpdir(), "freehold-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=96m", "tmpfs", disk]);
    server = await startServer({
      data: path.join(disk, "data"),
      env: { RATE_LIMIT_FACTOR: "1000" },
    });
    const demo = (await server.readJson("demo.json")) as { apiKey: string };
    authorization = `Bearer ${demo.apiKey}`;
  }, 60_000);
  afterAll(async () => {
    await server.kill();
    execFileSync("umount", [disk]);
    await rm(disk, { recursive: true, force: true });
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
  const ballast = (): string => path.join(disk, "ballast");
  async function fill(): Promise<void> {
    const { bavail, bsize } = await statfs(disk);
    await writeFile(ballast(), Buffer.alloc(bavail * bsize - 2 ** 20));
  }
  const names = async (): Promise<string[]> => {
    const response = await list();
    expect(response.status).toBe(200);
    const body = (await response.json()) as { contacts: { firstName: string }[] };
    return body.contacts.map(({ firstName }) => firstName);
  };

  test("refuses writes, goes on reading, keeps nothing half-written, and recovers", async () => {
    expect((await create("before")).status).toBe(201);
    const before = await names();
    await fill();
    for (let turn = 0; turn < 5; turn++) {
      const refused = await create(`refused${turn}`);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      const { error } = (await refused.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe("SERVICE_UNAVAILABLE");
      expect(await names()).toEqual(before);
    }
    expect((await fetch(`${server.siteUrl}/health/ready`)).status).toBe(200);

    await rm(ballast());
    await eventually(
      async () => (await create("after")).status,
      (status) => status === 201,
    );
    expect(await names()).toEqual(["after", ...before]);
  });

  test("is found again as it was after a kill while it was full", async () => {
    const before = await names();
    await fill();
    expect((await create("lost")).status).toBe(503);
    await server.kill();
    await rm(ballast());
    server = await startServer({ data: path.join(disk, "data") });
    expect(await names()).toEqual(before);
    expect((await create("again")).status).toBe(201);
  }, 60_000);
});
