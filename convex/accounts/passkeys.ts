import { base64url } from "jose";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, notFound } from "../kit/errors";
import { idOfAnyTenant } from "../kit/own";
import type { Registration } from "./passkeyFindings";
import { relyingParty } from "./relyingParty";

export type Passkey = Doc<"passkeys">;

export const MAX_PASSKEYS = 20;

export function isUsable({ rpId }: Passkey): boolean {
  return rpId === relyingParty().id;
}

export async function passkeyByCredential(
  ctx: QueryCtx,
  credentialId: string,
): Promise<Passkey | null> {
  return await ctx.db
    .query("passkeys")
    .withIndex("by_credentialId", (q) => q.eq("credentialId", credentialId))
    .unique();
}

/** Of every host; at most twenty. */
export async function passkeysOf(ctx: QueryCtx, userId: Id<"users">): Promise<Passkey[]> {
  return await ctx.db
    .query("passkeys")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .take(MAX_PASSKEYS);
}

/** Those that are good at the host of now. */
export async function usablePasskeys(ctx: QueryCtx, userId: Id<"users">): Promise<Passkey[]> {
  return await ctx.db
    .query("passkeys")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("rpId", relyingParty().id))
    .take(MAX_PASSKEYS);
}

/** @throws PASSKEY_NOT_FOUND */
export async function requirePasskey(
  ctx: QueryCtx,
  userId: Id<"users">,
  id: string,
): Promise<Passkey> {
  const passkeyId = idOfAnyTenant(ctx, "passkeys", id);
  const passkey = passkeyId && (await ctx.db.get("passkeys", passkeyId));
  if (passkey?.userId !== userId) throw notFound("passkey");
  return passkey;
}

/** @throws CONFLICT for a credential that is registered, or one more than an account may have */
export async function addPasskey(
  ctx: MutationCtx,
  userId: Id<"users">,
  name: string,
  made: Registration & { isGood: true },
): Promise<Passkey> {
  await requireRoomForPasskey(ctx, userId);
  const { credentialId, publicKey, counter, transports, backedUp } = made;
  if (await passkeyByCredential(ctx, credentialId)) {
    throw new ApiError("CONFLICT", "This passkey is registered already.");
  }
  const id = await ctx.db.insert("passkeys", {
    ...{ userId, name, credentialId, publicKey, counter, transports, backedUp },
    ...{ rpId: relyingParty().id, createdAt: Date.now() },
  });
  const passkey = await ctx.db.get("passkeys", id);
  if (!passkey) throw new Error("A new passkey is missing.");
  return passkey;
}

/** @throws CONFLICT */
export async function requireRoomForPasskey(ctx: QueryCtx, userId: Id<"users">): Promise<void> {
  if ((await passkeysOf(ctx, userId)).length < MAX_PASSKEYS) return;
  const message = `An account has at most ${MAX_PASSKEYS} passkeys: remove one first.`;
  throw new ApiError("CONFLICT", message);
}

export async function forgetPasskeys(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id } of await passkeysOf(ctx, userId)) await ctx.db.delete("passkeys", _id);
}

/** Of one person who had two users. @throws CONFLICT where they have more than an account may have */
export async function movePasskeys(
  ctx: MutationCtx,
  from: Id<"users">,
  to: Id<"users">,
): Promise<void> {
  for (const { _id, madeFor = from } of await passkeysOf(ctx, from)) {
    await requireRoomForPasskey(ctx, to);
    await ctx.db.patch("passkeys", _id, { userId: to, madeFor });
  }
}

/** What an authenticator keeps of whose a passkey is: no name or address (WebAuthn, 14.6.1). */
export function userHandleOf(userId: Id<"users">): string {
  return base64url.encode(userId);
}
