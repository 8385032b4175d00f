import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import type { ObjectStore } from "../ontology/store";

/** Addresses that an organization's mail does not go to any more, and what its contacts show of it. */
export type Suppression = Doc<"suppressions">;

export async function findSuppression(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  email: string,
): Promise<Suppression | null> {
  return await ctx.db
    .query("suppressions")
    .withIndex("by_email", (q) =>
      q.eq("organizationId", organizationId).eq("emailKey", emailKey(email)),
    )
    .unique();
}

/** Ends mail to an address, and shows it on the contact. The first reason stays. */
export async function suppress(
  ctx: MutationCtx,
  store: ObjectStore,
  { email, ...why }: Pick<Suppression, "email" | "reason" | "detail" | "notificationId">,
): Promise<void> {
  const { organizationId } = store;
  if (await findSuppression(ctx, organizationId, email)) return;
  const createdAt = Date.now();
  const key = emailKey(email);
  await ctx.db.insert("suppressions", { organizationId, email, emailKey: key, ...why, createdAt });
  const contact = await store.findByKey("crm_contact", key);
  if (!contact) return;
  const emailProblem = { email, reason: why.reason, at: createdAt };
  const verb = why.reason === "bounced" ? "email_bounced" : "email_complained";
  await store.update(contact, { customProperties: { emailProblem } }, verb);
}

/** A person says that the address is good again. */
export async function lift(
  ctx: MutationCtx,
  store: ObjectStore,
  suppression: Suppression,
): Promise<void> {
  await ctx.db.delete("suppressions", suppression._id);
  const contact = await store.findByKey("crm_contact", suppression.emailKey);
  if (!contact) return;
  await store.update(contact, { customProperties: { emailProblem: undefined } }, "email_restored");
}

/**
 * The address of a person who is erased: not even that mail to it came back is kept. Mail that goes to
 * it once more is judged anew.
 */
export async function forgetAddress(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  email: string,
): Promise<void> {
  const found = await findSuppression(ctx, organizationId, email);
  if (found) await ctx.db.delete("suppressions", found._id);
}

const REKEYED_AT_ONCE = 500;

/** Keys of an earlier rule are made anew (ontology/rekeying.ts); `last` is where to go on, null at the end. */
export async function rekeySuppressions(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  after: string,
): Promise<{ changed: number; last: string | null }> {
  const rows = await ctx.db
    .query("suppressions")
    .withIndex("by_email", (q) => q.eq("organizationId", organizationId).gt("emailKey", after))
    .take(REKEYED_AT_ONCE);
  let changed = 0;
  for (const row of rows) if (await rekey(ctx, row)) changed += 1;
  return { changed, last: rows.at(-1)?.emailKey ?? null };
}

/** Of an address that is there twice by today's rule, the first reason stays. */
async function rekey(
  ctx: MutationCtx,
  { _id, organizationId, email, emailKey: stored, createdAt }: Suppression,
): Promise<boolean> {
  const key = emailKey(email);
  if (key === stored) return false;
  const twin = await ctx.db
    .query("suppressions")
    .withIndex("by_email", (q) => q.eq("organizationId", organizationId).eq("emailKey", key))
    .first();
  if (twin && twin.createdAt <= createdAt) {
    await ctx.db.delete("suppressions", _id);
    return true;
  }
  if (twin) await ctx.db.delete("suppressions", twin._id);
  await ctx.db.patch("suppressions", _id, { emailKey: key });
  return true;
}
