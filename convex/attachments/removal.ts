import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { blankHistory, recordErasure } from "../ontology/history";
import type { WriteScope } from "../ontology/effects";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import { isSomebodysPicture } from "../accounts/avatars";
import { removeAttachment, updateAttachment } from "./attachments";

const AT_ONCE = 50;

/** Gives up uploads that nobody completed. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ givenUp: v.number() }),
  handler: async (ctx): Promise<{ givenUp: number }> => {
    const now = Date.now();
    const due = await ctx.db
      .query("attachments")
      .withIndex("by_dueAt", (q) => q.gt("dueAt", 0).lt("dueAt", now))
      .take(AT_ONCE);
    const pending = due.filter(({ status }) => status === "pending");
    for (const attachment of pending) await giveUp(ctx, attachment);
    if (due.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.attachments.removal.cleanUp, {});
    }
    return { givenUp: pending.length };
  },
});

async function giveUp(ctx: MutationCtx, attachment: Doc<"attachments">): Promise<void> {
  const store = new ObjectStore(ctx, systemScope(attachment.organizationId, "attachments"));
  await removeAttachment(ctx, store, attachment);
  await store.finish();
}

/**
 * Removes what belongs to an object that is gone for good, a batch at a time. Of an erased one, what
 * the history says of its files goes as well.
 */
export const removeOfOwner = internalMutation({
  args: { organizationId: v.id("organizations"), ownerId: v.id("objects"), isErased: v.boolean() },
  returns: v.null(),
  handler: async (ctx, args) => {
    const { organizationId, ownerId, isErased } = args;
    const owned = await ctx.db
      .query("attachments")
      .withIndex("by_owner", (q) => q.eq("organizationId", organizationId).eq("ownerId", ownerId))
      .take(AT_ONCE);
    const store = new ObjectStore(ctx, systemScope(organizationId, "attachments"));
    for (const attachment of owned) {
      if (!isErased && (await isSomebodysPicture(ctx, attachment))) {
        // It is a member's picture as well, and stays with them.
        const { fileName } = attachment;
        await updateAttachment(ctx, store, attachment, { fileName, ownerId: undefined });
        continue;
      }
      await removeAttachment(ctx, store, attachment);
      if (isErased) await forget(ctx, store.scope, attachment);
    }
    await store.finish();
    if (owned.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.attachments.removal.removeOfOwner, args);
    }
    return null;
  },
});

async function forget(
  ctx: MutationCtx,
  scope: WriteScope,
  { organizationId, _id: id }: Doc<"attachments">,
): Promise<void> {
  await recordErasure(ctx, scope, { type: "attachment", _id: id });
  for (const table of ["events", "auditLogs"] as const) {
    const first = { organizationId, id, table, cursor: null };
    await ctx.scheduler.runAfter(0, internal.attachments.removal.forgetHistory, first);
  }
}

/** Takes what the history says of an erased person's file out of it, a page at a time. */
export const forgetHistory = internalMutation({
  args: {
    organizationId: v.id("organizations"),
    id: v.id("attachments"),
    table: v.union(v.literal("events"), v.literal("auditLogs")),
    cursor: v.union(v.string(), v.null()),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    const { organizationId, id, table } = args;
    const task = { table, as: "object" as const, id };
    const cursor = await blankHistory(ctx, organizationId, task, args.cursor);
    if (cursor === null) return null;
    const next = { ...args, cursor };
    await ctx.scheduler.runAfter(0, internal.attachments.removal.forgetHistory, next);
    return null;
  },
});
