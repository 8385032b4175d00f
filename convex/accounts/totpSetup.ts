import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { openSecret, sealSecret } from "../kit/secretBox";
import { stepOfCode } from "./totp";

/** The authenticator app of a person: begun, confirmed by a code of it, and proved by codes from then on. */
export type Totp = Doc<"totpSecrets">;

/** So long a code confirms what was begun. */
export const TOTP_BEGUN_MS = 60 * 60 * 1000;

async function totpOf(ctx: QueryCtx, userId: Id<"users">): Promise<Totp | null> {
  return await ctx.db
    .query("totpSecrets")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .unique();
}

export async function confirmedTotp(ctx: QueryCtx, userId: Id<"users">): Promise<Totp | null> {
  const totp = await totpOf(ctx, userId);
  return totp?.confirmedAt === undefined ? null : totp;
}

/** @throws INVALID_STATE where none is set up */
export async function requireTotp(ctx: QueryCtx, userId: Id<"users">): Promise<void> {
  if (await confirmedTotp(ctx, userId)) return;
  const message = "No authenticator is set up: begin with POST /auth/mfa/totp.";
  const details = { status: "absent", allowed: ["confirmed"] };
  throw new ApiError("INVALID_STATE", message, { details });
}

/** What was begun before, and not confirmed, is void. @throws INVALID_STATE where one is set up */
export async function beginTotp(
  ctx: MutationCtx,
  userId: Id<"users">,
  secret: string,
): Promise<void> {
  const totp = await totpOf(ctx, userId);
  if (totp?.confirmedAt !== undefined) {
    const message = "An authenticator is set up already: disable it first.";
    throw new ApiError("INVALID_STATE", message, {
      details: { status: "confirmed", allowed: ["disable"] },
    });
  }
  if (totp) await ctx.db.delete("totpSecrets", totp._id);
  const createdAt = Date.now();
  await ctx.db.insert("totpSecrets", { userId, secret: await sealSecret(secret), createdAt });
}

/** What a person has begun, and may confirm now. @throws INVALID_STATE for nothing */
export async function begunTotp(ctx: QueryCtx, userId: Id<"users">): Promise<Totp> {
  const totp = await totpOf(ctx, userId);
  if (totp && totp.confirmedAt === undefined && Date.now() - totp.createdAt < TOTP_BEGUN_MS) {
    return totp;
  }
  const status = totp?.confirmedAt === undefined ? "absent" : "confirmed";
  const message = "There is nothing to confirm: begin with POST /auth/mfa/totp.";
  throw new ApiError("INVALID_STATE", message, { details: { status, allowed: ["begun"] } });
}

/**
 * Whether a code is right now; it counts once: none of its time step or of one before is taken again
 * (RFC 6238, 5.2). `repeated`: it was right, and was used.
 * @throws SERVICE_UNAVAILABLE when the secret was sealed under another `ENCRYPTION_KEY`
 */
export async function useTotpCode(
  ctx: MutationCtx,
  { _id, secret, lastStep = -1 }: Totp,
  code: string,
): Promise<"right" | "wrong" | "repeated"> {
  const step = stepOfCode(await readable(secret), code, Date.now());
  if (step === null) return "wrong";
  if (step <= lastStep) return "repeated";
  await ctx.db.patch("totpSecrets", _id, { lastStep: step });
  return "right";
}

async function readable(sealed: string): Promise<string> {
  try {
    return await openSecret(sealed);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(
      JSON.stringify({ level: "WARN", message: "An authenticator's secret is lost", reason }),
    );
    const message = "Codes of the authenticator cannot be checked now: use a recovery code.";
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 3600 });
  }
}

export async function confirmTotp(ctx: MutationCtx, { _id }: Totp): Promise<void> {
  await ctx.db.patch("totpSecrets", _id, { confirmedAt: Date.now() });
}

/** Of one person who had two users, of whom the one that stays has no authenticator. */
export async function moveTotp(ctx: MutationCtx, { _id }: Totp, to: Id<"users">): Promise<void> {
  await forgetTotp(ctx, to);
  await ctx.db.patch("totpSecrets", _id, { userId: to });
}

export async function forgetTotp(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  const totp = await totpOf(ctx, userId);
  if (totp) await ctx.db.delete("totpSecrets", totp._id);
}
