import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import type { Found } from "./rekeyedObjects";

/** The e-mails of an organization's members, which stand beside its objects. */
const MEMBERS_READ = 500;

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
    if (invite?.email !== undefined && emailKey(invite.email) !== invite.emailKey) {
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
