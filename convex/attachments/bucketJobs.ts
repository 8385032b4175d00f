import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction, internalMutation } from "../_generated/server";
import { asked, attemptFailed, holds, leased, queuedAt } from "../jobs/job";
import { deleteObject, UPLOAD_SECONDS } from "./bucket";
import { DAY, deletionOf, LEASE_MS, putNext, withJob } from "./bucketKind";

/** Deletes the file of a deleted attachment from the bucket. What fails is tried again, for as long as it takes. */
export const removeFromBucket = internalAction({
  // Deletions of before are scheduled with the number of their attempts.
  args: { id: v.id("attachments"), attempts: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { id }): Promise<null> => {
    const claimed: typeof deletion.type = await ctx.runMutation(
      internal.attachments.bucketJobs.claim,
      { id },
    );
    if (!claimed) return null;
    const { key, lease } = claimed;
    const error = await failureOf(() => deleteObject(key));
    await ctx.runMutation(internal.attachments.bucketJobs.settle, { id, lease, error });
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

const deletion = v.union(v.object({ key: v.string(), lease: v.number() }), v.null());

/** What is to be deleted, under a lease; null when that is done, or is another run's. */
export const claim = internalMutation({
  args: { id: v.id("attachments") },
  returns: deletion,
  handler: async (ctx, { id }): Promise<typeof deletion.type> => {
    const attachment = await ctx.db.get("attachments", id);
    const job = attachment && deletionOf(attachment);
    if (attachment?.key === undefined || job?.state !== "queued") return null;
    const now = Date.now();
    const held = asked(leased(job, now, LEASE_MS), now, LEASE_MS);
    await ctx.db.patch("attachments", id, withJob(held));
    return { key: attachment.key, lease: held.lease };
  },
});

export const settle = internalMutation({
  args: { id: v.id("attachments"), lease: v.number(), error: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { id, lease, error }) => {
    const attachment = await ctx.db.get("attachments", id);
    const job = attachment && deletionOf(attachment);
    if (!attachment || !job || !holds(job, lease)) return null;
    const now = Date.now();
    if (error !== null) {
      const message = "a deleted attachment is still in the bucket";
      const attempts = job.attempts + 1;
      console.error(JSON.stringify({ level: "ERROR", message, id, attempts, error }));
      await putNext(ctx, attachment, attemptFailed(job, now, { error, thenEvery: DAY }));
      return null;
    }
    // Until its permission ends, the same upload could be made again.
    const uploadEnds = attachment.createdAt + UPLOAD_SECONDS * 1000;
    if (now > uploadEnds) await ctx.db.delete("attachments", id);
    else {
      const again = queuedAt({ ...job, attempts: job.attempts + 1 }, uploadEnds + 1);
      await putNext(ctx, attachment, again);
    }
    return null;
  },
});
