import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVerifiedEmail } from "../accounts/verified";
import { record, type WriteScope } from "../ontology/effects";
import type { Caller } from "./caller";
import { ApiError, FieldError, invalidFields } from "./errors";
import { lastDrawAt } from "./limits";
import { type Mode, modeIn } from "./mode";
import { own } from "./own";
import { covers, type Grant } from "./scopes";
import { displayPrefix, newToken, sha256Hex } from "./tokens";

/** A key as its holder gets it, this once. */
export type IssuedKey = { key: Doc<"apiKeys">; token: string };

type KeyRequest = {
  name: string;
  scopes: Grant[];
  /** Its organization's where it is not given. */
  mode?: Mode;
  expiresAt?: number;
};

/** Convex schedules no further ahead, and the revocation is scheduled with the key. */
const MAX_LIFETIME = 5 * 365 * 24 * 60 * 60 * 1000;

/** Living keys of an organization; those that are replaced and stay good for a while count apart. */
const MAX_KEYS = 100;

/**
 * @throws VALIDATION_ERROR for an expiry that has passed or lies too far ahead; CONFLICT where the
 * organization has as many keys as it may have, or is of another mode than is asked for.
 */
export async function issueKey(
  ctx: MutationCtx,
  scope: WriteScope,
  request: KeyRequest,
): Promise<IssuedKey> {
  const mode = await modeIn(ctx, scope.organizationId);
  if (request.mode !== undefined && request.mode !== mode) throw ofOtherMode(mode);
  const { current } = await livingKeys(ctx, scope.organizationId);
  if (current >= MAX_KEYS) {
    throw tooMany("An organization has at most 100 living keys: revoke one that is not used.");
  }
  return await insertKey(ctx, scope, request);
}

