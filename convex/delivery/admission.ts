import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { holds, NEVER, queuedAt } from "../jobs/job";
import { jobOf, withJob } from "./mailJob";
import { obstacleTo } from "./obstacles";
import type { Notification } from "./outbox";
import type { OutboundChannel } from "./providers/configured";
import { isExpired } from "./secretLink";
import { fail, failAsExpired, withdraw } from "./settling";
import { basisOf, readSubject, type Said } from "./subjects";
import { type Way, wayOf } from "./way";

/** A message that may go out now, with what it says now. */
export type Admitted = {
  message: Notification & { channel: OutboundChannel; to: string };
  organization: Doc<"organizations">;
  way: Exclude<Way, { missing: string }>;
  said: Said;
  /** What `said` rests on. */
  basis: string;
  /** An attempt that may have arrived is repeated as it was: what it said is said again. */
  isRepetition: boolean;
};

/**
 * Reads a message and all that it is about as they are now. Null when there is nothing to do: another
 * attempt has begun, or it may not go out, which is then said on its row.
 */
export async function admit(
  ctx: MutationCtx,
  notificationId: Id<"notifications">,
  attempt: number,
  lease: number | undefined,
): Promise<Admitted | null> {
  const message = await ctx.db.get("notifications", notificationId);
  if (message?.status !== "queued" || message.attempts.length !== attempt) return null;
  // Taken from who had it, and given to another.
  if (lease !== undefined && !holds(jobOf(message), lease)) return null;
  const { organizationId, channel, to, data, attachments } = message;
  const organization = await ctx.db.get("organizations", organizationId);
  if (channel === "in_app" || !organization) return null;
  const reading = await readSubject(ctx, organization, message);
  if ("withdrawn" in reading || to === undefined) {
    const why = "withdrawn" in reading ? reading.withdrawn : "It goes to nobody.";
    await withdraw(ctx, message, why);
    return null;
  }
  const obstacle = await obstacleTo(ctx, organization, { channel, to });
  if (obstacle !== null) {
    await fail(ctx, message, "failed", obstacle);
    return null;
  }
  const now = Date.now();
  if (isExpired(message, now)) {
    await failAsExpired(ctx, message);
    return null;
  }
  const way = await wayOf(ctx, organization, channel);
  if ("missing" in way) {
    const kept = { ...withJob(queuedAt(jobOf(message), NEVER)), reason: way.missing };
    await ctx.db.patch("notifications", notificationId, { ...kept, updatedAt: now });
    return null;
  }
  const isRepetition = mayHaveArrived(message);
  return {
    message: { ...message, channel, to },
    organization,
    way,
    said: isRepetition ? { data, attachments } : reading,
    basis: await basisOf(ctx, organization, message),
    isRepetition,
  };
}

/** Rows of before did not say so: of theirs, Resend alone was asked again without knowing. */
function mayHaveArrived({ mayHaveArrived, sender, attempts }: Notification): boolean {
  const isOfBefore = sender === undefined && attempts.some(({ provider }) => provider === "resend");
  return mayHaveArrived ?? isOfBefore;
}
