import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { usablePasskeys } from "../accounts/passkeys";
import { ApiError } from "../kit/errors";
import { idOfAnyTenant, organizationOf } from "../kit/own";
import type { WriteScope } from "../ontology/effects";

/**
 * An organization may let its members in by a second factor alone. That stands in each membership, which
 * is read with every request of theirs anyway.
 */
export async function factorRuleOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<{ needsSecondFactor?: true }> {
  const { requireSecondFactor } = await organizationOf(ctx, { organizationId });
  return requireSecondFactor ? { needsSecondFactor: true } : {};
}

/** @throws INVALID_STATE for who switches it on and has none: they would lock themselves out */
export async function followFactorRule(
  ctx: MutationCtx,
  { organizationId, actor }: WriteScope,
  isRequired: boolean,
): Promise<void> {
  if (isRequired) await requireOwnFactor(ctx, actor);
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .collect();
  const needsSecondFactor = isRequired ? true : undefined;
  for (const { _id } of memberships) await ctx.db.patch("memberships", _id, { needsSecondFactor });
}

async function requireOwnFactor(ctx: QueryCtx, actor: WriteScope["actor"]): Promise<void> {
  const userId = actor.type === "user" ? idOfAnyTenant(ctx, "users", actor.id) : null;
  const user = userId && (await ctx.db.get("users", userId));
  if (user && (await hasFactor(ctx, user))) return;
  const message =
    "requireSecondFactor is switched on by a member of staff who has a second factor or a passkey: set one up first.";
  const details = { status: "absent", allowed: ["totp", "passkey"] };
  throw new ApiError("INVALID_STATE", message, { details });
}

async function hasFactor(ctx: QueryCtx, { _id, secondFactors }: Doc<"users">): Promise<boolean> {
  return (secondFactors ?? []).length > 0 || (await usablePasskeys(ctx, _id)).length > 0;
}
