import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { configuredFor, mayAskAgain } from "../delivery/providers/configured";
import type { ProviderEvent } from "../delivery/providers/event";
import type { Outcome } from "../delivery/providers/message";
import { attemptFailed, ended, holds, interrupted, succeeded } from "../jobs/job";
import type { Job } from "../schemas/jobSchemas";
import type { AccountMail } from "./mail";

/** What becomes of a letter about an account: by an attempt's answer, a lease that ran out, its provider's events. */

/** So often in a row an attempt may be cut off before it is taken for what cuts it off. */
const MOST_INTERRUPTIONS = 12;

/** Of one that a person has cancelled. */
export const CANCELLED = "It was cancelled.";
const EXPIRED = "It was not sent while it was good.";

/** What a letter that is over no longer has. */
export const noLink = { secretUrl: undefined, tokenHash: undefined, goodUntil: undefined };

/**
 * Records how an attempt ended. One whose lease was taken from it still counts when it says that the
 * message was sent; nothing else of it does.
 */
export async function settleMail(
  ctx: MutationCtx,
  mail: AccountMail,
  lease: number,
  outcome: Outcome,
): Promise<void> {
  const now = Date.now();
  const attempts = mail.attempts.map((made) =>
    made.lease === lease ? { ...made, ...endOf(outcome, made.at, now) } : made,
  );
  if (outcome.kind === "sent") {
    const { providerMessageId } = outcome;
    await ctx.db.patch("accountMails", mail._id, {
      ...{ attempts, sentAt: mail.sentAt ?? now, ...noLink },
      ...(providerMessageId === undefined ? {} : { providerMessageId }),
      // Its provider's word may have come before.
      job: mail.sentAt === undefined ? succeeded(mail.job, now) : mail.job,
    });
    await wakeMail(ctx, now);
    return;
  }
  if (!holds(mail.job, lease)) {
    await ctx.db.patch("accountMails", mail._id, { attempts });
    return;
  }
  const { kind, error } = outcome;
  const isUnknown = kind === "unknown";
  const job = attemptFailed(mail.job, now, {
    ...{ error, isUnknown, isFinal: kind === "refused" },
    mayRepeat: !isUnknown || maySafelyRepeat(mail, now),
    ...(kind === "refused" ? {} : { retryAfter: outcome.retryAfter }),
  });
  const doubt = isUnknown && mail.job.asked ? { mayHaveArrived: true } : {};
  await putNext(ctx, mail, job, { attempts, ...doubt });
}

/** Its sender has ended without a word: of what was asked nobody knows whether it went out. */
export async function settleInterrupted(
  ctx: MutationCtx,
  mail: AccountMail,
  now: number,
): Promise<void> {
  const { job } = mail;
  const isAsked = job.asked === true;
  const isPoison = (job.interruptions ?? 0) + 1 >= MOST_INTERRUPTIONS;
  const error = isAsked
    ? "The sender was interrupted; it may have been sent."
    : `Interrupted ${(job.interruptions ?? 0) + 1} times before it could be sent.`;
  const mayRepeat = !isAsked || (maySafelyRepeat(mail, now) && !isPoison);
  const next = interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat });
  await putNext(ctx, mail, next, isAsked ? { mayHaveArrived: true } : {});
}

/** Ends a letter that has nothing to say any more, or that a person does not want sent. */
export async function withdraw(
  ctx: MutationCtx,
  mail: AccountMail,
  why: string,
  now: number,
): Promise<void> {
  const doubt = mail.mayHaveArrived === true ? " An earlier attempt may have arrived." : "";
  await putNext(ctx, mail, ended(mail.job, "cancelled", now, why + doubt));
}

/** Nobody should be led to a door that is closed. */
export async function expire(ctx: MutationCtx, mail: AccountMail, now: number): Promise<void> {
  const { error } = mail.job;
  const why = error === undefined ? EXPIRED : `${EXPIRED} ${error}`;
  await putNext(ctx, mail, ended(mail.job, "expired", now, why));
}

/** Writes what is next of it, and wakes the sender for that, or for the place that has become free. */
async function putNext(
  ctx: MutationCtx,
  mail: AccountMail,
  job: Job,
  changes: Partial<AccountMail> = {},
): Promise<void> {
  const isOver = job.state === "cancelled" || job.state === "expired";
  // What has failed can be tried again with its link, while that is good.
  await ctx.db.patch("accountMails", mail._id, { ...changes, job, ...(isOver ? noLink : {}) });
  const now = Date.now();
  await wakeMail(ctx, now);
  if (job.state === "queued" && job.at > now) await wakeMail(ctx, job.at);
}

export async function wakeMail(ctx: MutationCtx, at: number): Promise<Id<"_scheduled_functions">> {
  return await ctx.scheduler.runAt(at, internal.accounts.mailQueue.wake, {});
}

/** What a provider says of a letter later: one that it took back has failed. */
export async function recordMailEvent(
  ctx: MutationCtx,
  mail: AccountMail,
  event: ProviderEvent,
): Promise<void> {
  const { at, kind } = event;
  const arrival = kind === "sent" ? {} : { deliveredAt: mail.deliveredAt ?? at };
  if (kind === "failed" || kind === "bounced") {
    const job = ended(mail.job, "failed", at, `${kind}: ${event.reason}`);
    const sentAt = mail.sentAt ?? at;
    await ctx.db.patch("accountMails", mail._id, { job, sentAt, ...noLink });
    return;
  }
  await ctx.db.patch("accountMails", mail._id, {
    ...{ ...arrival, sentAt: mail.sentAt ?? at, ...noLink },
    job: mail.sentAt === undefined ? succeeded(mail.job, at) : mail.job,
  });
}

/** Another provider than the one that was asked knows nothing of the key. */
function maySafelyRepeat({ attempts, _id }: AccountMail, now: number): boolean {
  const first = attempts[0];
  const last = attempts.at(-1);
  if (!first || !last) throw new Error(`Mail ${_id} was asked for without an attempt.`);
  const configured = configuredFor("email");
  const isSame = "provider" in configured && configured.provider === last.provider;
  return isSame && mayAskAgain(last.provider, first.at, now);
}

function endOf(
  outcome: Outcome,
  begunAt: number,
  now: number,
): Partial<AccountMail["attempts"][number]> {
  const durationMs = Math.max(0, now - begunAt);
  if (outcome.kind === "sent") return { durationMs };
  const { error, status } = outcome;
  return { durationMs, error, ...(status === undefined ? {} : { status }) };
}
