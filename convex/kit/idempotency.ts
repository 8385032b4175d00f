import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { type Caller, callerKey } from "./caller";
import { ApiError } from "./errors";

const KEPT_FOR = 24 * 60 * 60 * 1000;

/** A request's Idempotency-Key with the SHA-256 of its method, path and body. */
export type IdempotencyKey = { key: string; fingerprint: string };

/**
 * The first answer that this key got from this caller, as stored, or null.
 * @throws IDEMPOTENCY_KEY_REUSED when the key came with another request.
 */
export async function findReply(
  ctx: MutationCtx,
  caller: Caller,
  idempotency: IdempotencyKey,
): Promise<string | null> {
  const record = await recordOf(ctx, caller, idempotency.key);
  if (!record || record.expiresAt <= Date.now()) return null;
  if (record.fingerprint !== idempotency.fingerprint) {
    throw new ApiError(
      "IDEMPOTENCY_KEY_REUSED",
      "This Idempotency-Key was used with another method, path or body.",
    );
  }
  return record.reply;
}

/** Keeps the first answer for 24 hours, in the transaction that made the change. */
export async function keepReply(
  ctx: MutationCtx,
  caller: Caller,
  idempotency: IdempotencyKey,
  reply: string,
): Promise<void> {
  const record = { fingerprint: idempotency.fingerprint, reply, expiresAt: Date.now() + KEPT_FOR };
  const expired = await recordOf(ctx, caller, idempotency.key);
  if (expired) await ctx.db.patch("idempotencyRecords", expired._id, record);
  else {
    const { key } = idempotency;
    await ctx.db.insert("idempotencyRecords", { caller: callerKey(caller), key, ...record });
  }
}

async function recordOf(
  ctx: MutationCtx,
  caller: Caller,
  key: string,
): Promise<{
  _id: Id<"idempotencyRecords">;
  fingerprint: string;
  reply: string;
  expiresAt: number;
} | null> {
  return await ctx.db
    .query("idempotencyRecords")
    .withIndex("by_key", (q) => q.eq("caller", callerKey(caller)).eq("key", key))
    .unique();
}
