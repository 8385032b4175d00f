import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "./errors";
import { MAX_BYTES_REWRITTEN } from "./page";

/** What is kept of an answer about a person who has been erased. */
const ERASED = "";
const KEPT_FOR = 24 * 60 * 60 * 1000;

/** Whose keys they are: a caller of an organization, or a person who acts for none. */
export type KeyOwner = { organizationId?: Id<"organizations">; caller: string };

/** A request's Idempotency-Key with the SHA-256 of its method, path and body. */
export type IdempotencyKey = { key: string; fingerprint: string };

/**
 * The first answer that this key got from this caller, as stored, or null.
 * @throws IDEMPOTENCY_KEY_REUSED when the key came with another request; GONE when the answer has been erased.
 */
export async function findReply(
  ctx: MutationCtx,
  owner: KeyOwner,
  idempotency: IdempotencyKey,
): Promise<string | null> {
  const record = await recordOf(ctx, owner, idempotency.key);
  if (!record || record.expiresAt <= Date.now()) return null;
  if (record.fingerprint !== idempotency.fingerprint) {
    throw new ApiError(
      "IDEMPOTENCY_KEY_REUSED",
      "This Idempotency-Key was used with another method, path or body.",
    );
  }
  if (record.reply === ERASED) {
    throw new ApiError("GONE", "The person whom the answer was about has been erased.");
  }
  return record.reply;
}

/** Keeps the first answer for 24 hours, in the transaction that made the change. */
export async function keepReply(
  ctx: MutationCtx,
  owner: KeyOwner,
  idempotency: IdempotencyKey,
  reply: string,
): Promise<void> {
  const record = { fingerprint: idempotency.fingerprint, reply, expiresAt: Date.now() + KEPT_FOR };
  const expired = await recordOf(ctx, owner, idempotency.key);
  if (expired) await ctx.db.patch("idempotencyRecords", expired._id, record);
  else {
    const { key } = idempotency;
    const kept = { ...owner, key, ...record };
    await ctx.db.insert("idempotencyRecords", kept);
  }
}

async function recordOf(
  ctx: MutationCtx,
  owner: KeyOwner,
  key: string,
): Promise<{
  _id: Id<"idempotencyRecords">;
  fingerprint: string;
  reply: string;
  expiresAt: number;
} | null> {
  return await ctx.db
    .query("idempotencyRecords")
    .withIndex("by_key", (q) =>
      q.eq("organizationId", owner.organizationId).eq("caller", owner.caller).eq("key", key),
    )
    .unique();
}

const BLANKED_AT_ONCE = 100;
/** What an id in a kept answer stands between: quotes of JSON, also of JSON in JSON, and slashes. */
const BETWEEN_IDS = /["\\/?&=#]+/;

/**
 * Empties the kept answers that name one of these objects; a repeated request must not bring back
 * whom it was about. One page at a time; answers where the next begins, or null after the last.
 */
export async function blankReplies(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  objectIds: ReadonlySet<string>,
  cursor: string | null,
): Promise<string | null> {
  const { page, isDone, continueCursor } = await ctx.db
    .query("idempotencyRecords")
    .withIndex("by_key", (q) => q.eq("organizationId", organizationId))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor, maximumBytesRead: MAX_BYTES_REWRITTEN });
  for (const { _id, reply } of page) {
    if (!reply.split(BETWEEN_IDS).some((part) => objectIds.has(part))) continue;
    await ctx.db.patch("idempotencyRecords", _id, { reply: ERASED });
  }
  return isDone ? null : continueCursor;
}
