/** `convex import` follows its import by these. */
import { queryGeneric } from "convex/server";
import { jsonToConvex, v, type Value } from "convex/values";
import { allImports } from "../transfer/imports";
import { currentCall } from "./call";

export default queryGeneric({
  args: { importId: v.string() },
  handler: async (_ctx, { importId }): Promise<Value> => {
    const found = allImports(currentCall().tx).find(({ _id }) => _id === importId);
    return jsonToConvex(found ?? null);
  },
});

export const list = queryGeneric({
  args: {},
  handler: async (): Promise<Value> => jsonToConvex(allImports(currentCall().tx)),
});
