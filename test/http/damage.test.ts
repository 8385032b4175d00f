/** A store that is damaged under a server, and the ways out of it. */
import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failToStart, startServer, type TestServer } from "../helpers/server";

let server: TestServer;
let authorization: string;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMIT_FACTOR: "1000" } });
  const demo = (await server.readJson("demo.json")) as { apiKey: string };
  authorization = `Bearer ${demo.apiKey}`;
}, 60_000);
afterAll(async () => {
  await server.remove();
});

const ask = async (route: string, body?: object): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${server.siteUrl}/api/v1${route}`, {
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
};
const countOf = ({ body }: { body: unknown }): number =>
  (body as { contacts: unknown[] }).contacts.length;
const storeFile = (): string => path.join(server.data, "database/store/data.mdb");

/** Overwrites, wherever it stands in the file, what a document begins with. */
async function damage(word: string): Promise<void> {
  const bytes = await readFile(storeFile());
  const file = await open(storeFile(), "r+");
  for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + 1)) {
    const begin = bytes.lastIndexOf('{"_', at) === -1 ? -1 : begins(bytes, at);
    if (begin !== -1) await file.write(Buffer.from("~~~~~"), 0, 5, begin - 5);
  }
  await file.close();
}

/** Where the document begins in whose text a word stands: the first brace behind its size. */
function begins(bytes: Buffer, at: number): number {
  for (let begin = at; begin > at - 4_000; begin--) {
    const size = bytes.subarray(begin - 5, begin).toString("latin1");
    if (bytes[begin] === 0x7b && /^0[0-9a-z]{4}$/.test(size)) return begin;
  }
  return -1;
}

test("a read that meets damage is 503, and what it does not meet is answered", async () => {
  const made = await ask("/crm/contacts", { firstName: "Damaged", lastName: "Rowwithoutasize" });
  expect(made.status).toBe(201);
  await ask("/crm/contacts", { firstName: "Whole" });
  const whole = countOf(await ask("/crm/contacts"));
  expect(whole).toBeGreaterThan(1);
  await damage("Rowwithoutasize");
  const list = await ask("/crm/contacts");
  expect(list).toMatchObject({
    status: 503,
    body: { error: { code: "SERVICE_UNAVAILABLE", details: null } },
  });
  expect((await ask("/organization")).status).toBe(200);
});

test("the next start says so in one line, and --repair keeps what can be read", async () => {
  await server.stop();
  const { data } = server;
  const refused = await failToStart({ data });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/^freehold: the store in .* is damaged: .*restore.*--repair\)\n$/);

  const launch = path.join(import.meta.dirname, "../../scripts/launch.js");
  const { stdout } = await promisify(execFile)(process.execPath, [
    launch,
    "--data",
    data,
    "--repair",
  ]);
  expect(stdout).toMatch(/^objects: \d+ kept, 1 lost$/m);
  expect((await readdir(data)).filter((name) => name.startsWith("database"))).toHaveLength(2);

  server = await startServer({ data, env: { RATE_LIMIT_FACTOR: "1000" } });
  const list = await ask("/crm/contacts");
  expect(list.status).toBe(200);
  expect(JSON.stringify(list.body)).not.toContain("Rowwithoutasize");
  expect((await ask("/crm/contacts", { firstName: "After" })).status).toBe(201);
}, 60_000);
