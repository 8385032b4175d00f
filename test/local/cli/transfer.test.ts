/** `npx convex export` and `import`: what leaves one deployment arrives in another as it was. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openZip } from "../../../scripts/local/transfer/zip";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf, clientOf, FUNCTIONS } from "../runtime/fixture";
import { type Cli, cliOf } from "./cli";

let folder: string;
const servers: TestServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-transfer-"));
});
afterAll(async () => {
  for (const server of servers) await server.remove();
  await rm(folder, { recursive: true, force: true });
});

async function start(functions?: string): Promise<{ server: TestServer; cli: Cli }> {
  const server = await startServer({
    ...(functions === undefined ? {} : { functions }),
    flags: ["--no-demo"],
    env: { RATE_LIMIT_FACTOR: "1000" },
  });
  servers.push(server);
  return { server, cli: await cliOf(server) };
}

describe("one table", () => {
  let server: TestServer;
  let cli: Cli;
  beforeAll(async () => {
    ({ server, cli } = await start(FUNCTIONS));
  }, 60_000);

  async function imported(name: string, content: string, ...flags: string[]) {
    const file = path.join(folder, name);
    await writeFile(file, content);
    return await cli("import", "--table", "notes", file, ...flags);
  }
  async function notes(author: string): Promise<unknown> {
    return await clientOf(server.cloudUrl).query("notes:list", { author });
  }

  test("comes from CSV, JSON lines and a JSON array, and `data` shows it", async () => {
    expect(await imported("a.csv", "author,text,count\ncsv,one,1\ncsv,two,\n")).toMatchObject({
      code: 0,
    });
    const lines = '{"author":"jsonl","text":"one","count":2.5}\n{"author":"jsonl","text":"two"}\n';
    const appended = await imported("b.jsonl", lines, "--append");
    expect(appended).toMatchObject({ code: 0 });
    expect(appended.stderr).toContain("Added 2 documents");
    await imported("c.json", '[{"author":"json","text":"\\u2603"}]', "--append");
    expect(await notes("csv")).toMatchObject([{ text: "one", count: 1 }, { text: "two" }]);
    expect(await notes("jsonl")).toMatchObject([{ text: "one", count: 2.5 }, { text: "two" }]);
    expect(await notes("json")).toMatchObject([{ text: "\u2603" }]);

    expect((await cli("data")).stdout.split("\n")).toContain("notes");
    const shown = await cli("data", "notes", "--format", "jsonLines", "--order", "asc");
    expect(shown.stdout.trim().split("\n")).toHaveLength(5);
  }, 30_000);

  test("is refused where there is one already, and replaced on demand", async () => {
    await imported("d.jsonl", '{"author":"first","text":"x"}\n', "--replace", "-y");
    const refused = await imported("e.jsonl", '{"author":"second","text":"x"}\n');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("Table notes already exists");
    const replaced = await imported(
      "e.jsonl",
      '{"author":"second","text":"x"}\n',
      "--replace",
      "-y",
    );
    expect(replaced.stderr).toContain("1 of 1");
    expect(await notes("first")).toEqual([]);
    expect(await notes("second")).toHaveLength(1);
  }, 30_000);

  test("comes in whole or not at all: one row that does not match the schema leaves all as it was", async () => {
    await imported("f.jsonl", '{"author":"kept","text":"x"}\n', "--replace", "-y");
    const rows = '{"author":"good","text":"x"}\n{"author":"bad","text":7}\n';
    const refused = await imported("g.jsonl", rows, "--replace", "-y");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('Table "notes", row 2');
    expect(await notes("good")).toEqual([]);
    expect(await notes("kept")).toHaveLength(1);
  }, 30_000);

  test("comes in whole or not at all: so it does when the server is killed meanwhile", async () => {
    await imported("before.jsonl", '{"author":"before","text":"x"}\n', "--replace", "-y");
    const rows = '{"author":"after","text":"x"}\n'.repeat(20_000);
    await writeFile(path.join(folder, "after.jsonl"), rows);
    const file = path.join(folder, "after.jsonl");
    const importing = cli.start("import", "--table", "notes", file, "--replace", "-y");
    const store = path.join(server.data, "database/store/data.mdb");
    const size = async (): Promise<number> => (await stat(store)).size;
    const before = await size();
    // It has begun to write what it takes in, or it is done.
    await eventually(size, (now) => now > before + 2 ** 20);
    await server.kill();
    await importing.stop();

    server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], data: server.data });
    servers.push(server);
    cli = await cliOf(server);
    const shown = await cli("data", "notes", "--format", "jsonLines", "--limit", "8000");
    const authors = shown.stdout.trim().split("\n");
    const isAfter = authors.length > 1;
    expect(await notes("before")).toHaveLength(isAfter ? 0 : 1);
    expect(authors).toHaveLength(isAfter ? 8_000 : 1);
    expect(authors.filter((row) => row.includes('"after"'))).toHaveLength(isAfter ? 8_000 : 0);
    await imported("g.jsonl", '{"author":"next","text":"x"}\n', "--replace", "-y");
    expect(await notes("next")).toHaveLength(1);
  }, 60_000);

  test.each([
    ["h.jsonl", '{"author":\n', "Row 1 wasn't valid JSON"],
    ["i.csv", "author,text\na\n", "doesn't have all of the fields"],
    ["j.json", '{"author":"x"}', "Not a JSON array"],
    ["k.jsonl", '{"_id":"not an id","author":"a","text":"t"}\n', "is not an id of this table"],
  ])("that cannot be read is refused: %s", async (name, content, why) => {
    const { code, stderr } = await imported(name, content, "--append");
    expect(code).not.toBe(0);
    expect(stderr).toContain(why);
  });
});

type Answer = { data: Record<string, unknown>; contact?: { id: string } };

async function call(
  server: TestServer,
  key: string,
  route: string,
  body?: object,
): Promise<Answer> {
  const response = await fetch(`${server.siteUrl}/api/v1${route}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Answer;
  if (!response.ok) throw new Error(`${route}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

describe("a whole deployment", () => {
  test("moves: equal data, keys that still work, the next invoice number", async () => {
    const [from, to] = await Promise.all([start(), start()]);
    const owner = clientOf(from.server.cloudUrl, adminKeyOf(from.server.data));
    const made = (await owner.action("bootstrap", {
      organization: "Acme",
      email: "me@acme.example",
      name: "Me",
    })) as { apiKey: string };
    const key = made.apiKey;
    await call(from.server, key, "/crm/contacts", {
      firstName: "Ada",
      lastName: "Łovelace",
      email: "ada@example.com",
      subtype: "customer",
    });
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const invoice = {
      type: "b2c_single",
      issueDate: Date.UTC(2026, 10, 1),
      lineItems: [line],
      billTo: { name: "Ada" },
    };
    const first = await call(from.server, key, "/invoices", invoice);

    const file = path.join(folder, "snapshot.zip");
    expect(await from.cli("export", "--path", file)).toMatchObject({
      code: 0,
    });
    const names = await entriesOf(file);
    expect(names).toContain("_tables/documents.jsonl");
    expect(names).toContain("objects/generated_schema.jsonl");

    const imported = await to.cli("import", file, "--replace-all", "-y");
    expect(imported).toMatchObject({ code: 0 });
    for (const route of ["/crm/contacts", "/invoices", "/crm/contacts?search=ada"]) {
      const before = await call(from.server, key, route);
      const after = await call(to.server, key, route);
      expect({ ...after, meta: null }).toEqual({ ...before, meta: null });
      expect((after as unknown as { meta?: { total: number } }).meta?.total).toBe(
        (before as unknown as { meta?: { total: number } }).meta?.total,
      );
    }
    const numberOf = ({ data }: Answer) =>
      (data["customProperties"] as { invoiceNumber: string }).invoiceNumber;
    const next = await call(to.server, key, "/invoices", invoice);
    expect(numberOf(first)).toBe("INV-2026-11-001");
    expect(numberOf(next)).toBe("INV-2026-11-002");
  }, 90_000);
});

describe("files", () => {
  test("move with their rows, their bytes and their URLs, or stay behind", async () => {
    const [from, to] = await Promise.all([start(FUNCTIONS), start(FUNCTIONS)]);
    const client = clientOf(from.server.cloudUrl);
    const uploadUrl = (await client.mutation("files:uploadUrl")) as string;
    const stored = await fetch(uploadUrl, {
      method: "POST",
      headers: { "Content-Type": "text/plain" },
      body: "the bytes of a file",
    });
    const { storageId } = (await stored.json()) as { storageId: string };
    await client.mutation("notes:add", { author: "with a file", text: storageId });

    const whole = path.join(folder, "whole.zip");
    await from.cli("export", "--path", whole, "--include-file-storage");
    expect(await entriesOf(whole)).toEqual(
      expect.arrayContaining(["_storage/documents.jsonl", `_storage/${storageId}.txt`]),
    );
    const bare = path.join(folder, "bare.zip");
    await from.cli("export", "--path", bare);
    expect((await entriesOf(bare)).filter((name) => name.startsWith("_storage"))).toEqual([]);

    expect(await to.cli("import", whole)).toMatchObject({ code: 0 });
    const there = clientOf(to.server.cloudUrl);
    const args = { id: storageId };
    expect(await there.query("files:describe", args)).toEqual(
      await client.query("files:describe", args),
    );
    const [before, after] = (await Promise.all([
      client.query("files:url", args),
      there.query("files:url", args),
    ])) as [string, string];
    expect(new URL(after).pathname).toBe(new URL(before).pathname);
    expect(await (await fetch(after)).text()).toBe("the bytes of a file");

    // Once more over itself: the same files, none of them lost.
    expect(await to.cli("import", whole, "--replace-all", "-y")).toMatchObject({ code: 0 });
    expect(await (await fetch(after)).text()).toBe("the bytes of a file");
    expect(await there.query("notes:list", { author: "with a file" })).toHaveLength(1);
  }, 60_000);
});

async function entriesOf(file: string): Promise<string[]> {
  const zip = await openZip(file);
  zip.close();
  return [...zip.entries.keys()];
}
