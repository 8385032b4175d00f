import type { QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { rowOfAnyTenant } from "../kit/own";
import type { WriteScope } from "../ontology/effects";
import type { ObjectDoc } from "../ontology/registry";

/**
 * Whether who writes now wrote a comment: also under an account that was joined to theirs since. Keys write for
 * the organization: what one of them wrote is any of theirs.
 */
export async function isAuthor(
  ctx: Pick<QueryCtx, "db">,
  { actor }: Pick<WriteScope, "actor">,
  { customProperties: { author } }: ObjectDoc<"comment">,
): Promise<boolean> {
  if (actor.type !== author.type) return false;
  if (actor.id === author.id || actor.type === "api_key") return true;
  if (actor.type !== "user") return false;
  const account = await rowOfAnyTenant(ctx, "users", author.id);
  return account?.mergedInto === actor.id;
}

/** @throws FORBIDDEN */
export async function requireAuthor(
  ctx: Pick<QueryCtx, "db">,
  scope: WriteScope,
  comment: ObjectDoc<"comment">,
  does: "changes" | "deletes",
): Promise<void> {
  if (await isAuthor(ctx, scope, comment)) return;
  const others = does === "changes" ? "" : "; so may a lead of its project, an owner and a manager";
  throw new ApiError("FORBIDDEN", `Only who wrote a comment ${does} it${others}.`);
}
