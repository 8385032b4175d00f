import { makeFunctionReference } from "convex/server";
import { type GenericId, v } from "convex/values";
import { action, mutation, query } from "./builders";

const id = v.id("_storage");

export const store = action({
  args: { text: v.string(), type: v.string() },
  handler: async (ctx, { text, type }) => await ctx.storage.store(new Blob([text], { type })),
});
export const read = action({
  args: { id },
  handler: async (ctx, args) => {
    const blob = await ctx.storage.get(args.id);
    return blob === null ? null : await blob.text();
  },
});
export const row = query({
  args: { id },
  handler: async (ctx, args) => await ctx.db.system.get("_storage", args.id),
});
export const url = query({
  args: { id },
  handler: async (ctx, args) => await ctx.storage.getUrl(args.id),
});
export const uploadUrl = mutation({
  args: {},
  handler: async (ctx) => await ctx.storage.generateUploadUrl(),
});
export const remove = mutation({
  args: { id, fail: v.boolean() },
  handler: async (ctx, args) => {
    await ctx.storage.delete(args.id);
    if (args.fail) throw new Error("after the deletion");
  },
});
const removeRef = makeFunctionReference<"mutation", { id: GenericId<"_storage">; fail: boolean }>(
  "storage:remove",
);
/** Catches the failure of a mutation that has deleted the file, and goes on. */
export const removeNested = mutation({
  args: { id },
  handler: async (ctx, args): Promise<string> => {
    try {
      await ctx.runMutation(removeRef, { id: args.id, fail: true });
      return "removed";
    } catch {
      return (await ctx.storage.getUrl(args.id)) === null ? "gone" : "there";
    }
  },
});
export const removeInAction = action({
  args: { id },
  handler: async (ctx, args) => {
    await ctx.storage.delete(args.id);
  },
});
