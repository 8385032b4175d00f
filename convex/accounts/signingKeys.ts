import { p256 } from "@noble/curves/nist.js";
import { v } from "convex/values";
import { base64url, calculateJwkThumbprint } from "jose";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, internalQuery, type MutationCtx } from "../_generated/server";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_AUDIENCE,
  ACCESS_TOKEN_SECONDS,
  siteIssuer,
} from "../kit/accessTokens";
import { openSecret, sealSecret } from "../kit/secretBox";

/** A retired key is published for so long: far longer than what it has signed is good. */
const PUBLISHED_MS = 60 * 60 * 1000;
const DELETED_AT_ONCE = 100;
const MAX_PUBLISHED = 100;

type SigningKey = Doc<"signingKeys">;
type Readable = { kid: string; secret: Uint8Array };

/**
 * An access token of a session, good for 15 minutes (`expiresIn`, in seconds) unless the session ends
 * before. It reads one document, the key; the first one that a deployment needs is made here.
 *
 * @param authTime when the person last proved who they are, in milliseconds, as `authenticatedAt` of
 *   the session has it: `auth_time` of OpenID Connect, there in seconds
 */
export async function signAccessToken(
  ctx: MutationCtx,
  {
    userId,
    sessionId,
    authTime,
  }: { userId: Id<"users">; sessionId: Id<"sessions">; authTime: number },
): Promise<{ accessToken: string; expiresIn: number }> {
  const { kid, secret } = await currentKey(ctx);
  const issuedAt = Math.floor(Date.now() / 1000);
  const header = { alg: ACCESS_TOKEN_ALGORITHM, typ: "JWT", kid };
  const claims = {
    iss: siteIssuer(),
    aud: ACCESS_TOKEN_AUDIENCE,
    sub: userId,
    sid: sessionId,
    iat: issuedAt,
    exp: issuedAt + ACCESS_TOKEN_SECONDS,
    jti: crypto.randomUUID(),
    auth_time: Math.floor(authTime / 1000),
  };
  const accessToken = sign(`${encoded(header)}.${encoded(claims)}`, secret);
  return { accessToken, expiresIn: ACCESS_TOKEN_SECONDS };
}

/**
 * RFC 7515, 5.1. Not by Web Crypto: Convex has no cryptographic randomness in a mutation, which ECDSA
 * asks for there. These signatures need none (RFC 6979).
 */
function sign(input: string, secret: Uint8Array): string {
  const signature = p256.sign(new TextEncoder().encode(input), secret);
  return `${input}.${base64url.encode(signature)}`;
}

function encoded(part: Record<string, string | number>): string {
  return base64url.encode(JSON.stringify(part));
}

/**
 * The key that signs. Two that need the first one at once both read that there is none: one of them is
 * run again, and finds the other's. One that was sealed under another `ENCRYPTION_KEY` than the
 * deployment has now can sign no more: another one takes its place, and it retires.
 */
async function currentKey(ctx: MutationCtx): Promise<Readable> {
  const current = await keyThatIs(ctx, "current");
  if (current === null) return await firstKeys(ctx);
  try {
    return await opened(current);
  } catch (error) {
    warnOfUnreadable(current, error);
    await retire(ctx, current);
    const next = await keyThatIs(ctx, "next");
    if (next) await retire(ctx, next);
    return await firstKeys(ctx);
  }
}

async function opened({ kid, privateJwk }: SigningKey): Promise<Readable> {
  const { d } = JSON.parse(await openSecret(privateJwk)) as { d: string };
  return { kid, secret: base64url.decode(d) };
}

function warnOfUnreadable({ kid }: SigningKey, error: unknown): void {
  const message = "The key of access tokens cannot be read; another one takes its place";
  const reason = error instanceof Error ? error.message : String(error);
  console.warn(JSON.stringify({ level: "WARN", message, kid, reason }));
}

async function keyThatIs(ctx: MutationCtx, status: "current" | "next"): Promise<SigningKey | null> {
  return await ctx.db
    .query("signingKeys")
    .withIndex("by_status", (q) => q.eq("status", status))
    .unique();
}

/** One to sign with now, and the one that signs after it. */
async function firstKeys(ctx: MutationCtx): Promise<Readable> {
  await makeKey(ctx, "next");
  return await makeKey(ctx, "current");
}

