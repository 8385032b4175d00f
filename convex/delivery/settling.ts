import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import { delayAfter } from "./attempts";
import { configuredFor, mayAskAgain } from "./providers/configured";
import type { ProviderEvent } from "./providers/event";
import type { Outcome } from "./providers/message";
import { noSecret } from "./secretLink";
import { suppress } from "./suppressions";

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

/**
 * Records how an attempt ended. One that was given up meanwhile (its lease ran out) still counts when
 * it says that the message was sent; nothing else of it does.
 */
export async function settleAttempt(
  ctx: MutationCtx,
  message: Notification,
  attempt: number,
  outcome: Outcome,
): Promise<void> {
  const now = Date.now();
  const attempts = message.attempts.map((made, index) =>
    index === attempt
      ? { ...made, durationMs: Math.max(0, now - made.at), ...detailOf(outcome) }
      : made,
  );
  const isCurrent = message.status === "sending" && attempt === message.attempts.length - 1;
  const settled = { attempts, updatedAt: now };
  if (outcome.kind === "sent") {
    const { providerMessageId } = outcome;
    const status = isForward(message.status, "sent") || isUndone(message) ? "sent" : message.status;
    await ctx.db.patch("notifications", message._id, {
      ...settled,
      ...idle,
      status,
      sentAt: message.sentAt ?? now,
      ...noReason,
      ...noSecret,
      ...(providerMessageId === undefined ? {} : { providerMessageId }),
    });
    return;
  }
  if (!isCurrent) {
    await ctx.db.patch("notifications", message._id, settled);
    return;
  }
  if (outcome.kind === "refused") {
    await ctx.db.patch("notifications", message._id, { ...settled, ...idle });
    await fail(ctx, message, outcome.isBounce === true ? "bounced" : "failed", outcome.error);
    return;
  }
  const isOpen = outcome.kind === "unknown";
  const mayRepeat = !isOpen || maySafelyRepeat(message, now);
  const { retryAfter } = outcome;
  const delay = mayRepeat
    ? delayAfter(attempts.length, retryAfter === undefined ? {} : { retryAfter })
    : null;
  await ctx.db.patch("notifications", message._id, {
    ...settled,
    ...idle,
    ...(isOpen ? { mayHaveArrived: true } : {}),
    reason: outcome.error,
  });
  if (delay === null) {
    await fail(ctx, message, isOpen ? "unknown" : "failed", outcome.error);
    return;
  }
  await requeue(ctx, message, now + delay);
}

/** Takes up a message whose attempt was interrupted: nobody knows whether it went out. */
export async function settleInterrupted(ctx: MutationCtx, message: Notification): Promise<void> {
  const now = Date.now();
  const interrupted = { ...idle, mayHaveArrived: true, updatedAt: now };
  await ctx.db.patch("notifications", message._id, interrupted);
  if (maySafelyRepeat(message, now)) await requeue(ctx, message, now);
  else await fail(ctx, message, "unknown", "The sender was interrupted; it may have been sent.");
}

const idle = { leasedUntil: undefined, nextAttemptAt: undefined, jobId: undefined };
const noReason = { reason: undefined, cancelReason: undefined };

/** Failed or withdrawn by our own account, which the provider's word corrects. */
function isUndone({ status }: Notification): boolean {
  return status === "failed" || status === "cancelled" || status === "queued";
}

/** Another provider than the one that was asked knows nothing of the key. */
function maySafelyRepeat({ channel, attempts }: Notification, now: number): boolean {
  const [first] = attempts;
  const last = attempts.at(-1);
  if (channel === "in_app" || !first || !last) return false;
  const configured = configuredFor(channel);
  const isSame = "provider" in configured && configured.provider === last.provider;
  return isSame && mayAskAgain(last.provider, first.at, now);
}

async function requeue(ctx: MutationCtx, message: Notification, at: number): Promise<void> {
  const { _id, organizationId } = message;
  await ctx.db.patch("notifications", _id, { status: "queued", nextAttemptAt: at });
  await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
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
  isPermanent = true,
): Promise<void> {
  const { _id, organizationId, objectId, channel, to, template } = message;
  await ctx.db.patch("notifications", _id, { status, reason, updatedAt: Date.now() });
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
  { _id, mayHaveArrived }: Notification,
  why: string,
): Promise<void> {
  const doubt = mayHaveArrived === true ? " An earlier attempt may have arrived." : "";
  await ctx.db.patch("notifications", _id, {
    ...idle,
    ...noSecret,
    status: "cancelled",
    reason: undefined,
    cancelReason: `${why}${doubt}`,
    updatedAt: Date.now(),
  });
}

/** Ends a letter whose link is no longer good: nobody should open a door that is closed. */
export async function failAsExpired(ctx: MutationCtx, message: Notification): Promise<void> {
  await ctx.db.patch("notifications", message._id, { ...noSecret, ...idle });
  await fail(ctx, message, "failed", "Its link expired before it could be sent.");
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
  const taken = { ...idle, updatedAt, ...noSecret, sentAt: message.sentAt ?? event.at };
  switch (event.kind) {
    case "sent":
    case "delivered": {
      const isNews = isForward(message.status, event.kind) || isUndone(message);
      if (!isNews) return;
      const delivered = event.kind === "delivered" ? { deliveredAt: event.at } : {};
      const status = event.kind;
      await ctx.db.patch("notifications", _id, {
        ...taken,
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
      await ctx.db.patch("notifications", _id, { [field]: event.at, status, updatedAt });
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
      await fail(ctx, message, "bounced", event.reason, event.isPermanent);
      return;
  }
}
