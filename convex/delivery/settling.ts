import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { organizationOf } from "../kit/own";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import {
  attemptFailed,
  ended,
  type Failing,
  holds,
  interrupted,
  isOpen,
  queuedAt,
  succeeded,
} from "../jobs/job";
import type { Job } from "../schemas/jobSchemas";
import { endedAs, jobOf, withJob } from "./mailJob";
import { mayAskAgain } from "./providers/configured";
import type { ProviderEvent } from "./providers/event";
import type { Outcome } from "./providers/message";
import { noSecret } from "./secretLink";
import { suppress } from "./suppressions";
import { wayOf } from "./way";

type Notification = Doc<"notifications">;

/** What becomes of a message: by the answer of an attempt, by a lease that ran out, by its provider's events. */

/** How far a message has come; events that arrive late or twice never take it back. */
const RANK: Partial<Record<Notification["status"], number>> = {
  queued: 0,
  sending: 1,
  unknown: 2,
  sent: 3,
  delivered: 4,
  // Also after `delivered`: some receivers take a message first and send it back later.
  bounced: 5,
};

export function isForward(from: Notification["status"], to: Notification["status"]): boolean {
  return (RANK[to] ?? -1) > (RANK[from] ?? Infinity);
}

/** So often in a row an attempt may be cut off before it is taken for what cuts it off. */
const MOST_INTERRUPTIONS = 12;

/**
 * Records how an attempt ended. One that was given up meanwhile (its lease ran out) still counts when
 * it says that the message was sent; nothing else of it does.
 */
export async function settleAttempt(
  ctx: MutationCtx,
  message: Notification,
  { attempt, lease }: { attempt: number; lease?: number | undefined },
  outcome: Outcome,
): Promise<void> {
  const now = Date.now();
  const job = jobOf(message);
  const attempts = message.attempts.map((made, index) =>
    index === attempt
      ? { ...made, durationMs: Math.max(0, now - made.at), ...detailOf(outcome) }
      : made,
  );
  const settled = { attempts, updatedAt: now };
  if (outcome.kind === "sent") {
    const { providerMessageId } = outcome;
    const status = isForward(message.status, "sent") || isUndone(message) ? "sent" : message.status;
    await ctx.db.patch("notifications", message._id, {
      ...settled,
      ...withJob(succeeded(job, now)),
      status,
      sentAt: message.sentAt ?? now,
      ...noReason,
      ...noSecret,
      ...(providerMessageId === undefined ? {} : { providerMessageId }),
    });
    return;
  }
  const isLast = message.status === "sending" && attempt === attempts.length - 1;
  if (!isLast || !holds(job, lease ?? job.lease)) {
    await ctx.db.patch("notifications", message._id, settled);
    return;
  }
  const isUnknown = outcome.kind === "unknown";
  const failing: Failing = {
    error: outcome.error,
    isUnknown,
    ...(outcome.kind === "refused"
      ? { isFinal: true }
      : {
          mayRepeat: !isUnknown || (await maySafelyRepeat(ctx, message, now)),
          retryAfter: outcome.retryAfter,
        }),
  };
  const next = attemptFailed(job, now, failing);
  await ctx.db.patch("notifications", message._id, {
    ...settled,
    ...(isUnknown ? { mayHaveArrived: true } : {}),
    ...(isOpen(next) ? { status: "queued" } : {}),
    ...withJob(next),
    reason: outcome.error,
  });
  if (isOpen(next)) await wake(ctx, message);
  else if (next.state === "cancelled") await withdraw(ctx, { ...message, job: next }, CANCELLED);
  else if (next.state === "expired") await failAsExpired(ctx, { ...message, job: next });
  else {
    const isBounce = outcome.kind === "refused" && outcome.isBounce === true;
    const status = next.state === "unknown" ? "unknown" : isBounce ? "bounced" : "failed";
    await fail(ctx, message, status, outcome.error, { job: next });
  }
}

/** Takes up a message whose attempt was interrupted: nobody knows whether it went out. */
export async function settleInterrupted(ctx: MutationCtx, message: Notification): Promise<void> {
  const now = Date.now();
  const job = jobOf(message);
  const isPoison = (job.interruptions ?? 0) + 1 >= MOST_INTERRUPTIONS;
  const error = "The sender was interrupted; it may have been sent.";
  const mayRepeat = !isPoison && (await maySafelyRepeat(ctx, message, now));
  const next = interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat });
  const status = isOpen(next) ? ("queued" as const) : message.status;
  const doubt = { mayHaveArrived: true, updatedAt: now };
  await ctx.db.patch("notifications", message._id, { ...doubt, status, ...withJob(next) });
  if (isOpen(next)) await wake(ctx, message);
  else await fail(ctx, message, "unknown", error, { job: next });
}

/** Of a message that a person has withdrawn. */
export const CANCELLED = "It was cancelled.";

const noReason = { reason: undefined, cancelReason: undefined };

/** Failed or withdrawn by our own account, which the provider's word corrects. */
function isUndone({ status }: Notification): boolean {
  return status === "failed" || status === "cancelled" || status === "queued";
}

