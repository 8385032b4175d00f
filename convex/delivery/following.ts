import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { PAYMENT_EVENTS } from "../payments/events";
import { STAFF_EVENT_TYPES } from "./staffEvents";

/** Stands for every type of event. */
export const ALL_EVENTS = "*";

/** Types of events that are handed on for every organization; others, where somebody follows them. */
export const ALWAYS_FOLLOWED: readonly string[] = [
  ...STAFF_EVENT_TYPES,
  ...PAYMENT_EVENTS,
  // Who holds a task is told, see tasks/news.ts.
  ...["task.created", "task.updated", "task.completed"],
];

/**
 * Hands what a transaction has done to those who follow: schedules at most one run of the
 * dispatcher, and none where nobody does. Call it once, when the transaction's events are written.
 */
export async function announce(
  ctx: MutationCtx,
  tenant: Doc<"organizations"> | Id<"organizations">,
  eventTypes: ReadonlySet<string>,
): Promise<void> {
  if (eventTypes.size === 0) return;
  const organization =
    typeof tenant === "string" ? await ctx.db.get("organizations", tenant) : tenant;
  if (!organization || !isFollowed(organization, eventTypes)) return;
  const { _id: organizationId } = organization;
  await ctx.scheduler.runAfter(0, internal.delivery.dispatcher.dispatch, { organizationId });
}

function isFollowed(
  { followedEvents = [] }: Pick<Doc<"organizations">, "followedEvents">,
  eventTypes: ReadonlySet<string>,
): boolean {
  if (followedEvents.includes(ALL_EVENTS)) return true;
  return [...ALWAYS_FOLLOWED, ...followedEvents].some((type) => eventTypes.has(type));
}
