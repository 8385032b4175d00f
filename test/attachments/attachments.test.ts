/** Files on both stores, against a server process, with a real S3 store that checks signatures. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../helpers/server";
import { type Request, requester } from "../helpers/answer";
import { startBucket, type TestBucket } from "./bucket";

type Permission = {
  attachmentId: string;
  uploadUrl: string;
  method: string;
  headers: Record<string, string>;
  expiresAt: number;
};
type Link = { downloadUrl: string; expiresAt: number };
type Place = "bucket" | "deployment";

let bucket: TestBucket;
const servers: Partial<Record<Place, TestServer>> = {};
const requests: Partial<Record<Place, Request>> = {};

beforeAll(async () => {
  bucket = await startBucket();
  const env = { RATE_LIMIT_FACTOR: "100" };
  for (const place of ["bucket", "deployment"] as const) {
    const server = await startServer({ env: place === "bucket" ? { ...env, ...bucket.env } : env });
    servers[place] = server;
    const { apiKey } = (await server.readJson("demo.json")) as { apiKey: string };
    requests[place] = requester((at, init) => fetch(server.siteUrl + at, init), apiKey);
  }
}, 120_000);
afterAll(async () => {
  await Promise.all(Object.values(servers).map(async (server) => server.remove()));
  await bucket.close();
});

const sha256 = (bytes: string): string => createHash("sha256").update(bytes).digest("hex");
const TEXT = "Ten hours of work, agreed.";

describe.each(["bucket", "deployment"] as const)("in the %s", (place) => {
  const request: Request = async (...args) => {
    const send = requests[place];
    if (!send) throw new Error("The server has not started.");
    return await send(...args);
  };
  const permit = async (file: object = {}): Promise<Permission> => {
    const body = { fileName: "plan.txt", contentType: "text/plain", size: TEXT.length, ...file };
    const answer = await request("POST", "/attachments/presign", { body });
    expect(answer.status, answer.text).toBe(201);
    return answer.body.data as unknown as Permission;
  };
  /** Exactly as told; answers what `complete` must be told. */
  const upload = async (
    { uploadUrl, method, headers }: Permission,
    body = TEXT,
  ): Promise<{ storageId?: string }> => {
    const response = await fetch(uploadUrl, { method, headers, body });
    expect(response.status).toBe(200);
    return place === "bucket" ? {} : ((await response.json()) as { storageId: string });
  };
  const complete = async (attachmentId: string, more: object = {}): ReturnType<Request> =>
    await request("POST", "/attachments/complete", { body: { attachmentId, ...more } });
  const attach = async (file: object = {}, more: object = {}): Promise<string> => {
    const permission = await permit(file);
    const stored = await upload(permission);
    const answer = await complete(permission.attachmentId, { ...stored, ...more });
    expect(answer.status, answer.text).toBe(200);
    return permission.attachmentId;
  };
  const linkTo = async (id: string): Promise<Link> =>
    (await request("GET", `/attachments/${id}/presign`)).body.data as unknown as Link;
  const contact = async (): Promise<string> =>
    (await request("POST", "/crm/contacts", { body: { firstName: "Ada" } })).body.contactId;

  test("a file is uploaded, completed, listed with its owner, fetched, renamed and deleted", async () => {
    const ownerId = await contact();
    const id = await attach({ sha256: sha256(TEXT), fileName: "żółć 🚀.txt" }, { ownerId });
    const { body } = await request("GET", `/attachments?ownerId=${ownerId}`);
    expect(body.data).toMatchObject([
      {
        ...{ id, ownerId, fileName: "żółć 🚀.txt", storage: place, status: "ready" },
        ...{ contentType: "text/plain", size: TEXT.length, sha256: sha256(TEXT) },
      },
    ]);
    const { downloadUrl, expiresAt } = await linkTo(id);
    expect(Math.abs(expiresAt - Date.now() - 300_000)).toBeLessThan(60_000);
    const got = await fetch(downloadUrl);
    expect([got.status, await got.text()]).toEqual([200, TEXT]);
    expect(got.headers.get("Content-Type")).toBe("text/plain");
    expect(got.headers.get("Content-Disposition")).toMatch(
      /^attachment; filename="[\x20-\x7e]+"; filename\*=UTF-8''%C5%BC.*\.txt$/,
    );
    const part = await fetch(downloadUrl, { headers: { Range: "bytes=4-8" } });
    expect([part.status, await part.text()]).toEqual([206, TEXT.slice(4, 9)]);
    expect(part.headers.get("Content-Range")).toBe(`bytes 4-8/${TEXT.length}`);

    const change = { body: { fileName: "b.txt", ownerId: null } };
    const renamed = await request("PATCH", `/attachments/${id}`, change);
    expect(renamed.body.data).toMatchObject({ fileName: "b.txt", ownerId: null });
    expect((await request("DELETE", `/attachments/${id}`)).status).toBe(204);
    expect((await request("GET", `/attachments/${id}`)).code).toBe("ATTACHMENT_NOT_FOUND");
    await eventually(
      async () => (await fetch(downloadUrl)).status,
      (status) => status === 404,
    );
  });

  test.each([
    ["size", { size: TEXT.length + 1 }],
    ["contentType", { contentType: "image/png" }],
    ["sha256", { sha256: sha256("something else") }],
  ])("a file of another %s than announced is refused, and deleted", async (field, file) => {
    const permission = await permit(file);
    const headers = { ...permission.headers, "Content-Type": "text/plain" };
    const sent = await fetch(permission.uploadUrl, {
      method: permission.method,
      headers,
      body: TEXT,
    });
    if (place === "bucket" && field !== "sha256") {
      // The signature covers type and length: the store itself refuses.
      expect(sent.status).toBe(403);
      const answer = await complete(permission.attachmentId);
      expect([answer.code, answer.body.error.details]).toMatchObject([
        "CONFLICT",
        { reason: "missing" },
      ]);
      return;
    }
    const stored = place === "bucket" ? {} : ((await sent.json()) as object);
    const answer = await complete(permission.attachmentId, stored);
    expect([answer.status, answer.code]).toEqual([409, "CONFLICT"]);
    expect(answer.body.error.details).toMatchObject({ reason: "differs", differs: [field] });
    const again = await complete(permission.attachmentId, stored);
    expect(again.body.error.details).toMatchObject({ reason: "missing" });
  });

  test("of two completions at once one wins, and a stored file is claimed once", async () => {
    const permission = await permit();
    const stored = await upload(permission);
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => complete(permission.attachmentId, stored)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 409, 409, 409]);
    // Who came too late found it completed, or its file claimed already.
    for (const { status, code } of answers) {
      if (status === 409) expect(["INVALID_STATE", "CONFLICT"]).toContain(code);
    }
    const other = await permit();
    const stolen = await complete(other.attachmentId, stored);
    expect(stolen.code).toBe("CONFLICT");
    expect((await fetch((await linkTo(permission.attachmentId)).downloadUrl)).status).toBe(200);
  });

  test("a completion that is repeated under its key gets the first answer", async () => {
    const permission = await permit();
    const body = { attachmentId: permission.attachmentId, ...(await upload(permission)) };
    const options = { body, headers: { "Idempotency-Key": permission.attachmentId } };
    const first = await request("POST", "/attachments/complete", options);
    const second = await request("POST", "/attachments/complete", options);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.headers.get("Idempotency-Replayed")).toBe("true");
    expect(second.body.data).toEqual(first.body.data);
  });

  test("another key of the organization cannot complete it, and a reader cannot begin", async () => {
    const permission = await permit();
    const stored = await upload(permission);
    const keyOf = async (scopes: string[]): Promise<string> =>
      (await request("POST", "/api-keys", { body: { name: "k", scopes } })).body.data.key;
    const body = { attachmentId: permission.attachmentId, ...stored };
    const token = await keyOf(["attachments:write"]);
    const foreign = await request("POST", "/attachments/complete", { body, token });
    expect(foreign.code).toBe("FORBIDDEN");
    const reader = await keyOf(["attachments:read"]);
    const denied = await request("POST", "/attachments/complete", { body, token: reader });
    expect(denied.code).toBe("INSUFFICIENT_SCOPE");
    const stranger = await request("POST", "/attachments/complete", { body, token: null });
    expect(stranger.code).toBe("UNAUTHORIZED");
    expect((await complete(permission.attachmentId, stored)).status).toBe(200);
  });

  test("nothing that is missing, unknown or malformed completes", async () => {
    const { attachmentId } = await permit();
    const nothing = place === "bucket" ? {} : { storageId: "nonsense" };
    const missing = await complete(attachmentId, nothing);
    expect(missing.body.error.details).toMatchObject({ reason: "missing" });
    expect((await complete("nonsense")).code).toBe("ATTACHMENT_NOT_FOUND");
    expect((await request("GET", `/attachments/${attachmentId}/presign`)).code).toBe(
      "INVALID_STATE",
    );
    const odd = await complete(attachmentId, place === "bucket" ? { storageId: "x" } : {});
    expect(odd.paths).toEqual(["body.storageId"]);
    const permission = await permit();
    const stored = await upload(permission);
    const unowned = await complete(permission.attachmentId, { ...stored, ownerId: "nobody" });
    expect(unowned.code).toBe("OWNER_NOT_FOUND");
  });

  test("an upload survives the death of the server before its completion", async () => {
    const permission = await permit();
    const stored = await upload(permission);
    const before = servers[place];
    if (!before) throw new Error("The server has not started.");
    await before.kill();
    const env = { RATE_LIMIT_FACTOR: "100", ...(place === "bucket" ? bucket.env : {}) };
    const server = await startServer({ data: before.data, env });
    servers[place] = server;
    const { apiKey } = (await server.readJson("demo.json")) as { apiKey: string };
    requests[place] = requester((at, init) => fetch(server.siteUrl + at, init), apiKey);
    expect((await complete(permission.attachmentId, stored)).status).toBe(200);
    const { downloadUrl } = await linkTo(permission.attachmentId);
    expect(await (await fetch(downloadUrl)).text()).toBe(TEXT);
  }, 90_000);
});

