import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { notFound } from "../kit/errors";
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

/** By an id from outside. @throws SUPPRESSION_NOT_FOUND */
export async function requireSuppression(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Suppression> {
  const suppressionId = ctx.db.normalizeId("suppressions", id);
  const suppression = suppressionId && (await ctx.db.get("suppressions", suppressionId));
  if (suppression?.organizationId !== organizationId) throw notFound("suppression");
  return suppression;
}