/** Another provider than the one that was asked knows nothing of the key. */
async function maySafelyRepeat(
  ctx: MutationCtx,
  { channel, attempts, organizationId }: Notification,
  now: number,
): Promise<boolean> {
  const [first] = attempts;
  const last = attempts.at(-1);
  if (channel === "in_app" || !first || !last) return false;
  const configured = await wayOf(ctx, await organizationOf(ctx, { organizationId }), channel);
  const isSame = "provider" in configured && configured.provider === last.provider;
  return isSame && mayAskAgain(last.provider, first.at, now);
}

async function wake(ctx: MutationCtx, { organizationId }: Notification): Promise<void> {
  await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
}

/** Makes a message due that is kept, or failed without having been given up. */
export async function makeDue(
  ctx: MutationCtx,
  message: Notification,
  now: number,
  changes: { to?: string } = {},
): Promise<Notification> {
  const job = queuedAt(jobOf(message), now);
  const due = { ...changes, ...withJob(job), reason: undefined, updatedAt: now };
  await ctx.db.patch("notifications", message._id, due);
  await wake(ctx, message);
  const { reason: _reason, ...kept } = message;
  return { ...kept, ...changes, job, updatedAt: now };
}

/**
 * Ends a message that did not arrive, and says so where people look: on what it was about
 * (`invoice.undelivered`), and on the contact when the address is no good.
 */
export async function fail(
  ctx: MutationCtx,
  message: Notification,
  status: "failed" | "bounced" | "unknown",
  reason: string,
  { isPermanent = true, job }: { isPermanent?: boolean; job?: Job } = {},
): Promise<void> {
  const { _id, organizationId, objectId, channel, to, template } = message;
  const updatedAt = Date.now();
  const end = job ? withJob(job) : endedAs(message, status, updatedAt, reason);
  await ctx.db.patch("notifications", _id, { status, reason, ...end, updatedAt });
  const store = new ObjectStore(ctx, systemScope(organizationId, "delivery"));
  if (status === "bounced" && isPermanent && to !== undefined) {
    await suppress(ctx, store, {
      email: to,
      reason: "bounced",
      detail: reason,
      notificationId: _id,
    });
  }
  const object = objectId && (await ctx.db.get("objects", objectId));
  if (object && object.lifecycle !== "deleted") {
    const details = { notificationId: _id, channel, template, status, reason };
    await store.recordHappening(object, "undelivered", details);
  }
  await store.finish();
}

/**
 * Takes back a message that has not gone out: what it is about has changed, or its reader. Nobody needs
 * to be told; who looks for it sees why.
 */
export async function withdraw(
  ctx: MutationCtx,
  message: Notification,
  why: string,
): Promise<void> {
  const doubt = message.mayHaveArrived === true ? " An earlier attempt may have arrived." : "";
  const updatedAt = Date.now();
  await ctx.db.patch("notifications", message._id, {
    ...endedAs(message, "cancelled", updatedAt),
    ...noSecret,
    status: "cancelled",
    reason: undefined,
    cancelReason: `${why}${doubt}`,
    updatedAt,
  });
}

/** Ends a letter whose link is no longer good: nobody should open a door that is closed. */
export async function failAsExpired(ctx: MutationCtx, message: Notification): Promise<void> {
  const reason = "Its link expired before it could be sent.";
  const job = ended(jobOf(message), "expired", Date.now(), reason);
  await ctx.db.patch("notifications", message._id, noSecret);
  await fail(ctx, message, "failed", reason, { job });
}

function detailOf(outcome: Outcome): { error?: string; status?: number } {
  if (outcome.kind === "sent") return {};
  const { error, status } = outcome;
  return { error, ...(status === undefined ? {} : { status }) };
}

/**
 * Records what a provider says of a message later. A status only moves forward; each fact is kept
 * with the time at which it was first so.
 */
export async function recordProgress(
  ctx: MutationCtx,
  message: Notification,
  event: ProviderEvent,
): Promise<void> {
  const { _id } = message;
  const updatedAt = Date.now();
  // The provider has it: no attempt of ours is due any more.
  const isSent = endedAs(message, "sent", updatedAt);
  const taken = { updatedAt, ...noSecret, sentAt: message.sentAt ?? event.at };
  switch (event.kind) {
    case "sent":
    case "delivered": {
      const isNews = isForward(message.status, event.kind) || isUndone(message);
      if (!isNews) return;
      const delivered = event.kind === "delivered" ? { deliveredAt: event.at } : {};
      const status = event.kind;
      await ctx.db.patch("notifications", _id, {
        ...taken,
        ...isSent,
        ...delivered,
        status,
        ...noReason,
      });
      return;
    }
    case "opened":
    case "complained": {
      const field = event.kind === "opened" ? "openedAt" : "complainedAt";
      if (message[field] !== undefined) return;
      // Who has opened it has received it, whether or not the provider says so as well.
      const arrived = isForward(message.status, "delivered") ? "delivered" : message.status;
      const status = event.kind === "opened" ? arrived : message.status;
      const news = status === message.status ? {} : isSent;
      await ctx.db.patch("notifications", _id, { [field]: event.at, status, ...news, updatedAt });
      return;
    }
    case "failed":
      if (message.status === "failed" || isForward("unknown", message.status)) return;
      await ctx.db.patch("notifications", _id, taken);
      await fail(ctx, message, "failed", event.reason);
      return;
    case "bounced":
      if (message.status === "bounced") return;
      await ctx.db.patch("notifications", _id, taken);
      await fail(ctx, message, "bounced", event.reason, { isPermanent: event.isPermanent });
      return;
  }
}