async function makeKey(ctx: MutationCtx, status: "current" | "next"): Promise<Readable> {
  // As `sign`: a mutation has the randomness that tokens are made of, and no generation of key pairs.
  const secret = p256.utils.randomSecretKey();
  const point = p256.getPublicKey(secret, false);
  const publicJwk = {
    kty: "EC" as const,
    crv: "P-256" as const,
    x: base64url.encode(point.subarray(1, 33)),
    y: base64url.encode(point.subarray(33)),
  };
  const kid = await calculateJwkThumbprint(publicJwk);
  const whole = { ...publicJwk, d: base64url.encode(secret) };
  const privateJwk = await sealSecret(JSON.stringify(whole));
  const createdAt = Date.now();
  await ctx.db.insert("signingKeys", { kid, publicJwk, privateJwk, status, createdAt });
  return { kid, secret };
}

async function retire(ctx: MutationCtx, { _id }: SigningKey): Promise<void> {
  const retiredAt = Date.now();
  await ctx.db.patch("signingKeys", _id, { status: "retired", retiredAt });
  await ctx.scheduler.runAt(retiredAt + PUBLISHED_MS, internal.accounts.signingKeys.forget, {});
}

/**
 * Another key signs from now on: the one that was made when the last one took its place, and has been
 * published since. The one of before stays published for an hour, so that its tokens are good until
 * they end. For the operator, as often as they like: `npx convex run accounts/signingKeys:rotate`.
 * Once a secret key may be known to others, twice: the one that takes its place was kept beside it.
 */
export const rotate = internalMutation({
  args: {},
  returns: v.object({ kid: v.string() }),
  handler: async (ctx): Promise<{ kid: string }> => {
    const current = await keyThatIs(ctx, "current");
    const next = await keyThatIs(ctx, "next");
    if (current) await retire(ctx, current);
    if (!next) return { kid: (await firstKeys(ctx)).kid };
    await ctx.db.patch("signingKeys", next._id, { status: "current" });
    await makeKey(ctx, "next");
    return { kid: next.kid };
  },
});

/** Scheduled for the end of a retired key's hour: deletes the keys whose hour is over. */
export const forget = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx): Promise<{ deleted: number }> => {
    const over = await ctx.db
      .query("signingKeys")
      .withIndex("by_status", (q) =>
        q.eq("status", "retired").lte("retiredAt", Date.now() - PUBLISHED_MS),
      )
      .take(DELETED_AT_ONCE);
    for (const { _id } of over) await ctx.db.delete("signingKeys", _id);
    if (over.length === DELETED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.accounts.signingKeys.forget, {});
    }
    return { deleted: over.length };
  },
});

const publicKey = v.object({
  kty: v.literal("EC"),
  crv: v.literal("P-256"),
  x: v.string(),
  y: v.string(),
  kid: v.string(),
  alg: v.literal(ACCESS_TOKEN_ALGORITHM),
  use: v.literal("sig"),
});

/** The keys by which a token can be good, as a JSON Web Key Set has them (RFC 7517): those that sign first. */
export const published = internalQuery({
  args: {},
  returns: v.array(publicKey),
  handler: async (ctx): Promise<(typeof publicKey.type)[]> => {
    const keys = await ctx.db.query("signingKeys").withIndex("by_status").take(MAX_PUBLISHED);
    return keys.map(publicKeyOf);
  },
});

/** The key of this id, and since when it signs no more; null for one that there is not. */
export const look = internalQuery({
  args: { kid: v.string() },
  returns: v.union(
    v.object({ publicJwk: publicKey, retiredAt: v.union(v.number(), v.null()) }),
    v.null(),
  ),
  handler: async (ctx, { kid }) => {
    const key = await ctx.db
      .query("signingKeys")
      .withIndex("by_kid", (q) => q.eq("kid", kid))
      .unique();
    return key && { publicJwk: publicKeyOf(key), retiredAt: key.retiredAt ?? null };
  },
});

function publicKeyOf({ kid, publicJwk }: SigningKey): typeof publicKey.type {
  return { ...publicJwk, kid, alg: ACCESS_TOKEN_ALGORITHM, use: "sig" };
}
