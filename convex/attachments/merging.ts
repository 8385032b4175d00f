import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { ObjectStore } from "../ontology/store";
import { updateAttachment } from "./attachments";

/** Attachments of a contact that is merged into another go with it, and come back with the undo. */

/** Moves up to so many, and answers which. */
export async function moveAttachments(
  ctx: MutationCtx,
  store: ObjectStore,
  { from, to, limit }: { from: Id<"objects">; to: Id<"objects">; limit: number },
): Promise<Id<"attachments">[]> {
  const { organizationId } = store;
  const owned = await ctx.db
    .query("attachments")
    .withIndex("by_owner", (q) =>
      q.eq("organizationId", organizationId).eq("ownerId", from).eq("status", "ready"),
    )
    .take(limit);
  for (const attachment of owned) {
    const { fileName } = attachment;
    await updateAttachment(ctx, store, attachment, { fileName, ownerId: to });
  }
  return owned.map(({ _id }) => _id);
}

/** Gives one back, unless it has been deleted or given to another since. */
export async function returnAttachment(
  ctx: MutationCtx,
  store: ObjectStore,
  id: Id<"attachments">,
  { from, to }: { from: Id<"objects">; to: Id<"objects"> },
): Promise<void> {
  const attachment = await ctx.db.get("attachments", id);
  if (attachment?.ownerId !== from || attachment.status !== "ready") return;
  const { fileName } = attachment;
  await updateAttachment(ctx, store, attachment, { fileName, ownerId: to });
}
