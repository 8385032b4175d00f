import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import type { Found } from "./rekeying";

/** The e-mails of an organization that stand beside its objects: suppressed ones, and of its members. */
const ROWS_AT_ONCE = 500;
const MEMBERS_READ = 500;

/** In the order of the keys; answers the last one that was looked at, null at the end. */
export async function rekeySuppressions(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  after: string,
  found: Found,
): Promise<string | null> {
  const rows = await ctx.db
    .query("suppressions")
    .withIndex("by_email", (q) => q.eq("organizationId", organizationId).gt("emailKey", after))
    .take(ROWS_AT_ONCE);
  for (const row of rows) await rekeySuppression(ctx, row, found);
  return rows.at(-1)?.emailKey ?? null;
}

/** Of an address that is there twice by today's rule, the first reason stays. */
async function rekeySuppression(
  ctx: MutationCtx,
  { _id, organizationId, email, emailKey: stored, createdAt }: Doc<"suppressions">,
  found: Found,
): Promise<void> {
  const key = emailKey(email);
  if (key === stored) return;
  found.changed += 1;
  const twin = await ctx.db
    .query("suppressions")
    .withIndex("by_email", (q) => q.eq("organizationId", organizationId).eq("emailKey", key))
    .first();
  if (twin && twin.createdAt <= createdAt) {
    await ctx.db.delete("suppressions", _id);
    return;
  }
  if (twin) await ctx.db.delete("suppressions", twin._id);
  await ctx.db.patch("suppressions", _id, { emailKey: key });
}

export async function rekeyAddresses(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  found: Found,
): Promise<void> {
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .take(MEMBERS_READ);
  for (const { _id, invite, userId } of memberships) {
    if (invite && emailKey(invite.email) !== invite.emailKey) {
      found.changed += 1;
      const rekeyed = { ...invite, emailKey: emailKey(invite.email) };
      await ctx.db.patch("memberships", _id, { invite: rekeyed });
    }
    const user = userId && (await ctx.db.get("users", userId));
    if (user) await rekeyUser(ctx, user, found);
  }
}

/** An account keeps its old key where another has its address by now: a person decides whose it is. */
async function rekeyUser(
  ctx: MutationCtx,
  { _id, email, emailKey: stored }: Doc<"users">,
  found: Found,
): Promise<void> {
  const key = email === undefined ? undefined : emailKey(email);
  if (key === undefined || key === stored) return;
  const holder = await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", key))
    .first();
  if (holder) {
    found.collisions.push({ type: "user", key, ids: [holder._id, _id] });
    return;
  }
  found.changed += 1;
  await ctx.db.patch("users", _id, { emailKey: key });
}
