import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What the door hands requests on to: on Convex, every request would load it twice. */
const BEHIND_THE_DOOR =
  /^(node_modules\/zod\/|convex\/(api|ontology|schemas|sync|audit|tenants|money|payments)\/|convex\/schema\.ts)/;

/** The files of which something is loaded with a module, as Convex bundles it. */
async function loadedWith(module: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [`convex/${module}.ts`],
    absWorkingDir: ROOT,
    bundle: true,
    platform: "browser",
    format: "esm",
    conditions: ["convex", "module"],
    external: ["async_hooks", "node:async_hooks"],
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

test.each(["api/v1/invoices", "api/v1/contacts", "delivery/queue"])(
  "%s reads days without Temporal's classes",
  async (module) => {
    const loaded = await loadedWith(module);
    expect(loaded).toContain("convex/kit/localTime.ts");
    expect(loaded.filter((file) => CLASSES_OF_TEMPORAL.test(file))).toEqual([]);
  },
);
