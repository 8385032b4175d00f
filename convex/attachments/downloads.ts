import { v } from "convex/values";
import * as z from "zod";
import { internalQuery } from "../_generated/server";
import { API_PREFIX } from "../kit/http/context";
import { finishing } from "../kit/outside";
import { openSecret } from "../kit/secretBox";
import type { Attachment } from "./attachments";
import { presignDownload } from "./bucket";
import { isSigned, LINK_SECONDS, linkToken, readLinkToken } from "./links";

/** Links from which a file can be fetched for five minutes; an external one's own address. */
export const download = z
  .object({
    downloadUrl: z.string(),
    expiresAt: z.number().nullable().meta({ description: "Null for an external address." }),
  })
  .meta({ id: "AttachmentDownload" });

const source = z.discriminatedUnion("place", [
  z.object({
    place: z.literal("bucket"),
    key: z.string(),
    fileName: z.string(),
    contentType: z.string(),
  }),
  z.object({ place: z.literal("deployment"), id: z.string(), linkSecret: z.string() }),
  z.object({ place: z.literal("external"), url: z.string() }),
]);

/** What a link is made of; it never leaves the deployment. */
export function downloadSource(attachment: Attachment): z.input<typeof source> {
  const { _id: id, place, key, linkSecret, url, fileName, contentType } = attachment;
  if (place === "external" && url !== undefined) return { place, url };
  if (place === "deployment" && linkSecret !== undefined) return { place, id, linkSecret };
  if (place === "bucket" && key !== undefined && contentType !== undefined) {
    return { place, key, fileName, contentType };
  }
  throw new Error(`Attachment ${id} has no ${place} file.`);
}

/** A link is made when it is answered: a query that read the clock would not be cached. */
export const asDownload = finishing(source, async (from, { now, origin }) => {
  if (from.place === "external") return { downloadUrl: from.url, expiresAt: null };
  const expiresAt = now + LINK_SECONDS * 1000;
  if (from.place === "bucket") {
    return { downloadUrl: await presignDownload(from.key, from, LINK_SECONDS), expiresAt };
  }
  const token = linkToken(from.id, expiresAt, await openSecret(from.linkSecret));
  return { downloadUrl: `${origin}${API_PREFIX}/files/${token}`, expiresAt };
});

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
    const id = link && ctx.db.normalizeId("attachments", link.attachmentId);
    const attachment = id && (await ctx.db.get("attachments", id));
    if (!link || attachment?.status !== "ready") return null;
    const { storageId, linkSecret, fileName, contentType, sha256 } = attachment;
    if (storageId === undefined || linkSecret === undefined) return null;
    if (contentType === undefined || sha256 === undefined) return null;
    if (!isSigned(link, await openSecret(linkSecret))) return null;
    return { storageId, fileName, contentType, sha256, expiresAt: link.expiresAt };
  },
});
