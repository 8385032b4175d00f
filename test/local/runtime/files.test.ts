/** File storage over HTTP and from functions, against a server process. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { request as nodeRequest } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UPLOAD_TOKEN_MS, UploadTokens } from "../../../scripts/local/files/uploadTokens";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf, type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer({
    functions: FUNCTIONS,
    flags: ["--no-demo", "--max-file-mib", "3"],
  });
  client = clientOf(server.cloudUrl);
}, 60_000);
afterAll(async () => server.remove());

const sha256 = (text: string, encoding: "base64" | "hex" = "base64"): string =>
  createHash("sha256").update(text).digest(encoding);
const uploadUrl = async (): Promise<string> => (await client.mutation("files:uploadUrl")) as string;
const urlOf = async (id: string): Promise<string> =>
  (await client.query("files:url", { id })) as string;

/** The files that lie on disk. */
const onDisk = (): Promise<string[]> => readdir(path.join(server.data, "storage/files"));

async function post(body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(await uploadUrl(), { method: "POST", body, headers });
}

async function upload(body: string, type = "text/plain"): Promise<string> {
  const response = await post(body, { "Content-Type": type });
  expect(response.status).toBe(200);
  return ((await response.json()) as { storageId: string }).storageId;
}

async function refusalOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { code: string }).code];
}

describe("an upload", () => {
  test("is a file whose row says what it is", async () => {
    const text = "żółć 日本";
    const id = await upload(text, "text/plain; charset=utf-8");
    const { row, metadata } = (await client.query("files:describe", { id })) as {
      row: object;
      metadata: { storageId: string };
    };
    const size = Buffer.byteLength(text);
    const contentType = "text/plain; charset=utf-8";
    expect(row).toEqual({
      _id: id,
      _creationTime: expect.any(Number) as number,
      sha256: sha256(text),
      size,
      contentType,
    });
    expect(metadata).toEqual({
      storageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      sha256: sha256(text, "hex"),
      size,
      contentType,
    });
    // The older id is as good as the new one, and is the name in the URL.
    expect(await urlOf(metadata.storageId)).toBe(await urlOf(id));
    expect(await urlOf(id)).toBe(`${server.cloudUrl}/api/storage/${metadata.storageId}`);
  });

  test("may come through an action's URL, more than once, and from any origin", async () => {
    const url = (await client.action("files:uploadUrlInAction")) as string;
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: { Origin: "https://app.example", "Access-Control-Request-Headers": "digest" },
    });
    expect(preflight.headers.get("access-control-allow-headers")).toBe("digest");
    for (let time = 0; time < 2; time++) {
      const response = await fetch(url, {
        method: "POST",
        body: "again",
        headers: { Origin: "https://app.example" },
      });
      expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
      expect(response.status).toBe(200);
    }
  });

  test("of the same content many times at once gives as many files", async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => upload("the same")));
    expect(new Set(ids).size).toBe(12);
    await client.mutation("files:remove", { id: ids[0] ?? "" });
    for (const id of ids.slice(1)) {
      expect(await (await fetch(await urlOf(id))).text()).toBe("the same");
    }
  });

  test("without bytes or type is a file as well", async () => {
    const response = await post(new Uint8Array());
    const { storageId: id } = (await response.json()) as { storageId: string };
    expect(await client.query("files:describe", { id })).toMatchObject({
      row: { size: 0, contentType: null },
    });
    const got = await fetch(await urlOf(id), { headers: { Range: "bytes=0-10" } });
    expect([got.status, got.headers.get("content-length")]).toEqual([200, "0"]);
  });

  test("is held to the hash that it announces", async () => {
    expect((await post("text", { Digest: `sha-256=${sha256("text")}` })).status).toBe(200);
    const before = await onDisk();
    const wrong = await post("text", { Digest: `sha-256=${sha256("other")}` });
    expect(await refusalOf(wrong)).toEqual([400, "Sha256Mismatch"]);
    const odd = await post("text", { Digest: "md5=abc" });
    expect(await refusalOf(odd)).toEqual([400, "BadHeader"]);
    expect(await onDisk()).toEqual(before);
  });

  test("over the limit is refused, announced or not, and leaves nothing", async () => {
    const before = await onDisk();
    const large = Buffer.alloc(3 * 2 ** 20 + 1);
    const url = await uploadUrl();
    expect(await refusalOf(await post(large))).toEqual([413, "FileTooLarge"]);
    const status = await new Promise<number>((resolve, reject) => {
      const request = nodeRequest(url, { method: "POST" }, (response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
      });
      request.on("error", reject);
      // Chunked: the server learns the size as it comes.
      request.write(large.subarray(0, 2 ** 20));
      request.end(large);
    });
    expect(status).toBe(413);
    expect(await onDisk()).toEqual(before);
    expect((await post(large.subarray(1))).status).toBe(200);
  });

  test("that breaks off leaves nothing, and others undisturbed", async () => {
    const before = await onDisk();
    const url = await uploadUrl();
    const request = nodeRequest(url, { method: "POST", headers: { "Content-Length": 1_000_000 } });
    request.on("error", () => undefined);
    request.write("the beginning");
    await eventually(
      () => readdir(path.join(server.data, "storage/incoming")),
      (drafts) => drafts.length === 1,
    );
    const id = await upload("meanwhile");
    request.destroy();
    await eventually(
      () => readdir(path.join(server.data, "storage/incoming")),
      (drafts) => drafts.length === 0,
    );
    expect(await onDisk()).toEqual([...before, id].sort());
  });

  test("needs a token that this deployment has made in the last hour", async () => {
    const url = new URL(await uploadUrl());
    const token = url.searchParams.get("token") ?? "";
    const changed = (token.startsWith("0") ? "1" : "0") + token.slice(1);
    const foreign = new UploadTokens(Buffer.alloc(32)).issue(Date.now());
    for (const forged of ["", "x", changed, token.slice(2), foreign]) {
      url.searchParams.set("token", forged);
      const response = await fetch(url, { method: "POST", body: "x" });
      expect(await refusalOf(response)).toEqual([401, "StorageTokenInvalid"]);
    }
  });

  test("comes too late after that hour", async () => {
    const key = (await readFile(path.join(server.data, "upload.key"), "utf8")).trim();
    const tokens = new UploadTokens(Buffer.from(key, "base64url"));
    const answerTo = async (token: string): Promise<Response> =>
      await fetch(`${server.cloudUrl}/api/storage/upload?token=${token}`, { method: "POST" });
    const old = await answerTo(tokens.issue(Date.now() - UPLOAD_TOKEN_MS));
    expect(await refusalOf(old)).toEqual([401, "StorageTokenExpired"]);
    expect((await answerTo(tokens.issue(Date.now() - UPLOAD_TOKEN_MS + 60_000))).status).toBe(200);
  });

  test("is a POST", async () => {
    const response = await fetch(await uploadUrl());
    expect(await refusalOf(response)).toEqual([405, "MethodNotAllowed"]);
    expect(response.headers.get("allow")).toBe("POST");
  });
});

