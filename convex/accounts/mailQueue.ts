import { compareValues, type Infer, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { configuredFor } from "../delivery/providers/configured";
import { outcomeValidator } from "../delivery/providers/message";
import { asked, holds, leased, NEVER, queuedAt } from "../jobs/job";
import {
  accountMailData,
  linkTemplate,
  mailProvider,
  noticeTemplate,
  saidInMail,
} from "../schemas/accountMailSchemas";
import type { AccountMail } from "./mail";
import { admitMail, type AdmittedMail } from "./mailAdmission";
import { settleMail, wakeMail } from "./mailSettling";

/**
 * The way of a letter about an account: `wake` hands it to an action (`mailSending.deliver`), which
 * reads whether it may go out (`prepare`), opens the way to the provider and only then begins an
 * attempt (`begin`), in whose transaction everything is read once more; it sends, and records how it
 * went (`settle`). What is interrupted before `begin` is handed out again; after it, see mailSettling.ts.
 */

/** So many are under way at a time, whoever has asked for them: a mail server is not stormed. */
const AT_ONCE = 10;
const MINUTE = 60_000;
/** Longer than a way is opened. */
const PREPARED_WITHIN_MS = 5 * MINUTE;
/** Longer than a provider may take to answer. */
export const MAIL_LEASE_MS = 5 * MINUTE;

/** Hands out what is due, as long as there are places. Whoever ends wakes it for the next. */
export const wake = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const now = Date.now();
    const held = await mailsIn(ctx, "running", Infinity).take(AT_ONCE);
    const places = AT_ONCE - held.length;
    if (places === 0) return null;
    for (const mail of await mailsIn(ctx, "queued", now).take(places))
      await handOut(ctx, mail, now);
    return null;
  },
});

/** What waits for a provider is due when there is one, and what is late has its sender woken. */
export async function startLost(ctx: MutationCtx, now: number): Promise<number> {
  let due = (await mailsIn(ctx, "queued", now - MINUTE).take(1)).length;
  if ("provider" in configuredFor("email")) {
    for (const { _id, job } of await keptIn(ctx)) {
      await ctx.db.patch("accountMails", _id, { job: queuedAt(job, now) });
      due += 1;
    }
  }
  if (due > 0) await wakeMail(ctx, now);
  return due;
}

const lease = { mailId: v.id("accountMails"), lease: v.number() };

const preparation = v.object({
  to: v.string(),
  provider: mailProvider,
  /** Still sealed. */
  secretUrl: v.optional(v.string()),
});
export type MailPreparation = Infer<typeof preparation>;

/** What to open before an attempt; null when there is nothing to do. */
export const prepare = internalMutation({
  args: lease,
  returns: v.union(preparation, v.null()),
  handler: async (ctx, args): Promise<MailPreparation | null> => {
    const admitted = await admitMail(ctx, args.mailId, args.lease);
    if (!admitted) return null;
    const { mail, provider } = admitted;
    const { to, secretUrl } = mail;
    return { to, provider, ...(secretUrl === undefined ? {} : { secretUrl }) };
  },
});

const work = v.object({
  to: v.string(),
  template: v.union(linkTemplate, noticeTemplate),
  language: v.union(v.literal("en"), v.literal("de")),
  data: accountMailData,
  said: saidInMail,
  /** When it happened, and until when a link is good. */
  at: v.number(),
  goodUntil: v.optional(v.number()),
  /** By which a provider knows a repetition: the same for attempts that send the same. */
  key: v.string(),
});
export type MailWork = Infer<typeof work>;

/** Begins an attempt: from now on the provider may have been asked. Null when there is nothing to do. */
export const begin = internalMutation({
  args: { ...lease, provider: mailProvider },
  returns: v.union(work, v.null()),
  handler: async (ctx, args): Promise<MailWork | null> => {
    const admitted = await admitMail(ctx, args.mailId, args.lease);
    if (!admitted) return null;
    const { mail, said } = admitted;
    const now = Date.now();
    // The way that stands open leads to the provider of before.
    if (admitted.provider !== args.provider) {
      await ctx.db.patch("accountMails", mail._id, { job: queuedAt(mail.job, now) });
      await wakeMail(ctx, now);
      return null;
    }
    const revision = revisionOf(admitted);
    const { _id, to, template, language, data, goodUntil, createdAt } = mail;
    const attempt = { lease: args.lease, at: now, provider: args.provider };
    await ctx.db.patch("accountMails", _id, {
      ...{ said, revision, attempts: [...mail.attempts, attempt] },
      job: asked(mail.job, now, MAIL_LEASE_MS),
    });
    return {
      ...{ to, template, language, data, said, at: data.at ?? createdAt },
      ...(goodUntil === undefined ? {} : { goodUntil }),
      key: revision === 0 ? _id : `${_id}.${revision}`,
    };
  },
});

/** An attempt that ended before the provider could be asked: nothing has been sent. */
export const fallShort = internalMutation({
  args: { ...lease, provider: mailProvider, at: v.number(), outcome: outcomeValidator },
  returns: v.null(),
  handler: async (ctx, { mailId, lease: number, provider, at, outcome }) => {
    const mail = await ctx.db.get("accountMails", mailId);
    if (!mail || !holds(mail.job, number) || mail.job.asked) return null;
    const attempts = [...mail.attempts, { lease: number, at, provider }];
    await settleMail(ctx, { ...mail, attempts }, number, outcome);
    return null;
  },
});

/** Records how an attempt ended. */
export const settle = internalMutation({
  args: { ...lease, outcome: outcomeValidator },
  returns: v.null(),
  handler: async (ctx, { mailId, lease: number, outcome }) => {
    const mail = await ctx.db.get("accountMails", mailId);
    if (mail) await settleMail(ctx, mail, number, outcome);
    return null;
  },
});

async function handOut(ctx: MutationCtx, mail: AccountMail, now: number): Promise<void> {
  const args = { mailId: mail._id, lease: mail.job.lease + 1 };
  const runner = await ctx.scheduler.runAfter(0, internal.accounts.mailSending.deliver, args);
  const job = leased(mail.job, now, PREPARED_WITHIN_MS, { runner });
  await ctx.db.patch("accountMails", mail._id, { job });
}

/** Letters in a state whose time has come, the longest due first. */
function mailsIn(
  ctx: MutationCtx,
  state: "queued" | "running",
  until: number,
): { take(most: number): Promise<AccountMail[]> } {
  return ctx.db
    .query("accountMails")
    .withIndex("by_job", (q) => q.eq("job.state", state).lte("job.at", until));
}

async function keptIn(ctx: MutationCtx): Promise<Doc<"accountMails">[]> {
  return await ctx.db
    .query("accountMails")
    .withIndex("by_job", (q) => q.eq("job.state", "queued").eq("job.at", NEVER))
    .take(100);
}

/** A text that has changed since an attempt which surely was not sent is another message to the provider. */
function revisionOf({ mail, said, isRepetition }: AdmittedMail): number {
  const { revision = 0, said: before } = mail;
  if (isRepetition || before === undefined) return revision;
  return compareValues(before, said) === 0 ? revision : revision + 1;
}
