import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { openSecret, sealSecret } from "../kit/secretBox";
import { secretHint } from "./hints";

/**
 * An organization's secret key at Stripe. A page on which an invoice is paid is closed with the key
 * that it was made with, so a key outlives its replacement until the last of its pages is closed.
 */
type Key = Doc<"paymentKeys">;

/** A page may still be under way at the provider when its key is taken away. */
const KEPT_AT_LEAST = 10 * 60 * 1000;

/** The key as a row: the one that is there already where it is the same. */
export async function keepKey(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  present: Id<"paymentKeys"> | undefined,
  secretKey: string,
): Promise<Id<"paymentKeys">> {
  const before = present && (await ctx.db.get("paymentKeys", present));
  if (before && (await openSecret(before.sealed)) === secretKey) return before._id;
  if (before) await retireKey(ctx, before._id);
  return await ctx.db.insert("paymentKeys", {
    organizationId,
    sealed: await sealSecret(secretKey),
    hint: secretHint(secretKey),
    createdAt: Date.now(),
  });
}

/** No page is made with it any more; it is forgotten when none is open that was. */
export async function retireKey(ctx: MutationCtx, id: Id<"paymentKeys">): Promise<void> {
  await ctx.db.patch("paymentKeys", id, { retiredAt: Date.now() });
  await ctx.scheduler.runAfter(KEPT_AT_LEAST, internal.payments.keys.forget, { id });
}

/** Deletes a key that was retired, unless a page is open that it must close. */
export const forget = internalMutation({
  args: { id: v.id("paymentKeys") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await forgetKey(ctx, id);
    return null;
  },
});

/** As `forget`; called with each page of it that is closed. */
export async function forgetKey(ctx: MutationCtx, id: Id<"paymentKeys">): Promise<void> {
  const key = await ctx.db.get("paymentKeys", id);
  if (key?.retiredAt === undefined || key.retiredAt + KEPT_AT_LEAST > Date.now()) return;
  for (const status of ["pending", "ready", "closing"] as const) {
    const open = await ctx.db
      .query("paymentLinks")
      .withIndex("by_key", (q) => q.eq("keyId", id).eq("status", status))
      .first();
    if (open) return;
  }
  await ctx.db.delete("paymentKeys", id);
}

/** The key that the organization's pages are made with now, or null. */
export async function currentKey(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<Key | null> {
  const provider = await ctx.db
    .query("paymentProviders")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("provider", "stripe"),
    )
    .unique();
  return provider?.keyId ? await ctx.db.get("paymentKeys", provider.keyId) : null;
}
