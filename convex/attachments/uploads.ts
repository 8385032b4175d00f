import { v } from "convex/values";
import { internalMutation, internalQuery, type QueryCtx } from "../_generated/server";
import { rowOfAnyTenant } from "../kit/own";
import { openSecret } from "../kit/secretBox";
import type { Attachment } from "./attachments";
import { isSigned, readLinkToken } from "./links";

/**
 * Uploads to the deployment's own storage. The URL is bound to one attachment, and so to its size and to
 * one file: what came through it is written in its row, and nothing else can be completed.
 */
const permission = v.object({
  size: v.number(),
  expiresAt: v.number(),
  /** Whether a file has come already. */
  isUsed: v.boolean(),
});

/** What an upload's URL permits; null where it permits nothing, or its signature is wrong. */
export const permitted = internalQuery({
  args: { token: v.string() },
  returns: v.union(permission, v.null()),
  handler: async (ctx, { token }): Promise<typeof permission.type | null> => {
    const found = await attachmentOf(ctx, token);
    if (!found) return null;
    const { attachment, expiresAt } = found;
    const { size, status, storageId } = attachment;
    if (size === undefined) return null;
    return { size, expiresAt, isUsed: status !== "pending" || storageId !== undefined };
  },
});

/** Makes a stored file that of the upload, and says so; one that came too late is deleted. */
export const receive = internalMutation({
  args: { token: v.string(), storageId: v.id("_storage") },
  returns: v.boolean(),
  handler: async (ctx, { token, storageId }): Promise<boolean> => {
    const attachment = (await attachmentOf(ctx, token))?.attachment;
    if (attachment?.status !== "pending" || attachment.storageId !== undefined) {
      await ctx.storage.delete(storageId);
      return false;
    }
    await ctx.db.patch("attachments", attachment._id, { storageId });
    return true;
  },
});

async function attachmentOf(
  ctx: QueryCtx,
  token: string,
): Promise<{ attachment: Attachment; expiresAt: number } | null> {
  const link = readLinkToken(token);
  const attachment = link && (await rowOfAnyTenant(ctx, "attachments", link.attachmentId));
  if (!link || attachment?.linkSecret === undefined) return null;
  if (!isSigned(link, await openSecret(attachment.linkSecret), "upload")) return null;
  return { attachment, expiresAt: link.expiresAt };
}
