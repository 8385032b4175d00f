import { getConvexSize } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { once } from "../kit/once";
import { objectsAfter, placeOf, type Position, START } from "../ontology/commitOrder";
import { type Tenant, TenantReader } from "../ontology/reader";
import { isSynced, type SyncedDoc } from "../ontology/syncedRecord";
import { membershipOf } from "../kit/memberships";

/** Bytes of rows after which a page ends: half of what Convex lets a transaction read. */
const MAX_BYTES = 8 * 1024 * 1024;

/** A row as it is, or one that the reader does not see any more and may still have a copy of. */
export type PulledRow = { object: SyncedDoc; isSeen: boolean };
export type PulledPage = { rows: PulledRow[]; end: Position; hasMore: boolean };

/**
 * The next rows in commit order. What changes meanwhile moves to the end of that order, so it is met
 * there; where `hasMore` is false, everything committed up to this very moment has been handed out.
 * Rows that are not synced, or not seen (ontology/sight.ts), count toward the page, which can therefore be short, even empty, with more
 * to come: it reads the page and one row, whatever lies between.
 * @throws GONE when tombstones that came after the position are no longer kept
 */
export async function pullPage(
  ctx: QueryCtx,
  tenant: Tenant,
  after: Position,
  limit: number,
): Promise<PulledPage> {
  const { organizationId } = tenant;
  const { sight } = new TenantReader(ctx, tenant);
  const membership = once(async () =>
    tenant.member === undefined ? null : await membershipOf(ctx, tenant.member, organizationId),
  );
  if (after !== START) await requireTombstones(ctx, organizationId, after);
  const rows: PulledRow[] = [];
  let end = after;
  let seen = 0;
  let bytes = 0;
  for await (const row of objectsAfter(ctx, organizationId, after)) {
    if (seen === limit || bytes > MAX_BYTES) return { rows, end, hasMore: true };
    seen += 1;
    bytes += getConvexSize(row);
    end = placeOf(row);
    if (!isSynced(row)) continue;
    const isSeen = await sight.sees(row);
    if (isSeen || (await sight.mayHold(row, await membership()))) {
      rows.push({ object: row, isSeen });
    }
  }
  return { rows, end, hasMore: false };
}

/** The newest commit of the organization's objects; one index read, which a subscription repeats. */
export async function latestCommit(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<Position> {
  const newest = await ctx.db
    .query("objects")
    .withIndex("by_commit", (q) => q.eq("organizationId", organizationId))
    .order("desc")
    .first();
  if (!newest) return START;
  return placeOf(newest);
}

export function isBefore(a: Position, b: Position): boolean {
  return a.commitTs === b.commitTs ? a.creationTime < b.creationTime : a.commitTs < b.commitTs;
}

async function requireTombstones(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { commitTs }: Position,
): Promise<void> {
  const horizon = await ctx.db
    .query("syncHorizons")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
  if (!horizon || commitTs >= horizon.commitTs) return;
  throw new ApiError("GONE", "What was deleted since then is no longer known; pull all anew.", {
    details: { resync: true },
  });
}
