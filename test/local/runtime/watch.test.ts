/** `npm start -- --watch`: a save is served within a moment, and a broken one never is. */
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { LiveClient } from "../live/client";
import { type Client, clientOf, projectIn } from "./fixture";

let folder: string;
let functions: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-watch-"));
  functions = await projectIn(folder);
  const data = path.join(folder, "data");
  server = await startServer({ functions, data, flags: ["--no-demo", "--watch"] });
  client = clientOf(server.cloudUrl);
}, 60_000);
afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

const fileOf = (name: string): string => path.join(functions, name);
/** As many editors save: the new file takes the place of the old one. */
async function save(name: string, text: string): Promise<void> {
  await writeFile(path.join(folder, "unsaved"), text);
  await rename(path.join(folder, "unsaved"), fileOf(name));
}
async function change(name: string, from: string, to: string): Promise<() => Promise<void>> {
  const before = await readFile(fileOf(name), "utf8");
  expect(before).toContain(from);
  await save(name, before.replace(from, to));
  return () => save(name, before);
}

const greeting = (text: string): string => `
import { queryGeneric } from "convex/server";
export const greet = queryGeneric({ args: {}, handler: async () => ${JSON.stringify(text)} });
`;
const greet = (): Promise<unknown> =>
  client.query("greeting:greet").catch((error: unknown) => String(error));
const says = (text: string): Promise<unknown> => eventually(greet, (said) => said === text);
const messages = (): string[] => server.logs().map((line) => String(line["message"]));
const refusals = (): string[] => messages().filter((message) => message.startsWith("Not reloaded"));

/** What the next refused save is refused for. */
async function refusalOf(saving: () => Promise<unknown>): Promise<string> {
  const before = refusals().length;
  await saving();
  const found = await eventually(refusals, (all) => all.length > before);
  return found.at(-1) ?? "";
}

describe("a save", () => {
  test("of a new file, of a change and of its removal is served", async () => {
    await save("greeting.ts", greeting("hello"));
    await says("hello");
    await save("greeting.ts", greeting("good evening"));
    await says("good evening");
    await save("greeting.ts", greeting("hello"));
    await says("hello");
    await rm(fileOf("greeting.ts"));
    await eventually(greet, (said) => String(said).includes("Could not find public function"));
    await save("greeting.ts", greeting("hello"));
    await says("hello");
  });

  test("reaches live queries: they run again on the new code", async () => {
    const live = new LiveClient(server.cloudUrl);
    const heard = live.subscribe<string>("greeting:greet");
    await heard.until((said) => said === "hello");
    await save("greeting.ts", greeting("live"));
    await heard.until((said) => said === "live");
    await save("greeting.ts", greeting("hello"));
    await heard.until((said) => said === "hello");
    await live.close();
  });

  test("of a route is served by the next request, and its removal is too", async () => {
    const get = async (): Promise<string> => {
      const response = await fetch(`${server.siteUrl}/saved`);
      return `${response.status} ${await response.text()}`;
    };
    const route = (text: string): string =>
      `http.route({ path: "/saved", method: "GET", handler: httpActionGeneric(async () => new Response("${text}")) });\nexport default`;
    expect(await get()).toMatch(/^404 /);
    const undo = await change("http.ts", "export default", route("first"));
    await eventually(get, (answer) => answer === "200 first");
    const undoSecond = await change("http.ts", '"first"', '"second"');
    await eventually(get, (answer) => answer === "200 second");
    await undoSecond();
    await undo();
    await eventually(get, (answer) => answer.startsWith("404 "));
  });

  test("says how long it took", () => {
    const durations = messages().filter((message) => /^Reloaded .* in \d+ ms$/.test(message));
    expect(durations.length).toBeGreaterThanOrEqual(4);
  });

  test("reaches Node actions; those under way end on what they began with", async () => {
    const slow = client.action("nodeActions:wait", { ms: 1_500 });
    const undo = await change("nodeActions.ts", 'return "waited"', 'return "waited anew"');
    await eventually(
      () => client.action("nodeActions:wait", { ms: 1 }),
      (result) => result === "waited anew",
    );
    expect(await slow).toBe("waited");
    await undo();
    await eventually(
      () => client.action("nodeActions:wait", { ms: 1 }),
      (result) => result === "waited",
    );
  });

  test("of a schema builds its indexes and enforces its validators", async () => {
    await client.mutation("notes:add", { author: "ann", text: "kept" });
    const undo = await change(
      "schema.ts",
      '.index("by_author", ["author"])',
      '.index("by_text", ["text"]).index("by_author", ["author"])',
    );
    await save(
      "byText.ts",
      `
import { queryGeneric } from "convex/server";
export const count = queryGeneric({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("notes").withIndex("by_text", (q) => q.eq("text", "kept")).collect()).length,
});
`,
    );
    await eventually(
      () => client.query("byText:count").catch(() => null),
      (count) => count === 1,
    );
    await rm(fileOf("byText.ts"));
    await undo();
    await eventually(
      () => client.query("byText:count").catch(() => null),
      (count) => count === null,
    );
  });

  test("of .env.local reaches functions, also before it is there and when it goes", async () => {
    const value = (): Promise<unknown> =>
      client.query("notes:environment", { name: "OF_THE_FILE" });
    expect(await value()).toBe(null);
    const file = path.join(path.dirname(functions), ".env.local");
    await writeFile(file, "OF_THE_FILE=first\n");
    await eventually(value, (found) => found === "first");
    await writeFile(file, "OF_THE_FILE=second\n");
    await eventually(value, (found) => found === "second");
    await rm(file);
    await eventually(value, (found) => found === null);
  });

  test("of crons starts and ends their jobs", async () => {
    const count = (): Promise<unknown> => client.query("ticks:count", { source: "watched" });
    const undo = await change(
      "crons.ts",
      "export default",
      'crons.interval("watched", { seconds: 3600 }, tick, { source: "watched" });\nexport default',
    );
    await eventually(count, (ticks) => ticks === 1);
    await undo();
  });
});

