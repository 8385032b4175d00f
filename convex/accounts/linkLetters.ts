import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { consume } from "../kit/limits";
import { organizationOf } from "../kit/own";
import { requestOrigin } from "../kit/requestOrigin";
import { accountByEmail } from "./addresses";
import { accountLink, type LinkAction } from "./links";
import { languageOfPerson, type LinkTemplate, queueAccountMail } from "./mail";
import { activeMemberships } from "./memberships";
import { issueOneTimeToken, type OneTimePurpose } from "./oneTimeTokens";
import { recordForPerson } from "./trail";
import { addressOf } from "./verified";

type User = Doc<"users">;

/** Letters with links that somebody who is not signed in can ask for, to one account. */
const LETTERS_PER_MINUTE = 5;

const LETTERS = {
  verify_email: { template: "verification", action: "verify-email" },
  change_email: { template: "change_email", action: "change-email" },
  reset_password: { template: "password_reset", action: "reset-password" },
  unlock: { template: "unlock", action: "unlock" },
  magic_link: { template: "magic_link", action: "magic-link" },
} as const satisfies Partial<
  Record<OneTimePurpose, { template: LinkTemplate; action: LinkAction }>
>;

/** Sends the letter whose link lets its reader do this; earlier ones of the same purpose are void. */
export async function sendLink(
  ctx: MutationCtx,
  user: User,
  purpose: keyof typeof LETTERS,
  to: string,
): Promise<void> {
  const { template, action } = LETTERS[purpose];
  const userId = user._id;
  const { token, expiresAt } = await issueOneTimeToken(ctx, { purpose, userId, email: to });
  const secretLink = { url: accountLink(action, token), expiresAt };
  const language = languageOfPerson(user);
  await queueAccountMail(ctx, { userId, to, language, template, secretLink });
}

/** Does nothing for who has nothing to verify. */
export async function sendVerification(ctx: MutationCtx, user: User): Promise<void> {
  const { email, pendingEmail } = user;
  if (email === undefined && pendingEmail !== undefined) {
    await sendLink(ctx, user, "verify_email", pendingEmail);
  }
}

/**
 * What somebody who is not signed in has asked for: scheduled whether the address has an account or
 * not, so that the answer to the request tells nothing.
 */
export const sendAskedFor = internalMutation({
  args: {
    email: v.string(),
    purpose: v.union(v.literal("reset_password"), v.literal("magic_link")),
    request: requestOrigin,
  },
  returns: v.null(),
  handler: async (ctx, { email, purpose, request: origin }) => {
    const user = await accountByEmail(ctx, email);
    const to = user && addressOf(user);
    if (!user || !to || !(await mayBeSent(ctx, user))) return null;
    if (purpose === "magic_link" && !(await isMagicLinkAllowed(ctx, user))) return null;
    await sendLink(ctx, user, purpose, to);
    const action = purpose === "magic_link" ? "user.magic_link_sent" : "user.password_reset_sent";
    await recordForPerson(ctx, user, { action }, origin);
    return null;
  },
});

/** After a wrong password, of an account or of nobody: its trail, and the letter if it is locked now. */
export const afterFailure = internalMutation({
  args: { userId: v.union(v.id("users"), v.null()), isLocked: v.boolean(), request: requestOrigin },
  returns: v.null(),
  handler: async (ctx, { userId, isLocked, request: origin }) => {
    const user = userId && (await ctx.db.get("users", userId));
    if (!user || user.deletedAt !== undefined) return null;
    await recordForPerson(ctx, user, { action: "user.sign_in_failed" }, origin);
    if (!isLocked) return null;
    await recordForPerson(ctx, user, { action: "user.locked" }, origin);
    const to = addressOf(user);
    if (to !== null) await sendLink(ctx, user, "unlock", to);
    return null;
  },
});

async function mayBeSent(ctx: MutationCtx, user: User): Promise<boolean> {
  try {
    await consume(ctx, `letters:${user._id}`, LETTERS_PER_MINUTE);
    return true;
  } catch (error) {
    if (errorDataOf(error)?.code === "RATE_LIMITED") return false;
    throw error;
  }
}

/** An organization may forbid it to its members: one that does is enough. */
async function isMagicLinkAllowed(ctx: MutationCtx, user: User): Promise<boolean> {
  for (const membership of await activeMemberships(ctx, user._id)) {
    if ((await organizationOf(ctx, membership)).magicLinkSignIn === false) return false;
  }
  return true;
}
