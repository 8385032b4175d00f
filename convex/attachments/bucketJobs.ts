import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction, internalMutation, internalQuery } from "../_generated/server";
import { delayAfter } from "../delivery/attempts";
import { deleteObject } from "./bucket";

const DAY = 24 * 60 * 60 * 1000;

/** Deletes the file of a deleted attachment from the bucket. What fails is tried again, for as long as it takes. */
export const removeFromBucket = internalAction({
  args: { id: v.id("attachments") },
  returns: v.null(),
  handler: async (ctx, { id }): Promise<null> => {
    const key = await ctx.runQuery(internal.attachments.bucketJobs.keyOf, { id });
    if (key === null) return null;
    const error = await failureOf(() => deleteObject(key));
    await ctx.runMutation(internal.attachments.bucketJobs.settle, { id, error });
    return null;
  },
});

async function failureOf(attempt: () => Promise<void>): Promise<string | null> {
  try {
    await attempt();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const keyOf = internalQuery({
  args: { id: v.id("attachments") },
  returns: v.union(v.string(), v.null()),
  handler: async (ctx, { id }) => {
    const attachment = await ctx.db.get("attachments", id);
    return attachment?.status === "deleting" ? (attachment.key ?? null) : null;
  },
});

export const settle = internalMutation({
  args: { id: v.id("attachments"), error: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { id, error }) => {
    const attachment = await ctx.db.get("attachments", id);
    if (attachment?.status !== "deleting") return null;
    if (error === null) {
      await ctx.db.delete("attachments", id);
      return null;
    }
    const attempts = attachment.attempts + 1;
    const dueAt = Date.now() + (delayAfter(attempts) ?? DAY);
    const message = "a deleted attachment is still in the bucket";
    console.error(JSON.stringify({ level: "ERROR", message, id, attempts, error }));
    await ctx.db.patch("attachments", id, { attempts, dueAt });
    await ctx.scheduler.runAt(dueAt, internal.attachments.bucketJobs.removeFromBucket, { id });
    return null;
  },
});
