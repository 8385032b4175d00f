import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/**
 * What Clerk has told of each of its users, organizations and memberships, so that events may come
 * late, twice and in any order. Clerk never gives an id a second time: what was deleted stays so.
 */
type Told = Doc<"clerkObjects">;
/** As a `created` or `updated` event has it: `updatedAt` is Clerk's clock, never ours. */
export type Telling = { id: string; updatedAt: number; isCreation: boolean };

export async function lastTold(ctx: QueryCtx, clerkId: string): Promise<Told | null> {
  return await ctx.db
    .query("clerkObjects")
    .withIndex("by_clerkId", (q) => q.eq("clerkId", clerkId))
    .unique();
}

export async function isDeletedAtClerk(ctx: QueryCtx, clerkId: string): Promise<boolean> {
  return (await lastTold(ctx, clerkId))?.deletedAt !== undefined;
}

/** Why an event says nothing any more, or null if it does. */
export async function lateness(
  ctx: QueryCtx,
  { id, updatedAt, isCreation }: Telling,
): Promise<string | null> {
  const told = await lastTold(ctx, id);
  if (told?.deletedAt !== undefined) return "It has been deleted, here or at Clerk.";
  const known = told?.updatedAt ?? -Infinity;
  const isNewer = isCreation ? known < updatedAt : known <= updatedAt;
  return isNewer ? null : "Clerk has told of something newer.";
}

export async function remember(
  ctx: MutationCtx,
  { id, updatedAt }: Telling,
  more: { name?: string } = {},
): Promise<void> {
  await write(ctx, id, { updatedAt, ...more });
}

/** Nothing brings it back from now on. */
export async function rememberDeletion(ctx: MutationCtx, clerkId: string): Promise<void> {
  await write(ctx, clerkId, { deletedAt: Date.now(), name: undefined });
}

async function write(
  ctx: MutationCtx,
  clerkId: string,
  fields: Partial<Pick<Told, "updatedAt" | "deletedAt" | "name">>,
): Promise<void> {
  const told = await lastTold(ctx, clerkId);
  if (told) await ctx.db.patch("clerkObjects", told._id, fields);
  else await ctx.db.insert("clerkObjects", { clerkId, ...fields });
}
