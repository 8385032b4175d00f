/** `ConvexReactClient` with React in a real browser; skipped where there is no chromium. */
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import { FUNCTIONS } from "./client";

const CHROMIUM = "/usr/bin/chromium";
const APP = fileURLToPath(new URL("./page/app.tsx", import.meta.url));
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-dev-shm-usage",
];

describe.skipIf(!existsSync(CHROMIUM))("the React client in Chromium", () => {
  let server: TestServer;
  let site: Server;
  let browser: Browser;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
    const http = clientOf(server.cloudUrl);
    await http.mutation("items:addMany", { list: "pages", from: 0, count: 14, text: "" });
    site = await serve(await bundle());
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await browser.newPage();
    errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    const { port } = site.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?deployment=${server.cloudUrl}`);
  });
  afterAll(async () => {
    await browser.close();
    site.close();
    await server.remove();
  });

  test("an optimistic addition shows at once and stays, without flicker", async () => {
    await page.waitForFunction(() => window.shown.list.length > 0);
    for (let count = 1; count <= 8; count++) {
      await page.click("#add");
      await page.waitForFunction((n) => document.querySelectorAll("#list li").length === n, count);
    }
    const all = Array.from({ length: 8 }, (_, i) => `text ${i}`);
    const http = clientOf(server.cloudUrl);
    await eventually(
      () => http.query("items:list", { list: "react" }),
      (texts) => (texts as string[]).length === 8,
    );
    const shown = await page.evaluate(() => window.shown.list);
    // Each state is the one before, or one text more: nothing ever went away or came twice.
    for (const [i, texts] of shown.entries()) {
      expect(texts).toEqual(all.slice(0, texts.length));
      expect(texts.length).toBeGreaterThanOrEqual(shown[i - 1]?.length ?? 0);
    }
    expect(shown.at(-1)).toEqual(all);
  });

  test("pages have no gap and no repeat while rows come in between", async () => {
    const http = clientOf(server.cloudUrl);
    const added: number[] = [];
    const add = async (n: number): Promise<void> => {
      added.push(n);
      await http.mutation("items:add", { list: "pages", n, text: "later" });
    };
    const count = async (): Promise<number> => await page.locator("#pages li").count();
    await eventually(count, (n) => n === 5);
    await add(4.5);
    await add(-1);
    await eventually(count, (n) => n >= 6);
    for (let turn = 0; turn < 6 && (await status()) !== "Exhausted"; turn++) {
      await page.click("#more");
      await add(turn + 0.25);
      await eventually(status, (now) => now === "CanLoadMore" || now === "Exhausted");
    }
    await eventually(count, (n) => n === 14 + added.length);
    const later = new Set(added);
    for (const numbers of await page.evaluate(() => window.shown.pages)) {
      expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(numbers);
      const first = numbers.filter((n) => !later.has(n));
      expect(first).toEqual(first.map((_, i) => i));
    }
  });

  test("the page goes on after the server was killed and started again", async () => {
    const { data } = server;
    const port = new URL(server.cloudUrl).port;
    await server.kill();
    const flags = ["--no-demo", "--cloud-port", port];
    server = await startServer({ data, functions: FUNCTIONS, flags });
    await clientOf(server.cloudUrl).mutation("items:append", { list: "react", text: "text 8" });
    await eventually(
      async () => await page.locator("#list li").count(),
      (n) => n === 9,
    );
    expect(errors).toEqual([]);
  });

  async function status(): Promise<string> {
    return (await page.textContent("#status")) ?? "";
  }
});

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [APP],
    bundle: true,
    write: false,
    format: "iife",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

async function serve(script: string): Promise<Server> {
  const html = '<!doctype html><div id="root"></div><script src="/app.js"></script>';
  const server = createServer((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
