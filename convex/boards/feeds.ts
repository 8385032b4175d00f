import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalQuery, type MutationCtx, type QueryCtx } from "../_generated/server";
import { callerOfApiKey, type Caller, membershipIn, staffCaller } from "../kit/caller";
import { organizationOf } from "../kit/own";
import { covers } from "../kit/scopes";
import { newToken, sha256Hex } from "../kit/tokens";
import { calendarText } from "./ical";
import { calendarOf } from "./calendar";

/**
 * A calendar that other programs read by an address that nobody can guess (RFC 5545 over HTTP, as
 * calendar programs subscribe). Only its digest is kept. It shows what its holder sees at that moment: of
 * one who has left the organization, or of a key that was revoked, nothing any more.
 */
type Feed = Doc<"calendarFeeds">;
export type FeedHolder = Extract<Caller, { kind: "user" | "api_key" }>;

/** The token of a new address; the holder's earlier one is worth nothing from now on. */
export async function makeFeed(ctx: MutationCtx, holder: FeedHolder, now: number): Promise<string> {
  await removeFeed(ctx, holder);
  const token = newToken("calendar");
  await ctx.db.insert("calendarFeeds", {
    organizationId: holder.organizationId,
    holder: holderOf(holder),
    tokenHash: sha256Hex(token),
    createdAt: now,
  });
  return token;
}

export async function removeFeed(
  ctx: MutationCtx,
  { organizationId, id }: Pick<FeedHolder, "organizationId" | "id">,
): Promise<void> {
  const feeds = ctx.db
    .query("calendarFeeds")
    .withIndex("by_holder", (q) => q.eq("organizationId", organizationId).eq("holder.id", id));
  for (const { _id } of await feeds.collect()) await ctx.db.delete("calendarFeeds", _id);
}

function holderOf(holder: FeedHolder): Feed["holder"] {
  return holder.kind === "user"
    ? { kind: holder.kind, id: holder.id }
    : { kind: holder.kind, id: holder.id };
}

/** The calendar of a token, as text, from and up to these times; null for one that is worth nothing. */
export const read = internalQuery({
  args: { token: v.string(), now: v.number(), from: v.number(), to: v.number() },
  returns: v.union(v.null(), v.string()),
  handler: async (ctx, { token, now, from, to }): Promise<string | null> => {
    const feed = await ctx.db
      .query("calendarFeeds")
      .withIndex("by_tokenHash", (q) => q.eq("tokenHash", sha256Hex(token)))
      .unique();
    const caller = feed && (await callerOf(ctx, feed, now));
    if (!caller || !covers(caller.grants, "projects:read")) return null;
    const { name } = await organizationOf(ctx, caller);
    return calendarText(name, await calendarOf(ctx, caller, { from, to, isCut: true }));
  },
});

async function callerOf(ctx: QueryCtx, feed: Feed, now: number): Promise<Caller | null> {
  const { holder, organizationId } = feed;
  if (holder.kind === "api_key") {
    const key = await ctx.db.get("apiKeys", holder.id);
    if (!key || key.revokedAt !== undefined || (key.expiresAt ?? Infinity) <= now) return null;
    return callerOfApiKey(key);
  }
  const user = await ctx.db.get("users", holder.id);
  if (!user || user.deletedAt !== undefined) return null;
  const membership = await membershipIn(ctx, user._id, organizationId);
  return membership && staffCaller(user, membership);
}
