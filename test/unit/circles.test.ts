import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

/** The modules that each file imports from, types counted: `convex/http.ts` → its files of ours. */
function importsIn(folder: string): Map<string, string[]> {
  const files = fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("_generated"))
    .map((name) => path.join(folder, name));
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(fs.readFileSync(path.join(root, file), "utf8"));
      const targets = importedFiles
        .filter(({ fileName }) => fileName.startsWith("."))
        .map(({ fileName }) => path.join(path.dirname(file), fileName))
        .flatMap((target) =>
          [`${target}.ts`, path.join(target, "index.ts")].filter((name) => known.has(name)),
        );
      return [file, targets];
    }),
  );
}

/** The groups of files of which each imports each, by Tarjan's algorithm. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    lowest.set(file, index);
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      const reached = order.has(target)
        ? stack.includes(target)
          ? (order.get(target) ?? index)
          : index
        : visit(target);
      lowest.set(file, Math.min(lowest.get(file) ?? index, reached));
    }
    if (lowest.get(file) === index) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest.get(file) ?? index;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return circles;
}

describe("modules of the functions do not import each other in a circle, types counted", () => {
  test("there is none", () => {
    const imports = importsIn("convex");
    expect(imports.size).toBeGreaterThan(200);
    expect(circlesIn(imports)).toEqual([]);
  });

  test("and one would be seen", () => {
    const imports = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["b", "d"]],
      ["d", []],
    ]);
    expect(circlesIn(imports)).toEqual([["b", "c"]]);
  });
});
