import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { eventTypes } from "../../convex/ontology/eventTypes";
import { type Fixture, newBackend } from "../helpers/backend";

let home: Fixture;
beforeAll(async () => {
  home = await newBackend();
});
const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  await home.backend.fetch(path, { headers });

describe("GET /", () => {
  test("says as JSON where to go, and each place is there", async () => {
    const answer = await get("/");
    expect(answer.status).toBe(200);
    const { name, api, ...places } = (await answer.json()) as Record<string, string>;
    expect([name, api]).toEqual(["Freehold", "/api/v1"]);
    expect(Object.keys(places)).toEqual(["docs", "openapi", "errors", "health"]);
    for (const place of Object.values(places)) expect((await get(place)).status, place).toBe(200);
  });

  test("is a page for browsers, which loads nothing from elsewhere", async () => {
    const answer = await get("/", { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    expect(answer.headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    const page = await answer.text();
    const places = ["/api/v1/docs", "/api/v1/docs/errors", "/api/v1/openapi.json", "/health/ready"];
    for (const place of [...places, ".freehold"]) {
      expect(page).toContain(place);
    }
    expect(page).not.toMatch(/(src|href)="https?:/);
  });
});

describe("openapi.json", () => {
  test("is compressed for whoever takes that, and the same for others", async () => {
    const plain = await get("/api/v1/openapi.json");
    expect(plain.headers.get("Content-Encoding")).toBeNull();
    const gzip = await get("/api/v1/openapi.json", { "Accept-Encoding": "br, gzip;q=0.8" });
    expect(gzip.headers.get("Content-Encoding")).toBe("gzip");
    const [text, bytes] = [await plain.text(), Buffer.from(await gzip.arrayBuffer())];
    expect(gunzipSync(bytes).toString()).toBe(text);
    expect(bytes.length).toBeLessThan(text.length / 4);
    expect(gzip.headers.get("Vary")).toContain("Accept-Encoding");
  });

  test("is not sent again to whoever has it", async () => {
    const etag = (await get("/api/v1/openapi.json")).headers.get("ETag") ?? "";
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const answer = await get("/api/v1/openapi.json", { "If-None-Match": known });
      expect([answer.status, await answer.text()]).toEqual([304, ""]);
    }
    expect((await get("/api/v1/openapi.json", { "If-None-Match": '"other"' })).status).toBe(200);
  });

  test("describes what a webhook is sent, for every type of event", async () => {
    const document = (await (await get("/api/v1/openapi.json")).json()) as {
      webhooks: Record<string, unknown>;
    };
    expect(Object.keys(document.webhooks)).toEqual(eventTypes.map(({ type }) => type));
  });

  test("names the tenant's header where staff call, and the key's where a portal's server does", async () => {
    const document = (await (await get("/api/v1/openapi.json")).json()) as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string }[] }>>;
    };
    const headers = (path: string): string[] =>
      (document.paths[path]?.["get"]?.parameters ?? [])
        .filter((parameter) => parameter.in === "header")
        .map(({ name }) => name);
    expect(headers("/crm/contacts")).toContain("X-Tenant-Id");
    expect(headers("/tenants")).not.toContain("X-Tenant-Id");
    expect(headers("/invoices")).toContain("X-API-Key");
  });
});
