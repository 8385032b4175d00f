import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type BuildOptions } from "esbuild";
import { expect, test } from "vitest";
import { findEntries } from "../../scripts/local/runtime/entries";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What the door hands requests on to: on Convex, every request would load it twice. */
const BEHIND_THE_DOOR =
  /^(node_modules\/zod\/|convex\/(api|ontology|schemas|sync|audit|tenants|money|payments)\/|convex\/schema\.ts)/;

const AS_ON_CONVEX = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "browser",
  format: "esm",
  conditions: ["convex", "module"],
  external: ["async_hooks", "node:async_hooks"],
} as const satisfies BuildOptions;

/** The files of which something is loaded with a module. */
async function loadedWith(module: string): Promise<string[]> {
  const { metafile } = await build({
    ...AS_ON_CONVEX,
    entryPoints: [`convex/${module}.ts`],
    outdir: "out",
    write: false,
    metafile: true,
  });
  const [output] = Object.values(metafile.outputs);
  return Object.entries(output?.inputs ?? {})
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file);
}

test("the door loads no schema and no handler", async () => {
  const loaded = await loadedWith("http");
  expect(loaded).toContain("convex/kit/http/routes.ts");
  expect(loaded.filter((file) => BEHIND_THE_DOOR.test(file))).toEqual([]);
});

/** Temporal's classes: `kit/localTime.ts` and `kit/time.ts` take its functions one by one. */
const CLASSES_OF_TEMPORAL = /^node_modules\/temporal-polyfill\/chunks\/classApi/;
const TEMPORAL = /^node_modules\/temporal-polyfill\//;
const ZOD = /^node_modules\/zod\//;

test.each(["api/v1/invoices", "api/v1/contacts", "delivery/queue"])(
  "%s reads days without Temporal's classes",
  async (module) => {
    const loaded = await loadedWith(module);
    expect(loaded).toContain("convex/kit/localTime.ts");
    expect(loaded.filter((file) => CLASSES_OF_TEMPORAL.test(file))).toEqual([]);
  },
);

test.each(["auth", "devices", "incomingEvents", "organization", "paymentProviders", "tenants"])(
  "api/v1/%s, which is sent no day, loads nothing that reads one",
  async (module) => {
    const loaded = await loadedWith(`api/v1/${module}`);
    expect(loaded).toContain("convex/kit/reading.ts");
    expect(loaded.filter((file) => TEMPORAL.test(file))).toEqual([]);
  },
);

test.each([
  "attachments/downloads",
  "crmOntology",
  "delivery/dispatcher",
  "delivery/queue",
  "expiry",
  "kit/uploads",
  "notificationQueries",
  "payments/links",
])("%s, which reads nothing that a caller sends, loads no schema", async (module) => {
  const loaded = await loadedWith(module);
  expect(loaded).toContain(`convex/${module}.ts`);
  expect(loaded.filter((file) => ZOD.test(file))).toEqual([]);
});

/** zod calls it with every schema and check that it has made. */
const COUNTING = `globalThis.madeAt = [];
globalThis.__zod_globalConfig = {
  postProcessor: () => globalThis.madeAt.push(new Error().stack),
};`;
const TELLING = "console.log(JSON.stringify(globalThis.madeAt));";

/** Where modules make schemas as they are evaluated. */
async function schemasMadeBy(imports: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "freehold-"));
  try {
    const file = path.join(folder, "modules.mjs");
    const { outputFiles } = await build({
      ...AS_ON_CONVEX,
      stdin: { contents: imports.join("\n"), resolveDir: ROOT, loader: "ts" },
      banner: { js: COUNTING },
      footer: { js: TELLING },
      sourcemap: "inline",
      sourcesContent: false,
      write: false,
    });
    await writeFile(file, outputFiles[0]?.contents ?? "");
    const run = promisify(execFile);
    const args = ["--enable-source-maps", "--stack-trace-limit=200", file];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
    const stacks = JSON.parse(stdout) as string[];
    return stacks.map((stack) => stack.match(/convex\/[\w/.-]+:\d+/g)?.at(-1) ?? stack);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a schema is made when it is asked for: no module makes one as it is loaded", async () => {
  const modules = findEntries(path.join(ROOT, "convex")).isolate;
  expect(modules.length).toBeGreaterThan(300);
  const made = await schemasMadeBy(modules.map((file) => `import ${JSON.stringify(file)};`));
  expect([...new Set(made)]).toEqual([]);
});

test("what is made while a module is loaded is seen", async () => {
  const making = [
    'import { pageParameters } from "./convex/kit/pageParameters";',
    "globalThis.parameters = pageParameters();",
  ];
  expect(await schemasMadeBy(making)).toContainEqual(expect.stringMatching("convex/kit/once.ts"));
});
