import { makeFunctionReference } from "convex/server";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { delayAfter } from "../delivery/attempts";
import { errorDataOf } from "./errors";
import type { Outcome } from "./incomingWebhook";

const MAX_ERROR = 500;

/** Records a verified event and applies it; one that is known already changes nothing. */
export const receive = internalMutation({
  args: {
    provider: v.string(),
    eventId: v.string(),
    type: v.string(),
    payload: v.string(),
    handler: v.string(),
  },
  returns: v.object({ isNew: v.boolean() }),
  handler: async (ctx, event): Promise<{ isNew: boolean }> => {
    const { provider, eventId } = event;
    const known = await ctx.db
      .query("incomingEvents")
      .withIndex("by_event", (q) => q.eq("provider", provider).eq("eventId", eventId))
      .unique();
    if (known) return { isNew: false };
    const id = await ctx.db.insert("incomingEvents", {
      ...event,
      receivedAt: Date.now(),
      status: "received",
      attempts: 0,
    });
    await attempt(ctx, id);
    return { isNew: true };
  },
});

/** Another attempt at an event that failed; scheduled with the failure. */
export const retry = internalMutation({
  args: { id: v.id("incomingEvents") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await attempt(ctx, id);
    return null;
  },
});

async function attempt(ctx: MutationCtx, id: Id<"incomingEvents">): Promise<void> {
  const event = await ctx.db.get("incomingEvents", id);
  if (!event || event.status === "applied" || event.status === "ignored") return;
  const attempts = event.attempts + 1;
  const handler = makeFunctionReference<"mutation", { id: Id<"incomingEvents"> }, Outcome>(
    event.handler,
  );
  try {
    const { note: error, ...outcome } = await ctx.runMutation(handler, { id });
    if (outcome.status === "failed") {
      const { organizationId } = outcome;
      if (organizationId) await ctx.db.patch("incomingEvents", id, { organizationId });
      await recordFailure(ctx, event, attempts, error ?? "It cannot be applied yet.");
      return;
    }
    const done = { attempts, nextAttemptAt: undefined, error };
    await ctx.db.patch("incomingEvents", id, { ...outcome, ...done });
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : String(failure);
    await recordFailure(ctx, event, attempts, errorDataOf(failure)?.message ?? message);
  }
}

async function recordFailure(
  ctx: MutationCtx,
  { _id: id, provider, type }: Doc<"incomingEvents">,
  attempts: number,
  reason: string,
): Promise<void> {
  const error = reason.slice(0, MAX_ERROR);
  const delay = delayAfter(attempts);
  const nextAttemptAt = delay === null ? undefined : Date.now() + delay;
  console.error(
    JSON.stringify({ level: "ERROR", message: "incoming event", provider, type, id, error }),
  );
  await ctx.db.patch("incomingEvents", id, { status: "failed", attempts, nextAttemptAt, error });
  if (nextAttemptAt !== undefined) {
    await ctx.scheduler.runAt(nextAttemptAt, internal.kit.incoming.retry, { id });
  }
}
