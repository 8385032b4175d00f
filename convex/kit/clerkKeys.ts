import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import {
  type ActionCtx,
  internalMutation,
  internalQuery,
  type QueryCtx,
} from "../_generated/server";
import { ApiError } from "./errors";
import { emailKey } from "./email";
import { consume } from "./limits";
import { within } from "./within";
import { canJoin } from "../tenants/users";
import { accountAtClerk } from "./clerk";

/** An unknown key id makes us fetch again, but not more often than this, and so often at most. */
const REFETCH_AFTER_MS = 30_000;
const FETCHES_PER_MINUTE = 6;
const FETCH_WITHIN_MS = 5_000;
const MAX_KEYS = 20;
const MAX_BYTES = 64 * 1024;

const keySet = v.array(v.object({ kid: v.string(), jwk: v.string() }));

/** The key of this id, as far as we have it, and whether the token's user is known as they are. */
export const look = internalQuery({
  args: {
    issuer: v.string(),
    kid: v.string(),
    subject: v.string(),
    /** The e-mail that the token claims to be verified. */
    email: v.union(v.string(), v.null()),
  },
  returns: v.object({
    jwk: v.union(v.string(), v.null()),
    fetchedAt: v.number(),
    isKnown: v.boolean(),
  }),
  handler: async (ctx, { issuer, kid, subject, email }) => {
    const known = await keysOf(ctx, issuer);
    return {
      jwk: known?.keys.find((key) => key.kid === kid)?.jwk ?? null,
      fetchedAt: known?.fetchedAt ?? 0,
      isKnown: await isKnown(ctx, subject, email),
    };
  },
});

/** @throws RATE_LIMITED */
export const allowFetch = internalMutation({
  args: { issuer: v.string() },
  returns: v.null(),
  handler: async (ctx, { issuer }) => {
    await consume(ctx, `jwks:${issuer}`, FETCHES_PER_MINUTE);
    return null;
  },
});

export const keep = internalMutation({
  args: { issuer: v.string(), keys: keySet },
  returns: v.null(),
  handler: async (ctx, { issuer, keys }) => {
    const known = await keysOf(ctx, issuer);
    const row = { issuer, keys, fetchedAt: Date.now() };
    if (known) await ctx.db.patch("clerkKeys", known._id, row);
    else await ctx.db.insert("clerkKeys", row);
    return null;
  },
});

/**
 * The key of this id out of a set that is fetched now, unless one was fetched a moment ago.
 * @throws SERVICE_UNAVAILABLE when Clerk does not answer; RATE_LIMITED
 */
export async function fetchKey(
  ctx: Pick<ActionCtx, "runMutation">,
  { issuer, kid, fetchedAt }: { issuer: string; kid: string; fetchedAt: number },
): Promise<string | null> {
  if (Date.now() - fetchedAt < REFETCH_AFTER_MS) return null;
  await ctx.runMutation(internal.kit.clerkKeys.allowFetch, { issuer });
  const keys = await fetchKeys(issuer);
  await ctx.runMutation(internal.kit.clerkKeys.keep, { issuer, keys });
  return keys.find((key) => key.kid === kid)?.jwk ?? null;
}

async function fetchKeys(issuer: string): Promise<(typeof keySet.type)[number][]> {
  try {
    const text = await within(FETCH_WITHIN_MS, (signal) => fetchText(issuer, signal));
    return readKeys(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(JSON.stringify({ level: "WARN", message: "Clerk's keys cannot be read", reason }));
    const message = "Clerk's signing keys cannot be had at the moment.";
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 });
  }
}

async function fetchText(issuer: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`, { signal, redirect: "error" });
  if (!response.ok) throw new Error(`It answered ${response.status}.`);
  const text = await response.text();
  if (text.length > MAX_BYTES) throw new Error("It answered too much.");
  return text;
}

/** The RSA keys of a JSON Web Key Set: those that Clerk signs with. */
function readKeys(set: unknown): (typeof keySet.type)[number][] {
  const keys = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error("It is not a JSON Web Key Set.");
  return (keys as { kid?: unknown; kty?: unknown }[])
    .flatMap((key) =>
      typeof key?.kid === "string" && key.kty === "RSA"
        ? [{ kid: key.kid, jwk: JSON.stringify(key) }]
        : [],
    )
    .slice(0, MAX_KEYS);
}

async function keysOf(ctx: QueryCtx, issuer: string): Promise<Doc<"clerkKeys"> | null> {
  return await ctx.db
    .query("clerkKeys")
    .withIndex("by_issuer", (q) => q.eq("issuer", issuer))
    .unique();
}

/** Whether there is nothing to be learned of the user from a token that claims this e-mail. */
async function isKnown(ctx: QueryCtx, subject: string, email: string | null): Promise<boolean> {
  const user = await accountAtClerk(ctx, subject);
  if (!user) return false;
  if (user.deletedAt !== undefined || user.email !== undefined || email === null) return true;
  const holder = await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .first();
  return holder !== null && !(await canJoin(ctx, user, holder));
}
