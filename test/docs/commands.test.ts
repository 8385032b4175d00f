/**
 * What README.md, CONTRIBUTING.md and docs/ tell a reader to type works as it stands: every block of
 * commands runs, in its order, beside one fresh `npm start`. Only the ports are others. A page has to set
 * what it uses; `npm.sh` says which commands are looked for and not run.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment } from "./deployment";
import {
  type Block,
  blocksOf,
  isCommands,
  needOf,
  pages,
  promisedOutput,
  ROOT,
  textOf,
  wantsStopped,
} from "./pages";

const blocks = pages().flatMap((page) => blocksOf(page));
const commands = blocks.filter(isCommands);

/** Blocks that a test cannot run, by what they say that they need. As few as possible. */
const NOT_RUN = {
  "README.md": ["an account at Convex, or a self-hosted one."],
  "docs/moving.md": ["a terminal of its own: it goes on until it is stopped."],
  "docs/notifications.md": ["a key of Resend, or a mail server."],
  "docs/troubleshooting.md": ["a terminal of its own: the server's."],
};

test("only blocks that say what they need, and are known here, are not run", () => {
  const needs = commands.flatMap((block) => {
    const need = needOf(block);
    return need === null ? [] : [[block.page, need]];
  });
  const known = Object.entries(NOT_RUN).flatMap(([page, all]) => all.map((need) => [page, need]));
  expect(needs.sort()).toEqual(known.sort());
});

test("no command stands in a block that is not run as commands", () => {
  const hidden = blocks.filter(
    (block) => !isCommands(block) && /^\s*(\$ )?(curl|npm|npx|node|git|docker) /m.test(block.text),
  );
  expect(hidden.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});

test("every script that a page names is one of package.json", () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const unknown = pages().flatMap((page) =>
    [...textOf(page).matchAll(/\bnpm run ([\w:-]+)/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !Object.hasOwn(scripts, name))
      .map((name) => `${page}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

const TOOLS = ["bash", "curl", "jq", "sha256sum"];
const missing = TOOLS.filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);

describe.skipIf(missing.length > 0)("as it stands,", () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.start();
  });
  afterAll(async () => {
    await deployment.remove();
  });

  const runnable = commands.filter((block) => needOf(block) === null);
  test.each(runnable.map((block): [string, Block] => [`${block.page}:${block.line}`, block]))(
    "%s runs to its end, and everything that it asks is answered",
    async (_where, block) => {
      const isStopped = wantsStopped(block);
      if (isStopped) await deployment.stop();
      const { code, output, refused } = await deployment.run(block);
      if (isStopped) await deployment.begin();
      expect([code, refused], output).toEqual([0, []]);
      for (const part of promisedOutput(block)) expect(output).toContain(part);
    },
  );
});
