import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalQuery } from "../_generated/server";
import { rowOfAnyTenant } from "../kit/own";
import { openSecret } from "../kit/secretBox";
import type { Attachment } from "./attachments";
import type { DownloadSource } from "./downloadLink";
import { isSigned, type LinkToken, readLinkToken } from "./links";

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

/** Under what a person's copy of their data is saved. */
export const COPY_NAME = "freehold-profile.json";

async function fileOfCopy(
  { storageId, linkSecret, sha256 }: Doc<"profileExports">,
  link: LinkToken,
): Promise<typeof file.type | null> {
  if (storageId === undefined || sha256 === undefined) return null;
  if (!isSigned(link, await openSecret(linkSecret))) return null;
  const contentType = "application/json";
  return { storageId, fileName: COPY_NAME, contentType, sha256, expiresAt: link.expiresAt };
}

/** The file that a link leads to, and until when; null where there is none, or its signature is wrong. */
export const fileOf = internalQuery({
  args: { token: v.string() },
  returns: v.union(file, v.null()),
  handler: async (ctx, { token }): Promise<typeof file.type | null> => {
    const link = readLinkToken(token);
    if (!link) return null;
    const copy = await rowOfAnyTenant(ctx, "profileExports", link.attachmentId);
    if (copy) return await fileOfCopy(copy, link);
    const attachment = await rowOfAnyTenant(ctx, "attachments", link.attachmentId);
    if (attachment?.status !== "ready") return null;
    const { storageId, linkSecret, fileName, contentType, sha256 } = attachment;
    if (storageId === undefined || linkSecret === undefined) return null;
    if (contentType === undefined || sha256 === undefined) return null;
    if (!isSigned(link, await openSecret(linkSecret))) return null;
    return { storageId, fileName, contentType, sha256, expiresAt: link.expiresAt };
  },
});
