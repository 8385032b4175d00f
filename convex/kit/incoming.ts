import { makeFunctionReference } from "convex/server";
import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { attemptFailed, isOpen, newJob, succeeded } from "../jobs/job";
import { errorDataOf } from "./errors";
import { jobOf, putNext, withJob } from "./incomingJob";
import type { Outcome } from "./incomingWebhook";

const MAX_ERROR = 500;
type Incoming = Doc<"incomingEvents">;

const received = v.object({
  isNew: v.boolean(),
  /** What of it could not be read. */
  unreadable: v.union(v.object({ path: v.string(), message: v.string() }), v.null()),
});

/** Records a verified event and applies it; one that is known already changes nothing. */
export const receive = internalMutation({
  args: {
    provider: v.string(),
    eventId: v.string(),
    type: v.string(),
    /** In pieces that each fit a row, see incomingPayload.ts. */
    payload: v.array(v.string()),
    isUtf8: v.boolean(),
    /** What two events under one id differ in. */
    contentHash: v.string(),
    addressedTo: v.optional(v.id("organizations")),
    handler: v.string(),
  },
  returns: received,
  handler: async (ctx, { payload, isUtf8, ...event }): Promise<typeof received.type> => {
    const known = await knownEvent(ctx, event, payload);
    if (known) {
      // An answer that the sender did not like makes it come again: perhaps we can read it by now.
      const isOver = known.status === "failed" && !isOpen(jobOf(known));
      if (known.status === "unreadable" || isOver) await attempt(ctx, known._id);
      return { isNew: false, unreadable: await unreadableOf(ctx, known._id) };
    }
    const [first = "", ...rest] = payload;
    const { addressedTo } = event;
    const id = await ctx.db.insert("incomingEvents", {
      ...event,
      payload: first,
      ...(isUtf8 ? {} : { isUtf8: false }),
      ...(addressedTo === undefined ? {} : { organizationId: addressedTo }),
      receivedAt: Date.now(),
      status: "received",
      job: newJob(Date.now()),
    });
    for (const [index, text] of rest.entries()) {
      await ctx.db.insert("incomingEventPieces", { eventId: id, index, text });
    }
    await attempt(ctx, id);
    return { isNew: true, unreadable: await unreadableOf(ctx, id) };
  },
});

/** The same id with another content is another event: nothing that is signed is dropped for its id. */
async function knownEvent(
  ctx: MutationCtx,
  event: Pick<Incoming, "provider" | "eventId" | "addressedTo"> & { contentHash: string },
  payload: readonly string[],
): Promise<Incoming | null> {
  const { provider, eventId, addressedTo, contentHash } = event;
  const under = async (hash: string | undefined): Promise<Incoming | null> =>
    await ctx.db
      .query("incomingEvents")
      .withIndex("by_event", (q) =>
        q
          .eq("addressedTo", addressedTo)
          .eq("provider", provider)
          .eq("eventId", eventId)
          .eq("contentHash", hash),
      )
      .first();
  const known = await under(contentHash);
  if (known) return known;
  // Rows of before have no hash of theirs.
  const old = await under(undefined);
  return old && old.payload === payload.join("") ? old : null;
}

async function unreadableOf(
  ctx: MutationCtx,
  id: Id<"incomingEvents">,
): Promise<typeof received.type.unreadable> {
  const event = await ctx.db.get("incomingEvents", id);
  if (event?.status !== "unreadable") return null;
  return { path: event.path ?? "body", message: event.error ?? "is not readable" };
}

/** Another attempt at an event that failed; scheduled with the failure. */
export const retry = internalMutation({
  args: { id: v.id("incomingEvents") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    const event = await ctx.db.get("incomingEvents", id);
    if (event && isOpen(jobOf(event))) await attempt(ctx, id);
    return null;
  },
});

async function attempt(ctx: MutationCtx, id: Id<"incomingEvents">): Promise<void> {
  const event = await ctx.db.get("incomingEvents", id);
  if (!event || event.status === "applied" || event.status === "ignored") return;
  const now = Date.now();
  const handler = makeFunctionReference<"mutation", { id: Id<"incomingEvents"> }, Outcome>(
    event.handler,
  );
  try {
    const { note, ...outcome } = await ctx.runMutation(handler, { id });
    const error = note?.slice(0, MAX_ERROR);
    if (outcome.status === "failed") {
      const { organizationId } = outcome;
      if (organizationId) await ctx.db.patch("incomingEvents", id, { organizationId });
      await recordFailure(ctx, event, error ?? "It cannot be applied yet.");
      return;
    }
    const job = jobOf(event);
    const isRead = outcome.status !== "unreadable";
    const failing = { error: `${outcome.path}: ${error}`, isFinal: true };
    const next = isRead ? succeeded(job, now) : attemptFailed(job, now, failing);
    const done = { ...withJob(next), error, path: outcome.path };
    await ctx.db.patch("incomingEvents", id, { ...outcome, ...done });
    if (outcome.status === "unreadable") log(event, `${outcome.path}: ${error}`);
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : String(failure);
    await recordFailure(ctx, event, errorDataOf(failure)?.message ?? message);
  }
}

async function recordFailure(ctx: MutationCtx, event: Incoming, reason: string): Promise<void> {
  const error = reason.slice(0, MAX_ERROR).toWellFormed();
  log(event, error);
  await putNext(ctx, event, attemptFailed(jobOf(event), Date.now(), { error }), error);
}

function log({ _id: id, provider, type }: Incoming, error: string): void {
  console.error(
    JSON.stringify({ level: "ERROR", message: "incoming event", provider, type, id, error }),
  );
}