describe("a broken save", () => {
  test.each([
    ["does not parse", "export const x = ;\n", /convex\/broken\.ts:1:18: Unexpected ";"/],
    [
      "imports what is not there",
      'import "./nowhere";\nexport {};\n',
      /convex\/broken\.ts:1:\d+: Could not resolve "\.\/nowhere"/,
    ],
    [
      "throws while it is loaded",
      '\nexport const x = 1;\nthrow new Error("not today");\n',
      /convex\/broken\.ts:3: failed to load: not today/,
    ],
  ])(
    "that %s is named by file and line, and the last good code runs on",
    async (_what, text, why) => {
      const refusal = await refusalOf(() => save("broken.ts", text));
      expect(refusal).toMatch(why);
      expect(refusal).toMatch(/^Not reloaded, the last good code runs on: /);
      await says("hello");
      await rm(fileOf("broken.ts"));
      await save("greeting.ts", greeting("hello after all"));
      await says("hello after all");
      await save("greeting.ts", greeting("hello"));
      await says("hello");
    },
  );

  test("that throws what has no place is laid on no file", async () => {
    const refusal = await refusalOf(() =>
      save("broken.ts", 'export const x = 1;\nthrow "nowhere";\n'),
    );
    expect(refusal).toMatch(/: convex: failed to load: nowhere$/);
    await rm(fileOf("broken.ts"));
    await says("hello");
  });

  test("whose schema the documents violate changes nothing, not even the indexes", async () => {
    await client.mutation("notes:add", { author: "bob", text: "no number" });
    let undo = (): Promise<void> => Promise.resolve();
    const refusal = await refusalOf(async () => {
      undo = await change("schema.ts", "text: v.string()", "text: v.number()");
    });
    expect(refusal).toMatch(
      /schema: Document with ID "\w+" in table "notes" does not match the schema/,
    );
    expect(await client.mutation("notes:add", { author: "bob", text: "still text" })).toBeTruthy();
    expect(await client.query("notes:list", { author: "bob" })).toHaveLength(2);
    await undo();
    await eventually(messages, (all) => all.at(-1) === "Saved is again what runs");
  });

  test("whose cron names no function is refused whole", async () => {
    let undo = (): Promise<void> => Promise.resolve();
    const refusal = await refusalOf(async () => {
      undo = await change("crons.ts", '"ticks:tick"', '"ticks:nothing"');
    });
    expect(refusal).toContain('crons: "daily tick" runs ticks:nothing');
    await undo();
    await says("hello");
  });

  test("mends itself at the next good one, and the server ends cleanly", async () => {
    await refusalOf(() => save("broken.ts", "export const x = (;\n"));
    await save("broken.ts", greeting("mended"));
    await eventually(
      () => client.query("broken:greet").catch(() => null),
      (said) => said === "mended",
    );
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});
