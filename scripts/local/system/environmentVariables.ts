/** `convex env list` and `convex env get`: what was set with `convex env set`. */
import { queryGeneric } from "convex/server";
import { v } from "convex/values";
import { readVariable, readVariables, type Variable } from "../environmentTable";
import { currentCall } from "./call";

export default queryGeneric({
  args: {},
  handler: async (): Promise<Variable[]> => readVariables(currentCall().tx),
});

export const get = queryGeneric({
  args: { name: v.string() },
  handler: async (_ctx, { name }): Promise<Variable | null> => readVariable(currentCall().tx, name),
});