describe("a download", () => {
  const TEXT = "0123456789";
  let url: string;
  beforeAll(async () => {
    url = await urlOf(await upload(TEXT));
  });

  test("is the file with its type, size and hash", async () => {
    const response = await fetch(url);
    expect(await response.text()).toBe(TEXT);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/plain",
      "content-length": "10",
      "content-disposition": "inline",
      "x-content-type-options": "nosniff",
      "cache-control": "private, max-age=2592000",
      "accept-ranges": "bytes",
      digest: `sha-256=${sha256(TEXT)}`,
      etag: `"${sha256(TEXT, "hex")}"`,
    });
  });

  test("by HEAD has no body, and is not sent again to who has it", async () => {
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
    const etag = head.headers.get("etag") ?? "";
    expect((await fetch(url, { headers: { "If-None-Match": `"x", ${etag}` } })).status).toBe(304);
    expect((await fetch(url, { headers: { "If-None-Match": '"x"' } })).status).toBe(200);
  });

  test.each([
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=8-100", "89", "bytes 8-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-100", "0123456789", "bytes 0-9/10"],
  ])("of %s is that part", async (range, part, contentRange) => {
    const response = await fetch(url, { headers: { Range: range } });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(await response.text()).toBe(part);
  });

  test.each(["bytes=10-", "bytes=-0", "bytes=0-1,3-4"])("of %s is refused", async (range) => {
    const response = await fetch(url, { headers: { Range: range } });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */10");
  });

  test.each(["bytes=4-2", "bytes=-", "bytes=x", "lines=1-2"])("of %s is whole", async (range) => {
    expect(await (await fetch(url, { headers: { Range: range } })).text()).toBe(TEXT);
  });

  test("goes on only with the file that was begun", async () => {
    const headers = { Range: "bytes=5-", "If-Range": `"${sha256("other", "hex")}"` };
    expect((await fetch(url, { headers })).status).toBe(200);
    headers["If-Range"] = `"${sha256(TEXT, "hex")}"`;
    expect((await fetch(url, { headers })).status).toBe(206);
  });

  test.each(["text/html", "image/svg+xml", "application/xhtml+xml", "TEXT/HTML; charset=utf-8"])(
    "of %s never opens as a page",
    async (type) => {
      const response = await fetch(await urlOf(await upload("<script>1</script>", type)));
      expect(response.headers.get("content-disposition")).toBe("attachment");
      expect(response.headers.get("content-security-policy")).toContain("sandbox");
    },
  );

  test("needs the file's name: neither its id nor a path will do", async () => {
    const id = await upload("secret");
    const unknown = "00000000-0000-4000-8000-000000000000";
    for (const name of [id, unknown, "", "upload/x", "..%2f..%2fadmin.key", `${unknown}/`]) {
      const response = await fetch(`${server.cloudUrl}/api/storage/${name}`);
      expect(await refusalOf(response)).toEqual([404, "FileNotFound"]);
    }
  });
});

