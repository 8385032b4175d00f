import { internal } from "../_generated/api";
import type { MutationCtx } from "../_generated/server";
import { interrupted, isOpen, leased, lookedAt } from "../jobs/job";
import { isAlive } from "../jobs/lease";
import { jobOf, writeJob } from "./mailJob";
import type { Notification } from "./outbox";
import { fail, settleInterrupted } from "./settling";

/**
 * Handing a message to the action that prepares and sends it. Until its attempt begins nobody has been
 * asked to send it: an action that ended without that, as when the process died, is simply started
 * anew.
 */

/** Longer than files are made and a way is opened; an action of Convex's ends by then. */
const PREPARED_WITHIN_MS = 10 * 60 * 1000;
/** The eleven waits between them are two days. */
const MOST_INTERRUPTIONS = 12;

export async function handOut(
  ctx: MutationCtx,
  message: Notification,
  now: number,
  startsAt = now,
): Promise<void> {
  const job = jobOf(message);
  const { _id: notificationId, attempts } = message;
  const args = { notificationId, attempt: attempts.length, lease: job.lease + 1 };
  const runner = await ctx.scheduler.runAt(startsAt, internal.delivery.send.deliver, args);
  await writeJob(ctx, message, leased(job, now, PREPARED_WITHIN_MS, { runner, startsAt }));
}

/** Looks at a message that somebody has in hands: it stays there, or is taken from who is gone. */
export async function lookAt(ctx: MutationCtx, message: Notification, now: number): Promise<void> {
  const job = jobOf(message);
  if (await isAlive(ctx, job, now)) await writeJob(ctx, message, lookedAt(job, now));
  else await takeFromGone(ctx, message, now);
}

/** Who had it in hands has ended without a word. */
export async function takeFromGone(
  ctx: MutationCtx,
  message: Notification,
  now: number,
): Promise<void> {
  if (jobOf(message).asked) await settleInterrupted(ctx, message);
  else await handOutAgain(ctx, message, now);
}

/**
 * Starts anew what was interrupted before its attempt began: the first time at once, then ever later,
 * so that a message which brings its sender down is not what every start begins with. Its turn has been
 * drawn already.
 */
async function handOutAgain(ctx: MutationCtx, message: Notification, now: number): Promise<void> {
  const job = jobOf(message);
  const error = `Interrupted ${job.interruptions ?? 0} times before it could be sent.`;
  const how = { most: MOST_INTERRUPTIONS, error, mayRepeat: true };
  const next = interrupted(job, now, how);
  if (isOpen(next)) await handOut(ctx, { ...message, job: next }, now, next.at);
  else await fail(ctx, message, "failed", error, { job: next });
}
