import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACTIONS } from "../../convex/team/roles";

test("the table of roles in docs/projects.md is the one in the code", () => {
  const page = readFileSync(new URL("../../docs/projects.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  const cells = rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [head = [], , ...body] = cells;
  expect(head.slice(1)).toEqual(Object.keys(ACTIONS));
  for (const [role = "", ...may] of body) {
    const allowed = Object.values(ACTIONS).map((roles: readonly string[]) => roles.includes(role));
    expect(may.map((cell) => cell === "yes")).toEqual(allowed);
  }
});
