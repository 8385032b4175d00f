import { v } from "convex/values";
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
export const removeInAction = action({
  args: { id },
  handler: async (ctx, args) => {
    await ctx.storage.delete(args.id);
  },
});
