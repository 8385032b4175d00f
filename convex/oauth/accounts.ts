import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holderOfProvedEmail, setProvedEmail, userByEmail } from "../accounts/addresses";
import { emailKey, keptEmail } from "../kit/email";
import { ApiError } from "../kit/errors";
import { cutShort, oneLine } from "../kit/invisible";
import { accountOf, name, type OAuthIdentity } from "./identities";

/**
 * Whose an account at a provider is. It names a user by its subject; by its address it is joined with
 * somebody only if the provider vouches for that.
 */
const MAX_NAME = 200;

type User = Doc<"users">;

/**
 * Who signs in by this account: the user that it names already, else the one whose address it proves,
 * else somebody new. Both of the latter are named by it from now on.
 * @throws EMAIL_NOT_VERIFIED where the provider has not verified the address, or does not say that it has
 *   and the address is somebody's: they sign in as before, and connect the account; FORBIDDEN for an
 *   account that was deleted, and for who is new where nobody may come uninvited
 */
export async function userOf(
  ctx: MutationCtx,
  account: OAuthIdentity,
): Promise<{ user: User; isNew: boolean }> {
  const known = await accountOf(ctx, account);
  if (known) return { user: await living(ctx, known.userId), isNew: false };
  const email = keptEmail(account.email ?? "");
  if (email !== null && account.standing === "proved") {
    const holder = await holderOfProvedEmail(ctx, email);
    const user = holder ? await living(ctx, holder._id) : await newUser(ctx, account, email);
    await name(ctx, user._id, account);
    return { user, isNew: holder === null };
  }
  if (account.standing === "refuted" || (email !== null && (await userByEmail(ctx, email)))) {
    const message =
      "The provider has not verified this address. Sign in as before, and connect it.";
    throw new ApiError("EMAIL_NOT_VERIFIED", message);
  }
  const user = await newUser(ctx, account, null);
  await name(ctx, user._id, account);
  return { user, isNew: true };
}

async function living(ctx: QueryCtx, id: Id<"users">): Promise<User> {
  const user = await ctx.db.get("users", id);
  if (user && user.deletedAt === undefined) return user;
  throw new ApiError("FORBIDDEN", "This account was deleted.");
}

async function newUser(
  ctx: MutationCtx,
  account: OAuthIdentity,
  proved: string | null,
): Promise<User> {
  await requireWelcome(ctx, proved);
  const given = personName(account.name ?? "");
  const id = await ctx.db.insert("users", {
    name: given === "" ? (proved ?? "New user") : given,
    isPlatformAdmin: false,
    createdAt: Date.now(),
  });
  const user = await living(ctx, id);
  return proved === null ? user : await setProvedEmail(ctx, user, proved);
}

/** As one would have typed it. */
function personName(claimed: string): string {
  return cutShort(oneLine(claimed).trim(), MAX_NAME).trimEnd();
}

/** @throws FORBIDDEN for who is new and not invited, where `REGISTRATION` is `invite` */
async function requireWelcome(ctx: QueryCtx, proved: string | null): Promise<void> {
  if (process.env.REGISTRATION !== "invite") return;
  const key = proved === null ? null : emailKey(proved);
  const invited =
    key !== null &&
    (await ctx.db
      .query("memberships")
      .withIndex("by_invitee", (q) =>
        q.eq("invite.emailKey", key).gt("invite.expiresAt", Date.now()),
      )
      .first());
  if (invited) return;
  throw new ApiError("FORBIDDEN", "New accounts are made by invite alone.");
}
