import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import {
  internalAction,
  internalMutation,
  internalQuery,
  type QueryCtx,
} from "../_generated/server";
import { delayAfter } from "../jobs/backoff";
import { deleteObject, UPLOAD_SECONDS } from "./bucket";

const DAY = 24 * 60 * 60 * 1000;

/** `attempts`: those that came before. One that was made meanwhile has its own successor. */
const attemptArgs = { id: v.id("attachments"), attempts: v.number() };

/** Deletes the file of a deleted attachment from the bucket. What fails is tried again, for as long as it takes. */
export const removeFromBucket = internalAction({
  args: attemptArgs,
  returns: v.null(),
  handler: async (ctx, attempt): Promise<null> => {
    const key = await ctx.runQuery(internal.attachments.bucketJobs.keyOf, attempt);
    if (key === null) return null;
    const error = await failureOf(() => deleteObject(key));
    await ctx.runMutation(internal.attachments.bucketJobs.settle, { ...attempt, error });
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
  args: attemptArgs,
  returns: v.union(v.string(), v.null()),
  handler: async (ctx, attempt): Promise<string | null> =>
    (await findDeleting(ctx, attempt))?.key ?? null,
});

export const settle = internalMutation({
  args: { ...attemptArgs, error: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { error, ...attempt }) => {
    const attachment = await findDeleting(ctx, attempt);
    if (!attachment) return null;
    const { _id: id } = attachment;
    const attempts = attachment.attempts + 1;
    const uploadEnds = attachment.createdAt + UPLOAD_SECONDS * 1000;
    // Until its permission ends, the same upload could be made again.
    const isOver = Date.now() > uploadEnds;
    if (error === null && isOver) {
      await ctx.db.delete("attachments", id);
      return null;
    }
    const dueAt = error === null ? uploadEnds + 1 : Date.now() + (delayAfter(attempts) ?? DAY);
    if (error !== null) {
      const message = "a deleted attachment is still in the bucket";
      console.error(JSON.stringify({ level: "ERROR", message, id, attempts, error }));
    }
    await ctx.db.patch("attachments", id, { attempts, dueAt });
    const next = { id, attempts };
    await ctx.scheduler.runAt(dueAt, internal.attachments.bucketJobs.removeFromBucket, next);
    return null;
  },
});

async function findDeleting(
  ctx: QueryCtx,
  { id, attempts }: { id: Id<"attachments">; attempts: number },
): Promise<Doc<"attachments"> | null> {
  const attachment = await ctx.db.get("attachments", id);
  const isCurrent = attachment?.status === "deleting" && attachment.attempts === attempts;
  return isCurrent ? attachment : null;
}
