import { mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf, clientOf, FUNCTIONS, projectIn } from "./fixture";

let folder: string;
let data: string;
const servers: TestServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-start-"));
  data = path.join(folder, "data");
});
afterEach(async () => {
  for (const deployment of inProcess.splice(0)) await deployment.stop();
  for (const server of servers.splice(0)) await server.kill();
  await rm(folder, { recursive: true, force: true });
});

async function start(flags: string[] = [], functions = FUNCTIONS): Promise<TestServer> {
  const server = await startServer({ data, functions, flags });
  servers.push(server);
  return server;
}

const inProcess: Deployment[] = [];

/** What `npm start` starts, in the tests' own process: sooner, where the process is not the matter. */
async function startHere(demo = true): Promise<Deployment> {
  const ports = { sitePort: 0, cloudPort: 0 };
  const deployment = await startDeployment({ data, functions: FUNCTIONS, demo, ...ports });
  inProcess.push(deployment);
  return deployment;
}

async function stopHere(): Promise<void> {
  await inProcess.pop()?.stop();
}

/** What the first start notes of its demo, as a crash may leave it. */
async function noteDemo(value: "begun" | "made"): Promise<void> {
  const { openDatabase } = await import("../../../scripts/local/database");
  const database = await openDatabase({ path: path.join(data, "database") });
  await database.mutation(async (tx) => {
    const source = { type: "FullTableScan", tableName: "_runtime", order: "asc" } as const;
    const notes = [...tx.system.query({ source, operators: [] })];
    for (const text of notes) tx.system.remove((JSON.parse(text) as { _id: string })._id);
    tx.system.insert("_runtime", { key: "demo", value });
  });
  await database.close();
}

