import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What the door hands requests on to: on Convex, every request would load it twice. */
const BEHIND_THE_DOOR =
  /^(node_modules\/zod\/|convex\/(api|ontology|schemas|sync|audit|tenants|money|payments)\/|convex\/schema\.ts)/;

test("the door loads no schema and no handler", async () => {
  const { metafile } = await build({
    entryPoints: ["convex/http.ts"],
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
  const loaded = Object.entries(output?.inputs ?? {})
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file);
  expect(loaded).toContain("convex/kit/http/routes.ts");
  expect(loaded.filter((file) => BEHIND_THE_DOOR.test(file))).toEqual([]);
});
