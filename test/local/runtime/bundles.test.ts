import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Bundle, bundleFunctions } from "../../../scripts/local/runtime/bundle";
import { shareBundle, takeShared } from "../../../scripts/local/runtime/bundleShare";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-bundles-"));
  await mkdir(path.join(folder, "node_modules"));
  await writeFile(path.join(folder, "package.json"), '{"type":"module"}');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What is kept beside the packages: one folder in the one of `kind`. */
async function keptIn(kind: string): Promise<string> {
  const cache = path.join(folder, "node_modules/.cache/freehold");
  const place = (await readdir(cache)).find((name) => name.startsWith(`${kind}-`)) ?? "none";
  const names = await readdir(path.join(cache, place));
  expect(names).toHaveLength(1);
  return path.join(cache, place, ...names);
}

describe("a bundle of the functions serves other data folders", () => {
  const bundleIn = async (data: string): Promise<Bundle> => {
    const functions = path.join(folder, "convex");
    await takeShared(functions, path.join(folder, data));
    return await bundleFunctions(functions, path.join(folder, data));
  };
  const write = async (text: string): Promise<void> => {
    await writeFile(path.join(folder, "convex/words.ts"), `export const text = "${text}";\n`);
  };
  const codeOf = async ({ modules }: Bundle): Promise<string> =>
    await readFile(modules[0]?.file ?? "", "utf8");

  beforeEach(async () => {
    await mkdir(path.join(folder, "convex"));
    await write("first");
    await shareBundle(await bundleIn("one"));
  });

  test("as a copy of their own, of which nothing is missing when the kept one goes", async () => {
    const copied = await bundleIn("two");
    expect(copied.folder.startsWith(path.join(folder, "two"))).toBe(true);
    expect(await readdir(copied.folder)).toContain("digest");
    await rm(path.join(folder, "node_modules"), { recursive: true });
    expect(await codeOf(copied)).toContain('"first"');
  });

  test("not after a change of the source", async () => {
    await write("second");
    expect(await codeOf(await bundleIn("two"))).toContain('"second"');
    await write("first");
    expect(await codeOf(await bundleIn("three"))).toContain('"first"');
  });

  test("not where a crash or a hand has changed it", async () => {
    const kept = await keptIn("functions");
    await writeFile(path.join(kept, "isolate/all-modules.mjs"), "export default {};");
    const bundle = await bundleIn("two");
    expect(await codeOf(bundle)).toContain('"first"');
    await shareBundle(bundle);
    expect(await readdir((await bundleIn("three")).folder)).toContain("digest");
  });

  test("and two that keep the same at once keep it", async () => {
    await rm(path.join(folder, "node_modules/.cache"), { recursive: true });
    const bundles = await Promise.all(["two", "three"].map(bundleIn));
    await Promise.all(bundles.map(shareBundle));
    expect(await codeOf(await bundleIn("four"))).toContain('"first"');
    await keptIn("functions");
  });
});

describe("npm start runs a bundle of itself", () => {
  const scripts = (...names: string[]): string => path.join(folder, "scripts", ...names);
  const start = async (): Promise<{ stdout: string; stderr: string }> =>
    await promisify(execFile)(process.execPath, [scripts("launch.js"), "word"]);
  const write = async (text: string): Promise<void> => {
    await writeFile(scripts("said.ts"), `export const said: string = "${text}";\n`);
  };

  beforeEach(async () => {
    await mkdir(scripts());
    await copyFile(path.join(ROOT, "scripts/launch.js"), scripts("launch.js"));
    await copyFile(path.join(ROOT, "tsconfig.json"), path.join(folder, "tsconfig.json"));
    for (const name of ["esbuild", "@esbuild", "tsx"]) {
      await symlink(path.join(ROOT, "node_modules", name), path.join(folder, "node_modules", name));
    }
    await writeFile(
      scripts("start.ts"),
      `import { said } from "./said";
      console.log(said, process.argv[2], import.meta.url, new Error().stack?.includes("start.ts:2"));`,
    );
    await write("first");
  });

  const answer = (text: string): { stdout: string; stderr: string } => ({
    stdout: `${text} word file://${scripts("start.ts")} true\n`,
    stderr: "",
  });

  test("that is kept, and always that of the sources", async () => {
    expect(await start()).toEqual(answer("first"));
    const kept = await keptIn("start");
    expect(await start()).toEqual(answer("first"));
    expect(await keptIn("start")).toBe(kept);
    await write("second");
    expect(await start()).toEqual(answer("second"));
    await write("first");
    await writeFile(path.join(kept, "start.mjs"), "cut o");
    expect(await start()).toEqual(answer("first"));
    await writeFile(path.join(kept, "manifest.json"), "{");
    const atOnce = await Promise.all([start(), start(), start()]);
    expect(atOnce).toEqual([answer("first"), answer("first"), answer("first")]);
  });

  test("or, where none can be kept, runs without, and says so", async () => {
    await writeFile(path.join(folder, "node_modules/.cache"), "");
    const { stdout, stderr } = await start();
    expect(stdout).toBe(answer("first").stdout);
    expect(stderr).toMatch(/^freehold: starts without a bundle of itself: .*\n$/);
  });
});