test("an upload to the bucket holds for its own key, method and time alone", async () => {
  const send = requests.bucket;
  if (!send) throw new Error("The server has not started.");
  const body = { fileName: "a.txt", contentType: "text/plain", size: TEXT.length };
  const { uploadUrl, headers } = (await send("POST", "/attachments/presign", { body })).body
    .data as unknown as Permission;
  const statusOf = async (url: string, init: object): Promise<number> =>
    (await fetch(url, { method: "PUT", headers, body: TEXT, ...init })).status;
  expect(await statusOf(uploadUrl.replace(/\/[0-9a-f]{8}-/, "/00000000-"), {})).toBe(403);
  expect(await statusOf(uploadUrl, { method: "POST" })).toBe(403);
  expect(await statusOf(uploadUrl.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"), {})).toBe(
    403,
  );
  expect(await statusOf(uploadUrl, { headers: { ...headers, "If-None-Match": "x" } })).toBe(403);
  expect(await statusOf(uploadUrl, {})).toBe(200);
});

test("what is deleted leaves the bucket", async () => {
  const send = requests.bucket;
  if (!send) throw new Error("The server has not started.");
  const before = (await bucket.keys()).length;
  const body = { fileName: "a.txt", contentType: "text/plain", size: TEXT.length };
  const permission = (await send("POST", "/attachments/presign", { body })).body
    .data as unknown as Permission;
  await fetch(permission.uploadUrl, { method: "PUT", headers: permission.headers, body: TEXT });
  expect((await bucket.keys()).length).toBe(before + 1);
  // Also before its completion.
  await send("DELETE", `/attachments/${permission.attachmentId}`);
  await eventually(
    async () => (await bucket.keys()).length,
    (count) => count === before,
  );
});

test("a browser may upload to the deployment's storage, and ask for the permission to", async () => {
  const { deployment } = servers;
  const presign = `${deployment?.siteUrl}/api/v1/attachments/presign`;
  const body = { fileName: "plan.txt", contentType: "text/plain", size: TEXT.length };
  const permission = await requests.deployment?.("POST", "/attachments/presign", { body });
  const { uploadUrl, method } = permission?.body.data as unknown as Permission;
  const Origin = "https://portal.example";
  for (const [url, asked] of [
    [presign, "authorization,content-type"],
    [uploadUrl, "content-type"],
  ] as const) {
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        ...{ Origin, "Access-Control-Request-Method": method },
        "Access-Control-Request-Headers": asked,
      },
    });
    expect(preflight.status).toBeLessThan(300);
    const allowed = (name: string): string =>
      (preflight.headers.get(`access-control-allow-${name}`) ?? "").toLowerCase();
    expect([Origin, "*"]).toContain(allowed("origin"));
    expect(allowed("methods")).toContain("post");
    for (const header of asked.split(",")) expect(allowed("headers")).toContain(header);
  }
  const stored = await fetch(uploadUrl, {
    ...{ method, body: TEXT },
    headers: { Origin, "Content-Type": "text/plain" },
  });
  expect([Origin, "*"]).toContain(stored.headers.get("access-control-allow-origin"));
});

