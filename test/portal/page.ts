/** The code of `docs/portal.md`, as a portal would have it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = /^```\w+ title="([^"]+)"\n([\s\S]*?)^```$/gm;

/** The titled code blocks of a page, by title. */
export async function codeBlocks(page: string): Promise<Map<string, string>> {
  const text = await readFile(path.join(ROOT, "docs", page), "utf8");
  return new Map([...text.matchAll(BLOCK)].map(([, title = "", code = ""]) => [title, code]));
}

/**
 * What Next.js adds to Auth.js, as `next-auth` has it: it hands the requests of the route to `Auth`,
 * and `auth()` asks for the session with the cookies of the request that is being rendered
 * (`renderedWith`, which this test sets).
 */
const NEXT: Record<string, string> = {
  "next-auth": `
    import { Auth, setEnvDefaults } from "@auth/core";
    export default function NextAuth(config) {
      config.basePath ??= "/api/auth";
      setEnvDefaults(process.env, config, true);
      const handler = (request) => Auth(request, config);
      const auth = async () => {
        const headers = { cookie: globalThis.renderedWith };
        const response = await handler(new Request("http://portal.test/api/auth/session", { headers }));
        return await response.json();
      };
      return { handlers: { GET: handler, POST: handler }, auth };
    }
  `,
  "next/navigation": `
    export function redirect(to) {
      throw new Error("redirect to " + to);
    }
  `,
};

/** Modules of the page, by title, bundled and loaded. */
export async function loadModules(
  blocks: Map<string, string>,
  titles: string[],
): Promise<{ modules: Record<string, unknown>; remove: () => Promise<void> }> {
  const exports = titles.map(
    (title, n) => `export * as m${n} from ${JSON.stringify(`./${title}`)};`,
  );
  const bundled = await build({
    stdin: { contents: exports.join("\n"), resolveDir: ROOT },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    jsx: "automatic",
    jsxImportSource: "preact",
    plugins: [pageFiles(blocks)],
  });
  const folder = await mkdtemp(path.join(ROOT, "node_modules", ".portal-page-"));
  const file = path.join(folder, "page.mjs");
  await writeFile(file, bundled.outputFiles[0]?.text ?? "");
  const loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<
    string,
    unknown
  >;
  const modules = Object.fromEntries(titles.map((title, n) => [title, loaded[`m${n}`]]));
  return {
    modules,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function pageFiles(blocks: Map<string, string>): Plugin {
  return {
    name: "page",
    setup(bundler) {
      bundler.onResolve({ filter: /^next(-auth|\/navigation)$/ }, ({ path: name }) => ({
        path: name,
        namespace: "page",
      }));
      bundler.onResolve({ filter: /^next-auth\/providers\// }, async ({ path: name }) => ({
        path: fileURLToPath(import.meta.resolve(name.replace("next-auth", "@auth/core"))),
      }));
      bundler.onResolve({ filter: /^\./ }, ({ path: name, importer, namespace }) => {
        if (namespace !== "page" && importer !== "<stdin>") return undefined;
        const from = importer === "<stdin>" ? "." : path.posix.dirname(importer);
        const wanted = path.posix.join(from, name);
        const title = [wanted, `${wanted}.ts`].find((candidate) => blocks.has(candidate));
        return title === undefined
          ? { errors: [{ text: `The page has no ${wanted}` }] }
          : { path: title, namespace: "page" };
      });
      bundler.onLoad({ filter: /.*/, namespace: "page" }, ({ path: title }) => ({
        contents: NEXT[title] ?? blocks.get(title) ?? "",
        loader: title.endsWith(".tsx") ? "tsx" : "ts",
        resolveDir: ROOT,
      }));
    },
  };
}
