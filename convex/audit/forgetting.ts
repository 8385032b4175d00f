import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { dayOf, startOfDay } from "../kit/localTime";
import { batchOf } from "../kit/page";
import { record } from "../ontology/effects";
import { systemScope } from "../tenancy";
import { chainOf } from "./sealing";

/**
 * Forgets entries that had their time: ten years, which begin with the end of the calendar year that
 * they are of (§ 147 (4) AO), in the organization's time zone. They go from the beginning of the chain,
 * and the link of the last one stays: from it, the rest verifies as before.
 */
const YEARS_KEPT = 10;
const CHAINS_AT_ONCE = 100;
const FORGOTTEN_AT_ONCE = 200;

/** In the trail: that entries were forgotten, and up to which place and link. */
export const FORGOTTEN = "audit.forgotten";

/** Daily: has every organization's old entries forgotten, a page of organizations at a time. */
export const forgetAll = internalMutation({
  args: { cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { cursor }): Promise<null> => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("auditChains")
      .paginate({ numItems: CHAINS_AT_ONCE, cursor });
    for (const chain of page) {
      const { organizationId } = chain;
      if ((await oldest(ctx, chain)).length === 0) continue;
      await ctx.scheduler.runAfter(0, internal.audit.forgetting.forget, { organizationId });
    }
    if (!isDone) {
      const next = { cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.audit.forgetting.forgetAll, next);
    }
    return null;
  },
});

/** The next batch of one organization, and whatever is left after it. */
export const forget = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.object({ forgotten: v.number() }),
  handler: async (ctx, { organizationId }): Promise<{ forgotten: number }> => {
    const chain = await chainOf(ctx, organizationId);
    const old = chain ? await oldest(ctx, chain, FORGOTTEN_AT_ONCE) : [];
    const last = old.at(-1);
    if (!chain || last?.seq === undefined || last.hash === undefined) return { forgotten: 0 };
    for (const { _id } of old) await ctx.db.delete("auditLogs", _id);
    const forgotten = { seq: last.seq, hash: last.hash };
    await ctx.db.patch("auditChains", chain._id, { forgotten });
    await record(ctx, systemScope(organizationId, "retention"), {
      ...{ action: FORGOTTEN, objectType: "organization", objectId: organizationId },
      changes: [{ field: "anchor", after: `${last.seq}:${last.hash}` }],
    });
    await ctx.scheduler.runAfter(0, internal.audit.forgetting.forget, { organizationId });
    return { forgotten: old.length };
  },
});

/** From the beginning of what is kept, the entries that are old, up to the first that is not. */
async function oldest(
  ctx: MutationCtx,
  { organizationId, forgotten }: Doc<"auditChains">,
  most = 1,
): Promise<Doc<"auditLogs">[]> {
  const before = await keptSince(ctx, organizationId);
  const kept = ctx.db
    .query("auditLogs")
    .withIndex("by_seq", (q) =>
      q.eq("organizationId", organizationId).gt("seq", forgotten?.seq ?? 0),
    );
  const { batch } = await batchOf(kept, most);
  const young = batch.findIndex(({ at }) => at >= before);
  return young === -1 ? batch : batch.slice(0, young);
}

/** The first moment of the oldest year that is kept. */
async function keptSince(ctx: MutationCtx, organizationId: Id<"organizations">): Promise<number> {
  const organization = await ctx.db.get("organizations", organizationId);
  const timeZone = organization?.timeZone ?? "UTC";
  const year = Number(dayOf(Date.now(), timeZone).slice(0, 4)) - YEARS_KEPT;
  return startOfDay(`${String(year).padStart(4, "0")}-01-01`, timeZone);
}
