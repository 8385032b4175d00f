import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type Attachment, requireReady } from "../attachments/attachments";
import { ApiError, invalidFields, missingReference } from "../kit/errors";
import { membershipIn } from "../kit/caller";
import { rowOfAnyTenant } from "../kit/own";

/**
 * The picture of a person is a file of an organization that they belong to. It stays while it is their
 * picture; who has left the organization has it no more.
 */
type User = Doc<"users">;

/** What every browser shows; a drawing can hold scripts, and is none of them. */
const PICTURES: ReadonlySet<string> = new Set([
  ...["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"],
]);

/** The file of a person's picture, if they have one and may still see it. */
export async function avatarOf(ctx: QueryCtx, user: User): Promise<Attachment | null> {
  const { _id: userId, avatarAttachmentId } = user;
  if (avatarAttachmentId === undefined) return null;
  const attachment = await ctx.db.get("attachments", avatarAttachmentId);
  if (attachment?.status !== "ready") return null;
  return (await membershipIn(ctx, userId, attachment.organizationId)) && attachment;
}

/**
 * A file that can be the person's picture, by an id from outside.
 * @throws ATTACHMENT_NOT_FOUND, also for one of an organization that is not theirs; INVALID_STATE before
 *   its upload is completed; VALIDATION_ERROR for what is no picture
 */
export async function requirePicture(
  ctx: QueryCtx,
  userId: Id<"users">,
  id: string,
): Promise<Attachment> {
  const attachment = await rowOfAnyTenant(ctx, "attachments", id);
  const isTheirs =
    attachment !== null &&
    attachment.status !== "deleting" &&
    (await membershipIn(ctx, userId, attachment.organizationId)) !== null;
  if (!isTheirs) throw missingReference("attachment", "avatarAttachmentId");
  requireReady(attachment);
  // What lies elsewhere says nothing of what it is.
  if (attachment.place !== "external" && !PICTURES.has(mediaTypeOf(attachment))) {
    const message = "must be a picture: PNG, JPEG, GIF, WebP or AVIF";
    throw invalidFields([{ field: "avatarAttachmentId", message }]);
  }
  return attachment;
}

/** Whose picture it is, among those who still belong to its organization. */
export async function isSomebodysPicture(
  ctx: QueryCtx,
  { _id, organizationId }: Attachment,
): Promise<boolean> {
  const users = ctx.db
    .query("users")
    .withIndex("by_avatarAttachmentId", (q) => q.eq("avatarAttachmentId", _id));
  for await (const { _id: userId } of users) {
    if (await membershipIn(ctx, userId, organizationId)) return true;
  }
  return false;
}

/** @throws CONFLICT for the picture of a member */
export async function requireNobodysPicture(ctx: QueryCtx, attachment: Attachment): Promise<void> {
  if (!(await isSomebodysPicture(ctx, attachment))) return;
  const message = "It is the picture of a member, who chooses another one first (PATCH /profile).";
  throw new ApiError("CONFLICT", message);
}

function mediaTypeOf({ contentType = "" }: Attachment): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}
