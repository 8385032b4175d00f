/** docs/security.md says which test proves what: each is there, by the name that it is given. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./pages";

const page = readFileSync(path.join(ROOT, "docs/security.md"), "utf8");
const files = readdirSync(path.join(ROOT, "test"), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".test.ts"));

/** What stands in the last column: `accounts/pages`, and titles in quotes, which … shortens. */
const cells = page
  .split("\n")
  .filter((line) => /^\| [\d.]/.test(line))
  .map((line) => line.split("|").at(-2)?.trim() ?? "");
const named = [...new Set(cells.flatMap((cell) => cell.match(/\b[a-z]+(?:\/\w+)+/gi) ?? []))];

test.each(named)("test/%s.test.ts is there", (name) => {
  expect(files).toContain(`${name}.test.ts`);
});

test("every title that is quoted is one of the tests of its line", () => {
  expect(named.length).toBeGreaterThan(8);
  const missing = cells.flatMap((cell) => {
    const names = cell.match(/\b[a-z]+(?:\/\w+)+/gi) ?? [];
    const text = names.map((name) => readFileSync(path.join(ROOT, `test/${name}.test.ts`), "utf8"));
    const titles = [...cell.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title);
    return titles.filter((title) => !text.join().includes(title.replace(/…$/, "")));
  });
  expect(missing).toEqual([]);
});
