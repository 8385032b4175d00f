import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import {
  internalAction,
  internalMutation,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import { retryConflicts } from "../kit/http/conflicts";
import { type AuditEntry, commitOf, digestsOf, GENESIS, linkOf } from "./digest";

/**
 * Links entries into their organizations' chains, in the order in which they were committed: by a
 * job, so that two writes of an organization never wait for each other to add to its end.
 */
type Chain = Pick<Doc<"auditChains">, "seq" | "hash" | "commitTs">;

/** Few, so that requests on a host of one thread do not wait long behind it. */
const SEALED_AT_ONCE = 50;
const MAX_BYTES = 4 * 1024 * 1024;

/** Goes on until nothing waits; a cron job does not start again while it runs. */
export const sealAll = internalAction({
  args: {},
  returns: v.null(),
  handler: async (ctx): Promise<null> => {
    const seal = async (): Promise<{ more: boolean }> =>
      await ctx.runMutation(internal.audit.sealing.seal, {});
    while ((await retryConflicts(seal)).more);
    return null;
  },
});

/**
 * Seals the oldest entries that wait, of all organizations. What is committed while this runs is left
 * to the next, so that writes do not conflict with it.
 */
export const seal = internalMutation({
  args: {},
  returns: v.object({ sealed: v.number(), more: v.boolean() }),
  handler: async (ctx) => {
    const waiting = ctx.db
      .query("auditLogs")
      .withIndex("by_seal", (q) =>
        q.eq("seq", undefined).lte("commitTs", ctx.meta.getSnapshotTs()),
      );
    const { page, isDone } = await waiting.paginate({
      numItems: SEALED_AT_ONCE,
      cursor: null,
      maximumBytesRead: MAX_BYTES,
    });
    for (const [organizationId, entries] of byOrganization(page)) {
      await extendChain(ctx, organizationId, entries);
    }
    return { sealed: page.length, more: !isDone };
  },
});

function byOrganization(entries: readonly AuditEntry[]): Map<Id<"organizations">, AuditEntry[]> {
  const groups = new Map<Id<"organizations">, AuditEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.organizationId);
    if (group) group.push(entry);
    else groups.set(entry.organizationId, [entry]);
  }
  return groups;
}

async function extendChain(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  entries: readonly AuditEntry[],
): Promise<void> {
  const known = await chainOf(ctx, organizationId);
  let end: Chain = known ?? NO_CHAIN;
  for (const entry of entries) end = await linkEntry(ctx, end, entry);
  const { seq, hash, commitTs } = end;
  if (known) await ctx.db.patch("auditChains", known._id, { seq, hash, commitTs });
  else await ctx.db.insert("auditChains", { organizationId, seq, hash, commitTs });
}

async function linkEntry(ctx: MutationCtx, end: Chain, entry: AuditEntry): Promise<Chain> {
  const seq = end.seq + 1;
  // Entries from before there was a chain have none yet.
  const digests = entry.digests ?? digestsOf(entry);
  const hash = linkOf(end.hash, seq, entry, digests);
  await ctx.db.patch("auditLogs", entry._id, { digests, seq, hash });
  return { seq, hash, commitTs: commitOf(entry) };
}

/** Before the first link. */
export const NO_CHAIN: Chain = { seq: 0, hash: GENESIS, commitTs: 0n };

/** Where the organization's chain ends; null before its first link. */
export async function chainOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<Doc<"auditChains"> | null> {
  return await ctx.db
    .query("auditChains")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
}
