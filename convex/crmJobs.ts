import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation } from "./_generated/server";
import { deleteUpload } from "./kit/uploads";
import { stepErasure } from "./ontology/erasure";
import { stepImport } from "./ontology/contactImport";
import { continueMerge as moveOn } from "./ontology/contactMerge";

/** The CRM's work that goes on after a request: each job is a chain of short transactions. */

/** The next rows of an import. */
export const continueImport = internalMutation({
  args: { importId: v.id("contactImports") },
  returns: v.null(),
  handler: async (ctx, { importId }) => {
    await stepImport(ctx, importId);
    return null;
  },
});

/** The file of an import that ended before the file did. */
export const deleteFile = internalMutation({
  args: { uploadId: v.id("uploads") },
  returns: v.null(),
  handler: async (ctx, { uploadId }) => {
    const more = await deleteUpload(ctx, uploadId);
    if (more) await ctx.scheduler.runAfter(0, internal.crmJobs.deleteFile, { uploadId });
    return null;
  },
});

/** What a merge, or its undo, has left to move. */
export const continueMerge = internalMutation({
  args: { mergeId: v.id("contactMerges") },
  returns: v.null(),
  handler: async (ctx, { mergeId }) => {
    await moveOn(ctx, mergeId);
    return null;
  },
});

/** What an erasure has left to blank. */
export const continueErasure = internalMutation({
  args: { erasureId: v.id("erasures") },
  returns: v.null(),
  handler: async (ctx, { erasureId }) => {
    await stepErasure(ctx, erasureId);
    return null;
  },
});
