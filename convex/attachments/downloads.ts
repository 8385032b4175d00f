import { v } from "convex/values";
import { internalQuery } from "../_generated/server";
import { rowOfAnyTenant } from "../kit/own";
import { openSecret } from "../kit/secretBox";
import type { Attachment } from "./attachments";
import type { DownloadSource } from "./downloadLink";
import { isSigned, readLinkToken } from "./links";

/** What a link is made of; it never leaves the deployment. */
export function downloadSource(attachment: Attachment): DownloadSource {
  const { _id: id, place, key, linkSecret, url, fileName, contentType } = attachment;
  if (place === "external" && url !== undefined) return { place, url };
  if (place === "deployment" && linkSecret !== undefined) return { place, id, linkSecret };
  if (place === "bucket" && key !== undefined && contentType !== undefined) {
    return { place, key, fileName, contentType };
  }
  throw new Error(`Attachment ${id} has no ${place} file.`);
}

const file = v.object({
  storageId: v.id("_storage"),
  fileName: v.string(),
  contentType: v.string(),
  sha256: v.string(),
  expiresAt: v.number(),
});

/** The file that a link leads to, and until when; null where there is none, or its signature is wrong. */
export const fileOf = internalQuery({
  args: { token: v.string() },
  returns: v.union(file, v.null()),
  handler: async (ctx, { token }): Promise<typeof file.type | null> => {
    const link = readLinkToken(token);
    const attachment = link && (await rowOfAnyTenant(ctx, "attachments", link.attachmentId));
    if (!link || attachment?.status !== "ready") return null;
    const { storageId, linkSecret, fileName, contentType, sha256 } = attachment;
    if (storageId === undefined || linkSecret === undefined) return null;
    if (contentType === undefined || sha256 === undefined) return null;
    if (!isSigned(link, await openSecret(linkSecret))) return null;
    return { storageId, fileName, contentType, sha256, expiresAt: link.expiresAt };
  },
});