async function insertKey(
  ctx: MutationCtx,
  scope: WriteScope,
  { name, scopes, expiresAt }: Omit<KeyRequest, "mode">,
): Promise<IssuedKey> {
  requireVerifiedEmail(scope);
  const now = Date.now();
  if (expiresAt !== undefined && expiresAt <= now) {
    throw invalidFields([{ field: "expiresAt", message: "must lie in the future" }]);
  }
  if (expiresAt !== undefined && expiresAt > now + MAX_LIFETIME) {
    throw invalidFields([{ field: "expiresAt", message: "must lie within five years" }]);
  }
  const mode = await modeIn(ctx, scope.organizationId);
  const token = newToken(mode === "live" ? "api_key_live" : "api_key_test");
  const keyId = await ctx.db.insert("apiKeys", {
    organizationId: scope.organizationId,
    name,
    tokenHash: sha256Hex(token),
    prefix: displayPrefix(token),
    scopes: [...new Set(scopes)],
    createdBy: scope.actor.id,
    createdAt: now,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  if (expiresAt !== undefined) await revokeAt(ctx, keyId, expiresAt);
  await recordKey(ctx, scope, "api_key.created", keyId, { name, scopes });
  return { key: await existing(ctx, keyId), token };
}

/** The organization's key of this id that has not been revoked. @throws API_KEY_NOT_FOUND */
export async function requireKey(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Doc<"apiKeys">> {
  return await own(
    ctx,
    { organizationId },
    "apiKeys",
    id,
    ({ revokedAt }) => revokedAt === undefined,
  );
}

export async function revokeKey(
  ctx: MutationCtx,
  scope: WriteScope,
  key: Doc<"apiKeys">,
): Promise<void> {
  await ctx.db.patch("apiKeys", key._id, { revokedAt: Date.now() });
  await recordKey(ctx, scope, "api_key.revoked", key._id, { name: key.name });
}

/**
 * A new key takes the place of an old one, which stays good for `overlapSeconds`. It is of its
 * organization's mode, also where the old one is a test key of before in a live organization.
 * @throws INVALID_STATE for a key that has been rotated already; CONFLICT where a hundred others
 * that were rotated are still good.
 */
export async function rotateKey(
  ctx: MutationCtx,
  scope: WriteScope,
  key: Doc<"apiKeys">,
  overlapSeconds: number,
): Promise<IssuedKey> {
  if (key.rotatedTo !== undefined) {
    throw new ApiError("INVALID_STATE", "This key has been rotated already.", {
      details: { status: "rotated", allowed: [], rotatedTo: key.rotatedTo },
    });
  }
  const { replaced } = await livingKeys(ctx, scope.organizationId);
  if (overlapSeconds > 0 && replaced >= MAX_KEYS) {
    throw tooMany(
      "At most 100 rotated keys stay good at once: revoke one, or rotate without overlap.",
    );
  }
  const issued = await insertKey(ctx, scope, {
    name: key.name,
    scopes: key.scopes as Grant[],
    ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }),
  });
  const rotatedTo = issued.key._id;
  const endsAt = Math.min(Date.now() + overlapSeconds * 1000, key.expiresAt ?? Infinity);
  await ctx.db.patch("apiKeys", key._id, { rotatedTo, expiresAt: endsAt });
  if (overlapSeconds === 0) await revokeKey(ctx, scope, key);
  else await revokeAt(ctx, key._id, endsAt);
  return issued;
}

/** How many keys are good: those that stand for themselves, and those that a newer one replaces. */
async function livingKeys(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<{ current: number; replaced: number }> {
  const living = await ctx.db
    .query("apiKeys")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("revokedAt", undefined),
    )
    .take(10 * MAX_KEYS);
  const replaced = living.filter(({ rotatedTo }) => rotatedTo !== undefined).length;
  return { current: living.length - replaced, replaced };
}

function tooMany(message: string): ApiError {
  return new ApiError("CONFLICT", message, { details: { limit: MAX_KEYS } });
}

function ofOtherMode(mode: Mode): ApiError {
  const message =
    mode === "live"
      ? 'A live organization gives no test keys: found a test organization (POST /tenants with "mode": "test"), and make its key there.'
      : "A test organization gives test keys alone: leave mode out, or make the key in a live organization.";
  return new FieldError("CONFLICT", message, "mode", { field: "mode", mode });
}

/** A caller hands out no more than it has itself. @throws INSUFFICIENT_SCOPE */
export function requireGrants(caller: Caller, wanted: readonly Grant[]): void {
  const missing = wanted.filter((grant) => !covers(caller.grants, grant));
  if (missing.length === 0) return;
  throw new ApiError("INSUFFICIENT_SCOPE", "A key cannot have more scopes than its maker.", {
    details: { required: missing, granted: [...caller.grants] },
  });
}

/** When the key last called: milliseconds since the epoch, or null. */
export async function lastUsedAt(ctx: QueryCtx, key: Doc<"apiKeys">): Promise<number | null> {
  return await lastDrawAt(ctx, `key:${key._id}`);
}

/** The mutation that ends a credential is set with its expiry: queries do not read the clock. */
async function revokeAt(ctx: MutationCtx, keyId: Id<"apiKeys">, at: number): Promise<void> {
  await ctx.scheduler.runAt(at, internal.expiry.revokeApiKey, { keyId });
}

async function existing(ctx: QueryCtx, keyId: Id<"apiKeys">): Promise<Doc<"apiKeys">> {
  const key = await ctx.db.get("apiKeys", keyId);
  if (!key) throw new Error(`API key ${keyId} vanished within its own transaction.`);
  return key;
}

async function recordKey(
  ctx: MutationCtx,
  scope: WriteScope,
  action: string,
  keyId: Id<"apiKeys">,
  after: { name: string; scopes?: Grant[] },
): Promise<void> {
  const changes = Object.entries(after).map(([field, value]) => ({ field, after: value }));
  await record(ctx, scope, { action, objectType: "api_key", objectId: keyId, changes });
}
