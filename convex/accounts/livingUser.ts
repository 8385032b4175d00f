import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { usedUp } from "./oneTimeTokens";

/** Whose a token is. @throws GONE where that account was deleted */
export async function livingUser(
  ctx: QueryCtx,
  { userId }: Pick<Doc<"oneTimeTokens">, "userId">,
): Promise<Doc<"users">> {
  const user = await ctx.db.get("users", userId);
  if (!user || user.deletedAt !== undefined) throw usedUp();
  return user;
}
