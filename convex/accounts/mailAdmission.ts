import type { Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { configuredFor } from "../delivery/providers/configured";
import { addressOf, nameOf } from "../delivery/providers/message";
import { holds, isPast, NEVER, queuedAt } from "../jobs/job";
import { emailKey, mailboxOf } from "../kit/email";
import type { mailProvider, saidInMail } from "../schemas/accountMailSchemas";
import type { oneTimePurpose } from "../schemas/accountSchemas";
import type { AccountMail } from "./mail";
import { CANCELLED, expire, withdraw } from "./mailSettling";

/** Whether a letter about an account may go out now, and what it says now. */
export type Said = Infer<typeof saidInMail>;

export type AdmittedMail = {
  mail: AccountMail;
  provider: Infer<typeof mailProvider>;
  said: Said;
  /** An attempt that may have arrived is repeated as it was. */
  isRepetition: boolean;
};

/** Null when there is nothing to do: another has it, or it may not go out, which its row says then. */
export async function admitMail(
  ctx: MutationCtx,
  mailId: Id<"accountMails">,
  lease: number,
): Promise<AdmittedMail | null> {
  const mail = await ctx.db.get("accountMails", mailId);
  if (!mail || !holds(mail.job, lease) || mail.job.asked) return null;
  const now = Date.now();
  const user = await ctx.db.get("users", mail.userId);
  const why = mail.job.isCancelled ? CANCELLED : await reasonAgainst(ctx, mail, user);
  if (why !== null) {
    await withdraw(ctx, mail, why, now);
    return null;
  }
  if (isPast(mail.job, now)) {
    await expire(ctx, mail, now);
    return null;
  }
  const configured = configuredFor("email");
  if ("missing" in configured || configured.provider === "whatsapp") {
    const error = "missing" in configured ? configured.missing : "No e-mail provider is set up.";
    const job = { ...queuedAt(mail.job, NEVER), error };
    await ctx.db.patch("accountMails", mail._id, { job });
    return null;
  }
  const kept = mail.mayHaveArrived === true ? mail.said : undefined;
  return {
    mail,
    provider: configured.provider,
    said: kept ?? saidNow(mail, user),
    isRepetition: kept !== undefined,
  };
}

type User = Doc<"users"> | null;

const PURPOSES: Partial<Record<AccountMail["template"], Infer<typeof oneTimePurpose>>> = {
  verification: "verify_email",
  password_reset: "reset_password",
  magic_link: "magic_link",
  unlock: "unlock",
  change_email: "change_email",
};

export function hasLink({ template }: Pick<AccountMail, "template">): boolean {
  return PURPOSES[template] !== undefined;
}

/**
 * What has happened stays true, and whoever had the account before is told all the same. A link is for
 * whoever has the account, at an address that is theirs now, and opens nothing unless it is the latest.
 */
async function reasonAgainst(
  ctx: MutationCtx,
  mail: AccountMail,
  user: User,
): Promise<string | null> {
  const purpose = PURPOSES[mail.template];
  if (purpose === undefined) return null;
  if (!user || user.deletedAt !== undefined) return "The account was deleted.";
  const { tokenHash = "" } = mail;
  const token = await ctx.db
    .query("oneTimeTokens")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", tokenHash))
    .unique();
  const latest = await ctx.db
    .query("oneTimeTokens")
    .withIndex("by_user", (q) => q.eq("userId", user._id).eq("purpose", purpose))
    .order("desc")
    .first();
  if (latest && latest._id !== token?._id) return "A later link has taken its place.";
  if (!token) return "Its link is no longer good.";
  if (token.usedAt !== undefined) return "Its link was used already.";
  const proves = purpose === "verify_email" || purpose === "change_email";
  const theirs = [user.emailKey, user.pendingEmailKey];
  if (proves && token.email !== undefined) theirs.push(emailKey(token.email));
  return theirs.includes(emailKey(mail.to)) ? null : "The address is no longer the account's.";
}

/** Whoever registers somebody else's address writes nothing to them: a name is for its own reader. */
function saidNow({ to }: AccountMail, user: User): Said {
  const isOwn = user?.emailKey === emailKey(to) && user.deletedAt === undefined;
  const sender = process.env.EMAIL_FROM ?? "";
  const address = addressOf(sender);
  return {
    recipient: isOwn ? user.name : "",
    ...(user?.timeZone === undefined ? {} : { timeZone: user.timeZone }),
    from: { name: nameOf(sender) ?? "Freehold", address: mailboxOf(address) ?? address },
  };
}
