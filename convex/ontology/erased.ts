import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/**
 * Whether a contact is of a person who was erased: also while the job that blanks what was said of
 * them, and to them, has not come to everything yet.
 */
export async function isErasedPerson(
  ctx: Pick<QueryCtx, "db">,
  contactId: Id<"objects">,
): Promise<boolean> {
  const contact = await ctx.db.get("objects", contactId);
  return contact?.erasedAt !== undefined;
}
