import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { handInboxOn } from "../delivery/inbox";
import { handSettingsOn } from "../delivery/notificationSettings";
import { removeFeed } from "../boards/feeds";
import { handCommentMarksOn } from "../comments/forgetting";
import { handFavoritesOn } from "../projects/favorites";
import { succeeded } from "../jobs/job";
import { isTurn, nextStep } from "../jobs/steps";
import { handDevicesOn } from "../sync/devices";
import { handTimeOn } from "../time/handedOn";
import { goOnAt, type Removal } from "./removals";

const AT_ONCE = 100;
/** A letter that is being sent is looked at again then. */
const LOOK_AGAIN_MS = 60_000;
/** They tell of the end itself, and stay for the 30 days that letters are kept. */
const LAST_LETTERS: ReadonlySet<string> = new Set(["account_deleted", "accounts_joined"]);

/** The next hundred rows of what an account has left behind. */
export const step = internalMutation({
  args: { removalId: v.id("accountRemovals"), lease: v.number() },
  returns: v.null(),
  handler: async (ctx, { removalId, lease }): Promise<null> => {
    const removal = await ctx.db.get("accountRemovals", removalId);
    if (!removal?.job || !isTurn(removal.job, lease)) return null;
    const now = Date.now();
    const { outcome, organizationIds } = await takeSome(ctx, removal);
    const total = removal.job.progress?.total ?? 0;
    if (outcome === "done") {
      const job = { ...succeeded(removal.job, now), progress: { done: total, total } };
      await ctx.db.patch("accountRemovals", removalId, { job, organizationIds });
      return null;
    }
    const progress = { done: Math.max(0, total - 2 - organizationIds.length), total };
    const job = nextStep(removal.job, now, progress);
    await ctx.db.patch("accountRemovals", removalId, { job, organizationIds });
    await goOnAt(ctx, removalId, job, outcome === "later" ? now + LOOK_AGAIN_MS : now);
    return null;
  },
});

type Step = {
  outcome: "more" | "later" | "done";
  organizationIds: Id<"organizations">[];
};

async function takeSome(ctx: MutationCtx, removal: Removal): Promise<Step> {
  const { userId, mergedInto = null, organizationIds } = removal;
  const [organizationId, ...others] = organizationIds;
  if (organizationId !== undefined) {
    const whose = { organizationId, from: userId, to: mergedInto };
    const isDone = await handInboxOn(ctx, whose, AT_ONCE);
    if (!isDone) return { outcome: "more", organizationIds };
    if (!(await handCommentMarksOn(ctx, whose, AT_ONCE)))
      return { outcome: "more", organizationIds };
    await handSettingsOn(ctx, whose);
    await handDevicesOn(ctx, whose);
    await handFavoritesOn(ctx, whose);
    await removeFeed(ctx, { organizationId, id: userId });
    return { outcome: "more", organizationIds: others };
  }
  if (mergedInto && !(await handTimeOn(ctx, { from: userId, to: mergedInto }, AT_ONCE))) {
    return { outcome: "more", organizationIds };
  }
  if (await deleteSessions(ctx, userId)) return { outcome: "more", organizationIds };
  return { outcome: await deleteLetters(ctx, userId), organizationIds };
}

/** Where they signed in from, and with what. */
async function deleteSessions(ctx: MutationCtx, userId: Id<"users">): Promise<boolean> {
  const sessions = await ctx.db
    .query("sessions")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .take(AT_ONCE);
  for (const { _id } of sessions) await ctx.db.delete("sessions", _id);
  return sessions.length === AT_ONCE;
}

async function deleteLetters(ctx: MutationCtx, userId: Id<"users">): Promise<Step["outcome"]> {
  const mails = ctx.db.query("accountMails").withIndex("by_user", (q) => q.eq("userId", userId));
  let [deleted, underWay] = [0, 0];
  for await (const { _id, template, job } of mails) {
    if (LAST_LETTERS.has(template)) continue;
    if (job.state === "running") {
      underWay += 1;
      continue;
    }
    if (deleted === AT_ONCE) return "more";
    await ctx.db.delete("accountMails", _id);
    deleted += 1;
  }
  return underWay > 0 ? "later" : "done";
}
