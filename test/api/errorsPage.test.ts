import { beforeAll, expect, test, vi } from "vitest";
import { errorGuide } from "../../convex/kit/errorGuide";
import { ERROR_CODES } from "../../convex/kit/errors";
import { type Fixture, newBackend } from "../helpers/backend";

let home: Fixture;

beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  home = await newBackend();
});

const docsOf = (body: unknown): string => (body as { error: { docs: string } }).error.docs;

test.each<[string, string, string, object, string]>([
  ["validation", "POST", "/crm/contacts", { body: { firstName: 5 } }, "VALIDATION_ERROR"],
  ["no JSON", "POST", "/crm/contacts", { raw: "{" }, "INVALID_JSON"],
  ["no credential", "GET", "/crm/contacts", { token: null }, "UNAUTHORIZED"],
  ["nothing there", "GET", "/crm/contacts/k57none", {}, "CONTACT_NOT_FOUND"],
  ["no such key", "DELETE", "/api-keys/none", {}, "API_KEY_NOT_FOUND"],
  ["no such path", "GET", "/nowhere", {}, "ROUTE_NOT_FOUND"],
  ["another method", "PUT", "/crm/contacts", {}, "METHOD_NOT_ALLOWED"],
  ["no signature", "POST", "/webhooks/payments/generic/none", { raw: "{}" }, "INVALID_SIGNATURE"],
])("%s: the answer links to its section, which is there", async (_name, method, at, sent, code) => {
  const answer = await home.request(method, at, sent);
  expect(answer.code).toBe(code);
  const address = new URL(docsOf(answer.body));
  expect([address.pathname, address.hash]).toEqual(["/api/v1/docs/errors", `#${code}`]);
  const page = await (await home.backend.fetch(address.pathname)).text();
  expect(page).toContain(`id="${code}"`);
});

test("the link is of the deployment's own address, whatever name a request came under", async () => {
  vi.stubEnv("CONVEX_SITE_URL", "https://api.studio.example");
  const answer = await home.request("GET", "/nowhere", { headers: { Host: "evil.example" } });
  expect(docsOf(answer.body)).toBe("https://api.studio.example/api/v1/docs/errors#ROUTE_NOT_FOUND");
});

test("the page has a section for every code, loads nothing, and shows no raw markup", async () => {
  const answer = await home.backend.fetch("/api/v1/docs/errors");
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  const text = await answer.text();
  for (const [code, [status]] of Object.entries(ERROR_CODES)) {
    expect(text).toMatch(new RegExp(`id="${code}">\\s*<h2>${code} <small>${status}<`));
  }
  expect(text).toContain("&lt;RESOURCE&gt;_NOT_FOUND");
  expect(text).not.toMatch(/`|<RESOURCE>|(src|href)="https?:|<script/);
});

test("every code says what to do", () => {
  for (const { code, remedy } of errorGuide)
    expect([code, remedy.length > 15]).toEqual([code, true]);
});
