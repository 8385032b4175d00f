/** The deployment's own tables. */
import { expect, test } from "vitest";
import { SYSTEM_TABLES } from "../../../scripts/local/database/system";

test("no two system tables have one number, by which an id is known to be of its table", () => {
  const numbers = SYSTEM_TABLES.map(({ number }) => number);
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
});