describe("functions", () => {
  test("store and read files in actions of either runtime", async () => {
    const id = (await client.action("files:store", { text: "żółć", type: "text/csv" })) as string;
    expect(await client.action("files:read", { id })).toEqual({
      text: "żółć",
      type: "text/csv",
      size: 8,
    });
    const stored = await client.action("nodeActions:storeText", { text: "日本", type: "text/css" });
    expect(stored).toMatchObject({ text: "日本", type: "text/css" });
    expect(await (await fetch((stored as { url: string }).url)).text()).toBe("日本");
  });

  test("may say which hash a file must have", async () => {
    for (const encoding of ["base64", "hex"] as const) {
      await client.action("files:store", { text: "text", sha256: sha256("text", encoding) });
    }
    const before = await onDisk();
    await rejectionOf(client.action("files:store", { text: "text", sha256: sha256("other") }));
    await rejectionOf(client.action("files:store", { text: "text", sha256: "short" }));
    expect(await onDisk()).toEqual(before);
  });

  test("delete a file for good, row, bytes and URL", async () => {
    const ways = [
      (id: string) => client.mutation("files:remove", { id }),
      (id: string) => client.action("files:removeInAction", { id }),
    ];
    for (const remove of ways) {
      const id = await upload("to go");
      const url = await urlOf(id);
      await remove(id);
      expect(await urlOf(id)).toBeNull();
      expect(await client.action("files:read", { id })).toBeNull();
      expect((await fetch(url)).status).toBe(404);
      await eventually(onDisk, (files) => !files.includes(id));
      await rejectionOf(remove(id));
    }
  });

  test("that fail after a deletion have deleted nothing", async () => {
    const id = await upload("stays");
    await rejectionOf(client.mutation("files:removeThenThrow", { id }));
    expect(await (await fetch(await urlOf(id))).text()).toBe("stays");
  });

  test("store files in mutations that are there if the mutation is", async () => {
    const before = await onDisk();
    const id = (await client.mutation("files:storeInMutation", { text: "in" })) as string;
    expect(await client.action("files:read", { id })).toMatchObject({ text: "in" });
    await rejectionOf(client.mutation("files:storeInMutation", { text: "out", fail: true }));
    const admin = clientOf(server.cloudUrl, adminKeyOf(server.data));
    const kept = (await admin.mutation("files:storeNested")) as string;
    await eventually(onDisk, (files) => files.length === before.length + 2);
    expect(await client.action("files:read", { id: kept })).toMatchObject({ text: "kept" });
  });

  test("keep to the limits of a transaction", async () => {
    const before = await onDisk();
    expect(await client.mutation("files:storeMany", { count: 10 })).toMatchObject({
      filesWritten: { used: 10, remaining: 0 },
      fileWriteBytes: { used: 10 },
    });
    await rejectionOf(client.mutation("files:storeMany", { count: 11 }));
    await eventually(onDisk, (files) => files.length === before.length + 10);
  });

  test("are told when an id can be no file's", async () => {
    const note = (await client.mutation("notes:add", { author: "a", text: "b" })) as string;
    for (const id of ["nonsense", note]) await rejectionOf(client.query("files:url", { id }));
    await eventually(
      () => server.logs().map((line) => String(line["message"])),
      (messages) =>
        messages.filter((message) => message.includes("Invalid storage ID")).length >= 2,
    );
    expect(await urlOf("00000000-0000-4000-8000-000000000000")).toBeNull();
  });
});