describe("an upload to the deployment's storage", () => {
  const permit = async (): Promise<Permission> => {
    const body = { fileName: "plan.txt", contentType: "text/plain", size: TEXT.length };
    const answer = await requests.deployment?.("POST", "/attachments/presign", { body });
    return answer?.body.data as unknown as Permission;
  };
  const send = async (
    { uploadUrl, method, headers }: Permission,
    body: BodyInit = TEXT,
  ): Promise<{ status: number; storageId?: string }> => {
    const duplex = "half" as const;
    const response = await fetch(uploadUrl, { ...{ method, headers, body, duplex } });
    return { ...((await response.json()) as object), status: response.status };
  };
  const complete = async (id: string, storageId: unknown): Promise<number> => {
    const body = { attachmentId: id, storageId };
    return (await requests.deployment?.("POST", "/attachments/complete", { body }))?.status ?? 0;
  };

  test("takes no byte more than was announced, whether announced again or not", async () => {
    const permission = await permit();
    expect((await send(permission, "x".repeat(TEXT.length + 1))).status).toBe(413);
    const unannounced = new Blob([TEXT, "x".repeat(2 ** 20)]).stream();
    expect((await send(permission, unannounced)).status).toBe(413);
    expect((await send(permission, "")).status).toBe(400);
    // What was refused has used nothing up.
    expect((await send(permission)).status).toBe(200);
  });

  test("takes one file", async () => {
    const permission = await permit();
    const statuses = await Promise.all([1, 2, 3].map(async () => (await send(permission)).status));
    expect(statuses.sort()).toEqual([200, 409, 409]);
    expect((await send(permission)).status).toBe(409);
  });

  test("is completed by the file that came through its own URL alone", async () => {
    const [one, other] = [await permit(), await permit()];
    const [stored, theirs] = [await send(one), await send(other)];
    expect(await complete(one.attachmentId, theirs.storageId)).toBe(409);
    expect(await complete(one.attachmentId, stored.storageId)).toBe(200);
    expect(await complete(other.attachmentId, theirs.storageId)).toBe(200);
  });

  test("is not permitted by a URL that was changed, nor by one for the download", async () => {
    const permission = await permit();
    const changed = permission.uploadUrl.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    expect((await send({ ...permission, uploadUrl: changed })).status).toBe(404);
    await complete(permission.attachmentId, (await send(permission)).storageId);
    const at = `/attachments/${permission.attachmentId}/presign`;
    const { downloadUrl } = (await requests.deployment?.("GET", at))?.body.data as unknown as Link;
    const uploadUrl = downloadUrl.replace("/files/", "/uploads/");
    expect((await send({ ...permission, uploadUrl })).status).toBe(404);
  });
});

test("a link to the deployment's storage is worth nothing when it is changed", async () => {
  const server = servers.deployment;
  const at = (token: string): string => `${server?.siteUrl}/api/v1/files/${token}`;
  for (const token of ["x", "a.b.c", `${"k".repeat(32)}.abcdefgh.${"0".repeat(64)}`]) {
    const answer = await fetch(at(token));
    expect(answer.status).toBe(404);
  }
});
