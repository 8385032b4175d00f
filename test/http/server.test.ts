import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf } from "../helpers/answer";
import { type Site, startSite } from "../helpers/site";
import { invoice } from "../invoicing/books";

let site: Site;

beforeAll(async () => {
  site = await startSite();
});
afterAll(async () => {
  await site.server.remove();
});

describe("the documentation", () => {
  test("page is HTML with a policy that lets in nothing from elsewhere", async () => {
    const page = await fetch(`${site.server.siteUrl}/api/v1/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Type")).toMatch(/^text\/html/);
    const policy = page.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/https?:|script-src[^;]*unsafe/);
  });

  test("everything that the page loads comes from this server, with its type", async () => {
    const html = await (await fetch(`${site.server.siteUrl}/api/v1/docs`)).text();
    const targets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !target.startsWith("data:"));
    expect(targets.length).toBeGreaterThanOrEqual(3);
    for (const target of targets) {
      expect(target).toMatch(/^\/api\/v1\/docs\/assets\//);
      const asset = await fetch(site.server.siteUrl + target);
      expect([target, asset.status]).toEqual([target, 200]);
      expect(asset.headers.get("Content-Type")).toMatch(
        target.endsWith(".css") ? /^text\/css/ : /^text\/javascript/,
      );
      expect(asset.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect((await asset.text()).length).toBeGreaterThan(50);
    }
  });

  test.each([
    "nothing.js",
    "..%2f..%2fpackage.json",
    "%2e%2e/package.json",
    "constructor",
    "__proto__",
  ])("asset %s is not there", async (name) => {
    const answer = await answerOf(await fetch(`${site.server.siteUrl}/api/v1/docs/assets/${name}`));
    expect(answer).toMatchObject({ status: 404, code: "ROUTE_NOT_FOUND" });
  });

  test("document names a server where the page's own origin serves the API", () => {
    const url = new URL(
      site.document.servers[0]?.url ?? "",
      `${site.server.siteUrl}/api/v1/openapi.json`,
    );
    expect(url.href.replace(/\/$/, "")).toBe(`${site.server.siteUrl}/api/v1`);
  });
});

test.each([
  "/health",
  "/health/live",
  "/health/ready",
  "/api/v1/health",
  "/api/v1/health/live",
  "/api/v1/health/ready",
])("%s is ok", async (path) => {
  const answer = await answerOf(await fetch(site.server.siteUrl + path));
  expect(answer).toMatchObject({ status: 200, body: { success: true, data: { status: "ok" } } });
});

test("without a provider the start says that no mail is sent, and what is kept says why", async () => {
  expect(site.server.stdout()).toContain("No mail is sent: RESEND_API_KEY or SMTP_URL is not set");
  const { body } = await site.request("POST", "/invoices", { body: invoice() });
  const sent = await site.request("POST", `/invoices/${body.data.id}/send`, {
    body: { to: "ada@x.test" },
  });
  expect(sent.status).toBe(200);
  const kept = await site.request("GET", "/notifications?channel=email");
  expect(kept.body.data).toMatchObject([
    {
      status: "queued",
      to: "ada@x.test",
      reason: "No e-mail provider is set up: RESEND_API_KEY or SMTP_URL.",
    },
  ]);
});

test("HEAD and OPTIONS work over the wire", async () => {
  const head = await site.request("HEAD", "/organization");
  expect([head.status, head.text, head.headers.get("ETag")]).toEqual([200, "", '"1"']);
  const options = await site.request("OPTIONS", "/organization", {
    token: null,
    headers: { Origin: "https://x.example" },
  });
  expect([options.status, options.headers.get("Access-Control-Allow-Origin")]).toEqual([204, "*"]);
});

test("a caller's address and agent stand in the log's trail, not the proxy's claim", async () => {
  const headers = { "X-Forwarded-For": "203.0.113.9", "User-Agent": "Test/1.0" };
  expect(
    (await site.request("POST", "/crm/contacts", { body: { lastName: "A" }, headers })).status,
  ).toBe(201);
});

describe("bodies over the wire", () => {
  test("above a mebibyte are 413, sent whole", async () => {
    const big = JSON.stringify({ lastName: "A", notes: "x".repeat(2 * 1024 * 1024) });
    expect((await site.request("POST", "/crm/contacts", { raw: big })).status).toBe(413);
  });

  test(
    "above a mebibyte, sent in chunks, are 413, and the connection is good for the next request",
    { timeout: 10_000 },
    async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const send = (method: string, chunks: string[]): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const headers = {
            Authorization: `Bearer ${site.demo.apiKey}`,
            "Content-Type": "application/json",
          };
          const outgoing = request(`${site.server.siteUrl}/api/v1/crm/contacts`, {
            method,
            headers,
            agent,
          });
          outgoing.on("response", (response) => {
            response.resume().on("end", () => {
              resolve(response.statusCode);
            });
          });
          outgoing.on("error", reject);
          for (const chunk of chunks) outgoing.write(chunk);
          outgoing.end();
        });
      const chunks = [
        '{"lastName":"A","notes":"',
        ...Array.from({ length: 32 }, () => "x".repeat(65_536)),
        '"}',
      ];
      expect(await send("POST", chunks)).toBe(413);
      for (let i = 0; i < 3; i++) expect(await send("GET", [])).toBe(200);
      agent.destroy();
    },
  );

  test("in chunks are read like whole ones", async () => {
    const response = await fetch(`${site.server.siteUrl}/api/v1/crm/contacts`, {
      method: "POST",
      headers: { Authorization: `Bearer ${site.demo.apiKey}`, "Content-Type": "application/json" },
      body: new Blob([JSON.stringify({ lastName: "Chunk" })]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(201);
  });

  test("with every kind of Unicode come back byte for byte", async () => {
    const notes = "Zoë 👩‍👩‍👧 日本 \u202e \ufeff \u2028 ﷺ e\u0301\r\n\t";
    const { body } = await site.request("POST", "/crm/contacts", {
      body: { lastName: "U", notes, customFields: { größe: notes } },
    });
    const shown = (await site.request("GET", `/crm/contacts/${body.contactId}`)).body;
    expect([shown.notes, shown.customFields]).toEqual([notes, { größe: notes }]);
  });
});

describe("what only a real host limits", () => {
  test("however often custom fields are added to a contact, there is never an internal error", async () => {
    for (let round = 0; round < 40; round++) {
      const body = { email: "full@x.test", customFields: { [`key ${round}`]: "x".repeat(32_000) } };
      const { status } = await site.request("POST", "/crm/contacts", { body });
      expect([round, status < 500]).toEqual([round, true]);
    }
  });

  test("however many tags are added to a contact, there is never an internal error", async () => {
    for (let round = 0; round < 170; round++) {
      const tags = Array.from({ length: 50 }, (_, i) => `t${round}-${i}`);
      const { status } = await site.request("POST", "/crm/contacts", {
        body: { email: "tags@x.test", tags },
      });
      expect([round, status < 500]).toEqual([round, true]);
    }
  });

  test.each([6 * 365, 100 * 365, 90_000_000])(
    "a key's expiry in %d days is kept or refused",
    async (days) => {
      const expiresAt = Date.now() + days * 86_400_000;
      const { status } = await site.request("POST", "/api-keys", {
        body: { name: "k", scopes: ["crm:read"], expiresAt },
      });
      expect(status).toBeLessThan(500);
    },
  );

  test("custom fields of 100 keys, 8 deep, are within a document's limits", async () => {
    const deep = (depth: number): unknown => (depth === 0 ? "x" : { a: deep(depth - 1) });
    const customFields = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${i}`, deep(8)]),
    );
    expect(
      (await site.request("POST", "/crm/contacts", { body: { lastName: "A", customFields } }))
        .status,
    ).toBe(201);
  });

  test.each(["a ".repeat(100), "x".repeat(200), "日本語 テキスト", "-", "\u202e"])(
    "a search for %j is only a text",
    async (search) => {
      const query = new URLSearchParams({ search }).toString();
      expect((await site.request("GET", `/crm/contacts?${query}`)).status).toBeLessThan(500);
    },
  );

  test("cursors that were never given out are refused", async () => {
    const seal = (list: string, position: string): string =>
      Buffer.from(JSON.stringify([list, position])).toString("base64url");
    for (const position of ["", "garbage", "-1", "{}", "[]", "null", "é"]) {
      for (const [path, list] of [
        ["/crm/contacts", JSON.stringify(["crm_contact", "-createdAt", null, {}])],
        ["/api-keys", "api-keys"],
      ] as const) {
        const answer = await site.request("GET", `${path}?cursor=${seal(list, position)}`);
        expect([path, position, answer.status]).toEqual([path, position, 400]);
      }
    }
  });
});
