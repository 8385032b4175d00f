// @vitest-environment node
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LINK_ACTIONS } from "../../convex/accounts/links";
import { languageAsked } from "../../convex/kit/http/accountPages";
import { type Fixture, newBackend } from "../helpers/backend";

/** The pages that links of letters open: what they load, what they send, and when. */
const CHROMIUM = "/usr/bin/chromium";
const hasBrowser = existsSync(CHROMIUM);

let home: Fixture;

beforeAll(async () => {
  home = await newBackend();
});

test.each(LINK_ACTIONS)(
  "GET and HEAD of /account/%s change nothing, and nothing of it is kept",
  async (action) => {
    const stored = async (): Promise<number> =>
      await home.backend.run(async ({ db }) => (await db.query("oneTimeTokens").collect()).length);
    const before = await stored();
    for (const method of ["GET", "HEAD"]) {
      const answer = await home.backend.fetch(`/account/${action}?token=fh_1`, { method });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("Content-Type")).toBe("text/html; charset=UTF-8");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(answer.headers.get("Set-Cookie")).toBeNull();
    }
    expect(await stored()).toBe(before);
    const posted = await home.backend.fetch(`/account/${action}`, { method: "POST" });
    expect(posted.status).toBe(405);
  },
);

test("a page runs its own script alone, under a nonce of its own, and loads nothing", async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(async () => await home.backend.fetch("/account/reset-password")),
  );
  const policy = one?.headers.get("Content-Security-Policy") ?? "";
  expect(policy).not.toContain("unsafe");
  const [, nonce = ""] = /script-src 'nonce-([^']{24})';/.exec(policy) ?? [];
  expect(nonce).not.toBe("");
  expect(two?.headers.get("Content-Security-Policy")).not.toContain(nonce);
  const text = (await one?.text()) ?? "";
  expect(text.match(/<(script|style)\b[^>]*>/g)).toEqual([
    `<style nonce="${nonce}">`,
    `<script nonce="${nonce}">`,
  ]);
  expect(text).not.toMatch(/\s(?:on\w+|style)="|src="|https?:\/\//);
});

test.each([
  [undefined, "en"],
  ["de-AT,de;q=0.9,en;q=0.8", "de"],
  ["en-US,en;q=0.9,de;q=0.8", "en"],
  ["fr,de;q=0.5,en;q=0.4", "de"],
  ["fr", "en"],
  ["de;q=0", "en"],
  [";q=x,,de-", "de"],
])("Accept-Language %s is answered in %s", async (header, language) => {
  expect(languageAsked(header)).toBe(language);
  const headers = new Headers(header === undefined ? {} : { "Accept-Language": header });
  const answer = await home.backend.fetch("/account/unlock", { headers });
  expect(answer.headers.get("Content-Language")).toBe(language);
  expect(answer.headers.get("Vary")).toContain("Accept-Language");
  expect(await answer.text()).toContain(`<html lang="${language}">`);
});

type Asked = { path: string; body: unknown; referer: string | undefined };

/** The pages in a browser, from a server that has nothing but them and the answers of a test. */
test.skipIf(!hasBrowser)(
  "in a browser: nothing is sent before the click, and a refusal is told",
  async () => {
    const asked: Asked[] = [];
    const answers: { status: number; body: unknown }[] = [];
    const server = await serve(asked, answers);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    ends.push(
      () => browser.close(),
      async () => void server.close(),
    );
    const page = await newPage(browser);
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    await page.goto(`${site}/account/reset-password`);
    expect(await page.textContent("#missing")).toContain("missing");
    expect(await page.isVisible("#first")).toBe(false);

    await page.goto(`${site}/account/reset-password#token=fh_one_time_1`);
    await page.reload();
    expect(asked).toEqual([]);
    answers.push({
      status: 400,
      body: { error: { code: "VALIDATION_ERROR", message: "body.password: <b>too easy</b>" } },
    });
    await page.fill("#password", "pässwort 🔑");
    await page.click("#first button");
    await page.waitForSelector("#refused:visible");
    expect(await page.textContent("#refused")).toContain("body.password: <b>too easy</b>");
    answers.push({ status: 200, body: { data: null } });
    await page.click("#first button");
    await page.waitForSelector("#done:visible");
    const sent = { token: "fh_one_time_1", password: "pässwort 🔑" };
    const path = "/api/v1/auth/reset-password";
    expect(asked).toEqual([1, 2].map(() => ({ path, body: sent, referer: undefined })));
    expect(page.url()).toBe(`${site}/account/reset-password`);
    asked.length = 0;

    await page.goto(`${site}/account/verify-email#token=gone`);
    answers.push({ status: 410, body: { error: { code: "GONE", message: "Used up." } } });
    await page.click("#first button");
    await page.waitForSelector("#refused:visible");
    expect(await page.textContent("#refused")).toContain("Used up.Ask for a new letter");
    expect(await page.isVisible("#first")).toBe(false);
    asked.length = 0;

    await page.goto(`${site}/account/magic-link#token=fh_one_time_2`);
    const methods = ["totp", "recovery_code"];
    answers.push({ status: 200, body: { mfaRequired: true, mfaToken: "fh_mfa", methods } });
    await page.click("#first button");
    await page.waitForSelector("#second:visible");
    answers.push({ status: 200, body: { tokens: {} } });
    await page.fill("#code", "123 456");
    await page.click("#second button");
    await page.waitForSelector("#done:visible");
    expect(asked.map(({ path: to, body }) => [to, body])).toEqual([
      ["/api/v1/auth/session-exchange", { token: "fh_one_time_2" }],
      ["/api/v1/auth/mfa/verify", { mfaToken: "fh_mfa", code: "123456", cookie: true }],
    ]);
    expect(problems).toEqual([]);
  },
);

const ends: (() => Promise<void>)[] = [];
const problems: string[] = [];

afterAll(async () => {
  for (const end of ends) await end();
});

async function newPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ locale: "en-GB", viewport: { width: 360, height: 640 } });
  // What its own policy forbids is said here; the answers of the test are refusals, too.
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4/.test(message.text())) {
      problems.push(message.text());
    }
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  return page;
}

async function serve(
  asked: Asked[],
  answers: { status: number; body: unknown }[],
): Promise<Server> {
  const server = createServer((request, response) => {
    void (async () => {
      const { url = "/", method = "GET", headers } = request;
      if (method === "GET") {
        const page = await home.backend.fetch(url, { headers: { "Accept-Language": "en" } });
        response.writeHead(page.status, Object.fromEntries(page.headers)).end(await page.text());
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ path: url, body, referer: headers.referer });
      const answer = answers.shift() ?? { status: 500, body: {} };
      response.writeHead(answer.status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(answer.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
