import { expect, test } from "vitest";
import { streamed } from "../../convex/ontology/streamed";
import schema from "../../convex/schema";

test.each(["objects", "objectLinks"] as const)("streams of %s know its indexes", (table) => {
  const known = streamed.tables[table][" indexes"]();
  expect(known).not.toEqual([]);
  expect(schema.tables[table][" indexes"]()).toEqual(expect.arrayContaining(known));
});
