/** The project around a functions folder: its packages and its `convex.json`. */
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { messageOf, Problem } from "../problem";

export type Project = {
  root: string;
  functions: string;
  externalPackages: string[];
  dependencies: ReadonlySet<string>;
};

export function findProject(functionsFolder: string): Project {
  const functions = path.resolve(functionsFolder);
  if (!existsSync(functions) || !statSync(functions).isDirectory()) {
    throw new Problem(`no functions folder at ${functions}; name one with --functions`);
  }
  const parent = path.dirname(functions);
  let root = parent;
  while (!existsSync(path.join(root, "package.json")) && path.dirname(root) !== root) {
    root = path.dirname(root);
  }
  if (!existsSync(path.join(root, "package.json"))) root = parent;
  const config = [parent, root].map((dir) => path.join(dir, "convex.json")).find(existsSync);
  const packageFile = path.join(root, "package.json");
  return {
    root,
    functions,
    externalPackages: config === undefined ? [] : externalPackagesOf(readJson(config)),
    dependencies: existsSync(packageFile) ? dependenciesOf(readJson(packageFile)) : new Set(),
  };
}

function readJson(file: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value === "object" && value !== null) return value;
    throw new Error("not an object");
  } catch (error) {
    throw new Problem(`${file}: ${messageOf(error)}`);
  }
}

function externalPackagesOf(config: object): string[] {
  const node = "node" in config ? config.node : undefined;
  if (typeof node !== "object" || node === null || !("externalPackages" in node)) return [];
  const { externalPackages } = node;
  if (!Array.isArray(externalPackages)) return [];
  return externalPackages.filter((name): name is string => typeof name === "string");
}

function dependenciesOf(manifest: object): Set<string> {
  const sections = Object.entries(manifest).filter(([key]) =>
    key.toLowerCase().endsWith("dependencies"),
  );
  return new Set(sections.flatMap(([, section]) => Object.keys((section ?? {}) as object)));
}
