import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { NUMBERING_PLANS_FILE, numberingPlansFile } from "../../scripts/numberingPlans";

test("the numbering plans are those of the installed libphonenumber-js", async () => {
  expect(await readFile(NUMBERING_PLANS_FILE, "utf8")).toBe(await numberingPlansFile());
});
