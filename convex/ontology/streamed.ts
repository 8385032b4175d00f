import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import type schema from "../schema";
import { PATHS } from "./accessPaths";

const objects = defineTable(v.any());
for (const { index, columns, sort } of PATHS) {
  const fields: readonly string[] = [...columns, sort];
  objects.index(index, ["organizationId", "type", "lifecycle", ...fields]);
}

/**
 * What a stream asks of the schema: the fields of the indexes that it goes through. The schema itself
 * would bring every table's validators into every call that lists something. Its type is the schema's,
 * as that of the database is; a test compares the indexes.
 */
export const streamed = defineSchema({
  objects,
  objectLinks: defineTable(v.any()).index("by_to_and_type", [
    "organizationId",
    "to",
    "fromType",
    "fromCreatedAt",
  ]),
  objectTerms: defineTable(v.any()).index("by_term", [
    "organizationId",
    "type",
    "term",
    "status",
    "createdAt",
  ]),
}) as unknown as typeof schema;
