import { base64url } from "jose";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { relyingParty } from "./relyingParty";

export type Challenge = Doc<"passkeyChallenges">;

export const CHALLENGE_MS = 5 * 60 * 1000;
const BYTES = 32;
/** Of one person at a time: the first of more are void. */
const MAX_OPEN = 20;
/** Each one that is given out takes some away that nobody came back with. */
const SWEPT = 5;

export async function issueChallenge(
  ctx: MutationCtx,
  wanted: Pick<Challenge, "purpose" | "userId">,
): Promise<Challenge> {
  await makeRoom(ctx, wanted.userId);
  const id = await ctx.db.insert("passkeyChallenges", {
    ...wanted,
    challenge: base64url.encode(crypto.getRandomValues(new Uint8Array(BYTES))),
    rpId: relyingParty().id,
    expiresAt: Date.now() + CHALLENGE_MS,
  });
  const row = await ctx.db.get("passkeyChallenges", id);
  if (!row) throw new Error("A new challenge is missing.");
  return row;
}

/**
 * Uses a challenge up.
 * @throws GONE for one that is unknown, used, expired, or was given out for something else: all the same
 */
export async function takeChallenge(
  ctx: MutationCtx,
  challenge: string,
  meant: { purpose: Challenge["purpose"]; userId?: Id<"users">; id?: string },
): Promise<void> {
  const row = await ctx.db
    .query("passkeyChallenges")
    .withIndex("by_challenge", (q) => q.eq("challenge", challenge))
    .unique();
  const isMeant =
    row?.purpose === meant.purpose &&
    row.userId === meant.userId &&
    (meant.id === undefined || row._id === meant.id) &&
    row.rpId === relyingParty().id &&
    row.expiresAt > Date.now();
  if (!row || !isMeant) {
    const message = "The challenge is used, expired or was never given out: ask for other options.";
    throw new ApiError("GONE", message);
  }
  await ctx.db.delete("passkeyChallenges", row._id);
}

export async function forgetChallenges(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id } of await challengesOf(ctx, userId)) {
    await ctx.db.delete("passkeyChallenges", _id);
  }
}

async function makeRoom(ctx: MutationCtx, userId: Id<"users"> | undefined): Promise<void> {
  const left = await ctx.db
    .query("passkeyChallenges")
    .withIndex("by_expiresAt", (q) => q.lt("expiresAt", Date.now()))
    .take(SWEPT);
  for (const { _id } of left) await ctx.db.delete("passkeyChallenges", _id);
  if (userId === undefined) return;
  const swept = new Set(left.map(({ _id }) => _id));
  const open = (await challengesOf(ctx, userId)).filter(({ _id }) => !swept.has(_id));
  for (const { _id } of open.slice(0, -(MAX_OPEN - 1))) {
    await ctx.db.delete("passkeyChallenges", _id);
  }
}

async function challengesOf(ctx: MutationCtx, userId: Id<"users">): Promise<Challenge[]> {
  return await ctx.db
    .query("passkeyChallenges")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .collect();
}
