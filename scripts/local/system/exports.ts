/** `convex export` follows its export by this. */
import { queryGeneric } from "convex/server";
import { jsonToConvex, type Value } from "convex/values";
import { latestExport } from "../transfer/exports";
import { currentCall } from "./call";

export const getLatest = queryGeneric({
  args: {},
  handler: async (): Promise<Value> => jsonToConvex(latestExport(currentCall().tx)),
});
