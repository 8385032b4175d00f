import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import { ApiError } from "../kit/errors";
import type { RequestOrigin } from "../kit/requestOrigin";
import type { WriteScope } from "../ontology/effects";
import { foundOrganization } from "../tenancy";
import { acceptInvite } from "../tenants/invites";
import { pendingUserByEmail, userByEmail } from "./addresses";
import { requireCaptcha } from "./captchaRule";
import { sendVerification } from "./linkLetters";
import type { NewHash } from "./passwordFindings";
import { usablePassword } from "./passwordRules";
import { completeSignIn, type SignInResult } from "./signIn";
import { recordForPerson } from "./trail";
import { forgetTries, triesOf } from "./tries";

type Registration = {
  email: string;
  name: string;
  organizationName?: string | undefined;
  inviteToken?: string | undefined;
  deviceName?: string | undefined;
};

/**
 * A new account, signed in, whose e-mail is not proved yet; with the organization that they found, or
 * the invite that they accept, in the same transaction.
 * @throws EMAIL_EXISTS; CAPTCHA_REQUIRED; VALIDATION_ERROR for a password that is guessed too easily;
 *   FORBIDDEN where one registers by invite only, or the invite is for another e-mail; GONE for an
 *   invite that is used or expired
 */
export async function register(
  ctx: MutationCtx,
  { email, name, organizationName, inviteToken, deviceName }: Registration,
  found: NewHash,
  request: RequestOrigin,
): Promise<SignInResult> {
  requireCaptcha(found.captcha);
  if (process.env.REGISTRATION === "invite" && inviteToken === undefined) {
    throw new ApiError("FORBIDDEN", "One registers here by invite only: send its inviteToken.");
  }
  const passwordHash = usablePassword("password", found);
  if ((await userByEmail(ctx, email)) ?? (await pendingUserByEmail(ctx, email))) {
    const message = "Email already registered: sign in, or ask for a new password.";
    throw new ApiError("EMAIL_EXISTS", message);
  }
  const user = await insertUser(ctx, { email, name, passwordHash });
  const scopeIn = scopesOf(user, request);
  if (inviteToken !== undefined) await acceptInvite(ctx, user, inviteToken, scopeIn);
  if (organizationName !== undefined) {
    await foundOrganization(ctx, user, { name: organizationName }, { scopeIn });
  }
  await sendVerification(ctx, user);
  await recordForPerson(ctx, user, { action: "user.registered" }, request);
  // What was tried with the address while nobody had it is not held against who has it now.
  await forgetTries(ctx, await triesOf(ctx, email));
  const how = { method: "password", request, deviceName, isFirst: true } as const;
  return await completeSignIn(ctx, user, how);
}

async function insertUser(
  ctx: MutationCtx,
  { email, name, passwordHash }: { email: string; name: string; passwordHash: string },
): Promise<Doc<"users">> {
  const userId = await ctx.db.insert("users", {
    ...{ name, passwordHash, pendingEmail: email, pendingEmailKey: emailKey(email) },
    ...{ isPlatformAdmin: false, createdAt: Date.now() },
  });
  const user = await ctx.db.get("users", userId);
  if (!user) throw new Error("A new user is missing.");
  return user;
}

/** How a person writes in organizations before they are signed in. */
function scopesOf(
  user: Doc<"users">,
  request: RequestOrigin,
): (organizationId: Id<"organizations">) => WriteScope {
  const actor = { type: "user", id: user._id, name: user.name } as const;
  return (organizationId) => ({ organizationId, actor, ...request });
}
