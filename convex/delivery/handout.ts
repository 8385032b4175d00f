import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { delayAfter } from "./attempts";
import type { Notification } from "./outbox";
import { fail } from "./settling";

/**
 * Handing a message to the action that prepares and sends it. Until its attempt begins nobody has been
 * asked to send it: an action that ended without that, as when the process died, is simply started
 * anew. Whether it ended, its scheduled function says.
 */

/** How often a message in an action's hands is looked at. */
export const LOOK_EVERY_MS = 10_000;

/** Whether the action that has the message has not ended yet. */
export async function isInHands(
  ctx: MutationCtx,
  { jobId }: Pick<Notification, "jobId">,
): Promise<boolean> {
  const job = jobId && (await ctx.db.system.get("_scheduled_functions", jobId));
  return job?.state.kind === "pending" || job?.state.kind === "inProgress";
}

export async function handOut(
  ctx: MutationCtx,
  { _id: notificationId, attempts }: Notification,
  now: number,
  delay = 0,
): Promise<void> {
  const args = { notificationId, attempt: attempts.length };
  const jobId = await ctx.scheduler.runAfter(delay, internal.delivery.send.deliver, args);
  const nextAttemptAt = now + delay + LOOK_EVERY_MS;
  await ctx.db.patch("notifications", notificationId, { jobId, nextAttemptAt });
}

export async function keepInHands(
  ctx: MutationCtx,
  id: Id<"notifications">,
  now: number,
): Promise<void> {
  await ctx.db.patch("notifications", id, { nextAttemptAt: now + LOOK_EVERY_MS });
}

/**
 * Starts anew what was interrupted before its attempt began: the first time at once, then ever later,
 * so that a message which brings its sender down is not what every start begins with.
 */
export async function handOutAgain(
  ctx: MutationCtx,
  message: Notification,
  now: number,
): Promise<void> {
  const before = message.interruptions ?? 0;
  const delay = delayAfter(before);
  if (delay === null) {
    await ctx.db.patch("notifications", message._id, { nextAttemptAt: undefined });
    const reason = `Interrupted ${before} times before it could be sent.`;
    await fail(ctx, message, "failed", reason);
    return;
  }
  await ctx.db.patch("notifications", message._id, { interruptions: before + 1 });
  await handOut(ctx, message, now, delay);
}
