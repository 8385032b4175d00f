"use node";

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { v } from "convex/values";
import { getAbsoluteFSPath } from "swagger-ui-dist";
import { internalAction } from "./_generated/server";

const CONTENT_TYPES: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

/** A file of Swagger UI, which stands beside the functions as an external package (convex.json). */
export const read = internalAction({
  args: { name: v.string() },
  returns: v.union(v.object({ text: v.string(), contentType: v.string() }), v.null()),
  handler: async (_ctx, { name }) => {
    const contentType = Object.hasOwn(CONTENT_TYPES, name) ? CONTENT_TYPES[name] : undefined;
    if (contentType === undefined) return null;
    return { contentType, text: await readFile(join(getAbsoluteFSPath(), name), "utf8") };
  },
});