async function secondsOfWorkInHalfASecond(pid: number): Promise<number> {
  const ticks = async (): Promise<number> => {
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = await ticks();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return ((await ticks()) - before) / 100;
}

async function foundOwn(server: Pick<TestServer, "cloudUrl">): Promise<void> {
  const owner = clientOf(server.cloudUrl, adminKeyOf(data));
  await owner.action("bootstrap", { organization: "Own", email: "me@own.example", name: "Me" });
}

describe("the first start", () => {
  test("makes a demo, shows it once, keeps it for the owner alone", async () => {
    const server = await start();
    const demo = (await server.readJson("demo.json")) as Record<string, unknown>;
    expect(demo).toMatchObject({
      apiKey: "fh_fixture",
      staff: {
        email: "owner@demo.example",
        password: "Fixture1",
        sessionToken: "fh_session_fixture",
      },
      siteUrl: server.siteUrl,
      cloudUrl: server.cloudUrl,
    });
    expect(server.stdout()).toContain("fh_fixture");
    expect(server.stdout()).toContain("Fixture1");
    expect(server.stdout()).not.toContain("\u001b[");
    for (const file of ["demo.json", "admin.key", "encryption.key"]) {
      expect((await stat(path.join(data, file))).mode & 0o777).toBe(0o600);
    }
    await server.stop();

    const again = await start();
    expect(again.stdout()).not.toContain("fh_fixture");
    expect(await again.readJson("demo.json")).toEqual({
      ...demo,
      siteUrl: again.siteUrl,
      cloudUrl: again.cloudUrl,
    });
    const notes = await clientOf(again.cloudUrl).query("notes:list", { author: "bootstrap" });
    expect(notes).toHaveLength(1);
  }, 60_000);

  test("a demo whose file was deleted on purpose is not made again", async () => {
    expect((await startHere()).demo).toMatchObject({ apiKey: "fh_fixture" });
    await stopHere();
    await unlink(path.join(data, "demo.json"));
    expect((await startHere()).demo).toBeNull();
    expect(await readdir(data)).not.toContain("demo.json");
  }, 60_000);

  test("cut off between the making of the demo and its file, the next start completes it", async () => {
    const organizationId = (await startHere()).demo?.organizationId;
    await stopHere();
    await unlink(path.join(data, "demo.json"));
    await noteDemo("begun");
    const { demo, siteUrl, cloudUrl } = await startHere();
    expect(demo).toEqual({
      organizationId,
      apiKey: "fh_recovered",
      staff: {
        email: "owner@demo.example",
        password: "Fixture1",
        sessionToken: "fh_session_recovered",
      },
      siteUrl,
      cloudUrl,
    });
    expect(JSON.parse(await readFile(path.join(data, "demo.json"), "utf8"))).toEqual(demo);
  }, 60_000);

  test.each(["never begun", "begun and cut off"])(
    "where somebody founded an organization of their own no demo is made (%s)",
    async (before) => {
      await foundOwn(await startHere(false));
      await stopHere();
      if (before === "begun and cut off") await noteDemo("begun");
      for (let turn = 0; turn < 2; turn++) {
        expect((await startHere()).demo).toBeNull();
        expect(await readdir(data)).not.toContain("demo.json");
        await stopHere();
      }
    },
    60_000,
  );

  test("--no-demo makes none", async () => {
    await start(["--no-demo"]);
    expect(await readdir(data)).not.toContain("demo.json");
  });

  test(".env.local of the project is read, the process's environment wins", async () => {
    const functions = await projectIn(folder);
    await writeFile(path.join(folder, ".env.local"), 'A_VALUE="from the file"\nB_VALUE=file\n');
    const env = { B_VALUE: "process" };
    const server = await startServer({ data, functions, flags: ["--no-demo"], env });
    servers.push(server);
    const client = clientOf(server.cloudUrl);
    expect(await client.query("notes:environment", { name: "A_VALUE" })).toBe("from the file");
    expect(await client.query("notes:environment", { name: "B_VALUE" })).toBe("process");
  });
});

describe("the project", () => {
  test("external packages are left where they are, and see the functions' environment", async () => {
    const functions = await projectIn(folder);
    const kept = path.join(folder, "node_modules", "kept-outside");
    await mkdir(kept);
    await writeFile(path.join(kept, "package.json"), '{"name":"kept-outside","main":"main.js"}');
    await writeFile(
      path.join(kept, "main.js"),
      "module.exports = { where: __dirname, value: () => process.env.A_VALUE };",
    );
    await writeFile(
      path.join(folder, "convex.json"),
      '{"node":{"externalPackages":["kept-outside"]}}',
    );
    await writeFile(path.join(folder, ".env.local"), "A_VALUE=from the file\n");
    await writeFile(
      path.join(functions, "outside.ts"),
      `"use node";
      import { actionGeneric } from "convex/server";
      import kept from "kept-outside";
      export const look = actionGeneric(async () => [kept.where, kept.value()]);`,
    );
    const server = await start(["--no-demo"], functions);
    expect(await clientOf(server.cloudUrl).action("outside:look")).toEqual([kept, "from the file"]);
  });
});

describe("the end", () => {
  test("SIGTERM lets a request in flight finish, then exits with status 0 and leaves no pid file", async () => {
    const server = await start(["--no-demo"]);
    expect(await readdir(data)).toContain("server.pid");
    const waiting = fetch(`${server.siteUrl}/wait?key=last`);
    const keys = async (): Promise<string[]> =>
      (await (await fetch(`${server.siteUrl}/waiting`)).json()) as string[];
    await eventually(keys, (found) => found.includes("last"));
    // A second connection that is open before the end, to let the first one go.
    const release = holdOpen(`${server.siteUrl}/release`);
    await release.connected;
    const exit = server.stop();
    await refused(server.siteUrl);
    release.send("last");
    const response = await waiting;
    expect(await response.text()).toBe("released");
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(await readdir(data)).not.toContain("server.pid");
  }, 60_000);

  test("a server whose output nobody reads any more goes on, idles, and ends with status 0", async () => {
    const server = await start(["--no-demo"]);
    server.stopReading();
    await clientOf(server.cloudUrl).query("notes:log", {});
    // A line about a line that could not be written would keep it busy for ever.
    await eventually(
      () => secondsOfWorkInHalfASecond(server.pid),
      (seconds) => seconds <= 0.02,
    );
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test("SIGINT ends it the same way", async () => {
    const server = await start(["--no-demo"]);
    process.kill(server.pid, "SIGINT");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await readdir(data)).not.toContain("server.pid");
  });

  test("idle keep-alive connections do not hold it up", async () => {
    const server = await start(["--no-demo"]);
    await (await fetch(`${server.siteUrl}/waiting`)).json();
    const begun = performance.now();
    expect((await server.stop()).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

function holdOpen(url: string): { connected: Promise<void>; send(body: string): void } {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({
    start: (it) => {
      controller = it;
      it.enqueue(new Uint8Array());
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  const sent = fetch(url, init);
  sent.catch(() => undefined);
  return {
    connected: new Promise((resolve) => setImmediate(resolve)),
    send: (text) => {
      controller?.enqueue(new TextEncoder().encode(text));
      controller?.close();
    },
  };
}

/** Resolves when the server takes no new connections. */
async function refused(url: string): Promise<void> {
  await eventually(
    async () =>
      await fetch(url, { headers: { Connection: "close" } }).then(
        () => true,
        () => false,
      ),
    (answered) => !answered,
  );
}
