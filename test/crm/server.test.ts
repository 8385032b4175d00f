import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../helpers/server";
import type { Report } from "./bodies";

let server: TestServer;
let key: string;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMIT_FACTOR: "1000" } });
  key = await keyOf(server);
});

afterAll(async () => {
  await server.remove();
});

async function keyOf(running: TestServer): Promise<string> {
  return ((await running.readJson("demo.json")) as { apiKey: string }).apiKey;
}

async function call(path: string, init: RequestInit & { type?: string } = {}): Promise<Response> {
  const { type, ...rest } = init;
  const headers = { Authorization: `Bearer ${key}`, ...(type ? { "Content-Type": type } : {}) };
  return await fetch(`${server.siteUrl}/api/v1${path}`, { ...rest, headers });
}

async function reportOf(response: Response): Promise<Report> {
  return ((await response.json()) as { data: Report }).data;
}

const HEADER = "firstName,email,company";

/** In each hundred rows one has no address, and one repeats the header. */
function csv(rows: number, mark: string): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    if (i % 100 === 13) return `Row ${i},no address,c`;
    if (i % 100 === 57) return HEADER;
    return `Row ${i},${mark}${i}@x.test,"a, b"`;
  });
  return [HEADER, ...lines, ""].join("\r\n");
}

type ImportedRow = { row: number; status: string; id: string | null };

async function rowsOf(importId: string): Promise<ImportedRow[]> {
  const rows: ImportedRow[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor === "" ? "" : `?cursor=${cursor}`;
    const answer = await call(`/crm/contacts/imports/${importId}/rows${query}`);
    const page = (await answer.json()) as {
      data: ImportedRow[];
      meta: { nextCursor: string | null };
    };
    rows.push(...page.data);
    cursor = page.meta.nextCursor;
  }
  return rows;
}

async function total(): Promise<number> {
  const answer = await call("/crm/contacts?limit=1");
  return ((await answer.json()) as { total: number }).total;
}

test("an import that is killed again and again writes every row once", async () => {
  const before = await total();
  const rows = 1200;
  const body = csv(rows, "kill");
  const started = await reportOf(
    await call("/crm/contacts/import", { method: "POST", body, type: "text/csv" }),
  );
  expect(started).toMatchObject({ status: "running" });
  const path = `/crm/contacts/imports/${started.importId}`;
  let seen = started.rows;
  for (let kills = 0; kills < 2; kills++) {
    const moved = await eventually(
      async () => await reportOf(await call(path)),
      ({ rows: done, status }) => done > seen || status !== "running",
    );
    seen = moved.rows;
    await server.kill();
    server = await startServer({ data: server.data, env: { RATE_LIMIT_FACTOR: "1000" } });
  }
  const done = await eventually(
    async () => await reportOf(await call(path)),
    ({ status }) => status !== "running",
    60_000,
  );
  const bad = rows / 100;
  const created = rows - 2 * bad;
  const figures = { created, updated: 0, failed: bad, skipped: bad, unread: 0 };
  expect(done).toMatchObject({ status: "completed", rows, ...figures });
  expect(await total()).toBe(before + created);
  const told = await rowsOf(started.importId);
  expect(told.map(({ row }) => row)).toEqual(Array.from({ length: rows }, (_, i) => i + 1));
  expect(new Set(told.flatMap(({ id }) => (id === null ? [] : [id]))).size).toBe(created);
}, 180_000);

test("a JSON export of more than one page is sent as it is read, and is whole", async () => {
  const answer = await call("/crm/contacts/export?format=json");
  expect(answer.headers.get("Content-Length")).toBeNull();
  const body = (await answer.json()) as { data: { id: string }[]; meta: { nextCursor: unknown } };
  expect(body.data.length).toBe(await total());
  expect(new Set(body.data.map(({ id }) => id)).size).toBe(body.data.length);
  expect(body.meta.nextCursor).toBeNull();
});

test("tags come in the order of the index, also those beyond U+FFFF", async () => {
  const tags = ["z", "Ａ", "😀", "🙂 new"];
  const body = JSON.stringify({ firstName: "Ada", tags: tags.toReversed() });
  await call("/crm/contacts", { method: "POST", body, type: "application/json" });
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const answer = await call(`/crm/contacts/tags?limit=2${from}`);
    const page = (await answer.json()) as {
      data: { tag: string }[];
      meta: { nextCursor: string | null };
    };
    seen.push(...page.data.map(({ tag }) => tag));
    cursor = page.meta.nextCursor;
  }
  expect(seen.filter((tag) => tags.includes(tag))).toEqual(tags);
});

test("a body of 100 MB is refused before it has been read", async () => {
  const size = 100 * 1000 * 1000;
  const sent = await new Promise<{ status: number; written: number }>((resolve, reject) => {
    const outgoing = httpRequest(`${server.siteUrl}/api/v1/crm/contacts/import`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${key}`,
        "Content-Type": "text/csv",
        "Content-Length": size,
      },
    });
    outgoing.on("response", (response) => {
      resolve({ status: response.statusCode ?? 0, written: outgoing.socket?.bytesWritten ?? 0 });
      outgoing.destroy();
    });
    outgoing.on("error", reject);
    outgoing.write("firstName\n");
  });
  expect(sent.status).toBe(413);
  expect(sent.written).toBeLessThan(1_000_000);
});

test("a body above 16 MiB is PAYLOAD_TOO_LARGE, with its length or without", async () => {
  const chunk = new TextEncoder().encode("x".repeat(1024 * 1024));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 17; i++) controller.enqueue(chunk);
      controller.close();
    },
  });
  const streamed = { method: "POST", body, duplex: "half", type: "text/csv" };
  for (const init of [
    streamed,
    { method: "POST", body: "x".repeat(17 * 1024 * 1024), type: "text/csv" },
  ]) {
    const answer = await call("/crm/contacts/import", init);
    const { error } = (await answer.json()) as { error: { code: string; details: unknown } };
    expect([answer.status, error.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect(error.details).toEqual({ limitBytes: 16 * 1024 * 1024 });
  }
});
