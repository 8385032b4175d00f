import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/** When the senders of organizations wake, one row each; see queue.ts. */
const LATE_MS = 10_000;
const WOKEN_AT_ONCE = 100;

/** Wakes the sender at that time, unless it wakes before then anyway; null when nothing waits. */
export async function wakeAt(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  at: number | null,
  now: number,
): Promise<void> {
  const row = await ctx.db
    .query("senders")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
  if (at === null) {
    if (row && row.nextWakeAt <= now) await ctx.db.delete("senders", row._id);
    return;
  }
  if (row && row.nextWakeAt > now && row.nextWakeAt <= at) return;
  if (row) await ctx.db.patch("senders", row._id, { nextWakeAt: at });
  else await ctx.db.insert("senders", { organizationId, nextWakeAt: at });
  await ctx.scheduler.runAt(at, internal.delivery.queue.wake, { organizationId });
}

/** Wakes senders whose hour has passed unused, and those of what is due for long without one. */
export async function wakeLate(ctx: MutationCtx, now: number): Promise<number> {
  const late = await ctx.db
    .query("senders")
    .withIndex("by_wake", (q) => q.lt("nextWakeAt", now - LATE_MS))
    .take(WOKEN_AT_ONCE);
  const overdue = await ctx.db
    .query("notifications")
    .withIndex("by_job", (q) => q.eq("job.state", "queued").lt("job.at", now - 60_000))
    .take(WOKEN_AT_ONCE);
  const ids = new Set([...late, ...overdue].map(({ organizationId }) => organizationId));
  for (const organizationId of ids) {
    await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
  }
  return ids.size;
}
