/** `npx convex run`, `env` and `logs` against the embedded deployment. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { clientOf, FUNCTIONS } from "../runtime/fixture";
import { type Cli, cliOf } from "./cli";

let server: TestServer;
let cli: Cli;

beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
  cli = await cliOf(server);
}, 60_000);
afterAll(async () => {
  await server.remove();
});

describe.concurrent("convex run", () => {
  test("runs a public mutation and prints its result", async () => {
    const added = await cli("run", "notes:add", '{ author: "cli", text: "one" }');
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout.trim()).toMatch(/^"[0-9a-z]{32}"$/);
  });

  test("runs an internal function", async () => {
    expect((await cli("run", "notes:secret")).stdout).toBe('"for admins"\n');
  });

  test("shows what the function threw", async () => {
    const { code, stderr } = await cli("run", "notes:addAndFail", '{ author: "a", code: "no" }');
    expect(code).not.toBe(0);
    expect(stderr).toContain("ConvexError");
  });

  test("with a wrong key is refused", async () => {
    const stranger = await cliOf(server, "local-freehold|wrong");
    const { code, stderr } = await stranger("run", "notes:secret");
    expect(code).not.toBe(0);
    expect(stderr).toContain("admin key was invalid");
  });
});

describe.concurrent("what would bring new code", () => {
  test("says what to do instead", async () => {
    const { code, stderr } = await cli(
      "deploy",
      "-y",
      "--typecheck",
      "disable",
      "--codegen",
      "disable",
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain("npm start -- --watch");
  }, 30_000);
});

describe("convex env", () => {
  test("set holds at once and after a restart, over the process's environment", async () => {
    const client = clientOf(server.cloudUrl);
    expect(await client.query("notes:environment", { name: "A_SETTING" })).toBe(null);
    expect(await cli("env", "set", "A_SETTING", "a value")).toMatchObject({ code: 0 });
    expect(await client.query("notes:environment", { name: "A_SETTING" })).toBe("a value");

    await server.stop();
    server = await startServer({
      functions: FUNCTIONS,
      flags: ["--no-demo"],
      data: server.data,
      env: { A_SETTING: "of the process" },
    });
    cli = await cliOf(server);
    const again = clientOf(server.cloudUrl);
    expect(await again.query("notes:environment", { name: "A_SETTING" })).toBe("a value");
    expect(await cli("env", "remove", "A_SETTING")).toMatchObject({ code: 0 });
    expect(await again.query("notes:environment", { name: "A_SETTING" })).toBe("of the process");
  }, 30_000);

  test.each([
    ["1ST", "value", "names start with a letter"],
    ["CONVEX_SITE_URL", "value", "cannot be changed"],
    ["LARGE", "x".repeat(8_193), "8193 bytes > maximum 8192"],
  ])("refuses %s", async (name, value, why) => {
    const { code, stderr } = await cli("env", "set", name, value);
    expect(code).not.toBe(0);
    expect(stderr).toContain(why);
  });
});

describe("convex logs", () => {
  test("shows what ran, as it runs, and what ran before with --history", async () => {
    const following = cli.start("logs", "--success");
    const client = clientOf(server.cloudUrl);
    await eventually(
      async () => {
        await client.query("notes:list", { author: "live" });
        return following.stdout();
      },
      (text) => text.includes("[CONVEX Q(notes:list)] Function executed in"),
    );
    await following.stop();
    await client.query("notes:environment", { name: "A_SETTING" });

    const looking = cli.start("logs", "--history", "--success");
    await eventually(looking.stdout, (text) => text.includes("[CONVEX Q(notes:environment)]"));
    await looking.stop();
  }, 30_000);
});
