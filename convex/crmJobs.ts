import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation } from "./_generated/server";
import { deleteUpload } from "./kit/uploads";
import { stepErasure } from "./ontology/erasure";
import { stepImport } from "./ontology/contactImport";
import { continueMerge as moveOn } from "./ontology/contactMerge";

/** The CRM's work that goes on after a request: each job is a chain of short transactions. */

/** Under which a step is done; absent in what was scheduled before leases had numbers. */
const lease = v.optional(v.number());

/** The next rows of an import. */
export const continueImport = internalMutation({
  args: { importId: v.id("contactImports"), lease },
  returns: v.null(),
  handler: async (ctx, { importId, lease: shown }) => {
    await stepImport(ctx, importId, shown);
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
  args: { mergeId: v.id("contactMerges"), lease },
  returns: v.null(),
  handler: async (ctx, { mergeId, lease: shown }) => {
    await moveOn(ctx, mergeId, shown);
    return null;
  },
});

/** What an erasure has left to blank. */
export const continueErasure = internalMutation({
  args: { erasureId: v.id("erasures"), lease },
  returns: v.null(),
  handler: async (ctx, { erasureId, lease: shown }) => {
    await stepErasure(ctx, erasureId, shown);
    return null;
  },
});
