import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import type { HandedOn } from "../kit/handedOn";
import { ApiError } from "../kit/errors";
import { TenantReader } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";

/** So many projects may one mark: they are read at once. */
export const MAX_FAVORITES = 200;

type Member = Extract<Caller, { kind: "user" }>;
type Project = ObjectDoc<"project">;

/** Marks a project, once. @throws CONFLICT for one more than there may be */
export async function addFavorite(
  ctx: MutationCtx,
  member: Member,
  projectId: Id<"objects">,
  now: number,
): Promise<void> {
  if (await favoriteOf(ctx, member, projectId)) return;
  const { organizationId, id: userId } = member;
  const present = await rowsOf(ctx, member);
  if (present.length >= MAX_FAVORITES) await dropVanished(ctx, member, present);
  await ctx.db.insert("favorites", { organizationId, userId, projectId, favoritedAt: now });
}

/** Rows of projects that are no longer seen make room. @throws CONFLICT where all of them are */
async function dropVanished(
  ctx: MutationCtx,
  member: Member,
  rows: readonly Doc<"favorites">[],
): Promise<void> {
  const reader = new TenantReader(ctx, member);
  let dropped = 0;
  for (const { _id, projectId } of rows) {
    if (await reader.find("project", projectId)) continue;
    await ctx.db.delete("favorites", _id);
    dropped += 1;
  }
  if (dropped > 0) return;
  throw new ApiError("CONFLICT", `You have ${MAX_FAVORITES} favorites; take one away first.`, {
    details: { limit: MAX_FAVORITES },
  });
}

export async function removeFavorite(
  ctx: MutationCtx,
  member: Member,
  projectId: Id<"objects">,
): Promise<void> {
  const row = await favoriteOf(ctx, member, projectId);
  if (row) await ctx.db.delete("favorites", row._id);
}

/** Of an account that is no more: to the one that it was joined to, or to nobody. */
export async function handFavoritesOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
): Promise<void> {
  const rows = await rowsOf(ctx, { organizationId, id: from });
  for (const { _id, projectId } of rows) {
    const isKept = to !== null && !(await favoriteOf(ctx, { organizationId, id: to }, projectId));
    if (isKept) await ctx.db.patch("favorites", _id, { userId: to });
    else await ctx.db.delete("favorites", _id);
  }
}

/** Those whose projects the member still sees, the latest first. */
export async function favoritesOf(
  ctx: QueryCtx,
  member: Member,
): Promise<{ project: Project; favoritedAt: number }[]> {
  const reader = new TenantReader(ctx, member);
  const rows = await rowsOf(ctx, member);
  const found = await Promise.all(
    rows.map(async ({ projectId, favoritedAt }) => {
      const project = await reader.find("project", projectId);
      return project && { project, favoritedAt };
    }),
  );
  return found.filter((favorite) => favorite !== null).reverse();
}

async function rowsOf(
  ctx: QueryCtx,
  { organizationId, id }: Pick<Member, "organizationId" | "id">,
): Promise<Doc<"favorites">[]> {
  return await ctx.db
    .query("favorites")
    .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", id))
    .take(MAX_FAVORITES);
}

async function favoriteOf(
  ctx: QueryCtx,
  { organizationId, id }: Pick<Member, "organizationId" | "id">,
  projectId: Id<"objects">,
): Promise<Doc<"favorites"> | null> {
  return await ctx.db
    .query("favorites")
    .withIndex("by_user_and_project", (q) =>
      q.eq("organizationId", organizationId).eq("userId", id).eq("projectId", projectId),
    )
    .unique();
}
