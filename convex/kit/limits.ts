import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "./errors";

/**
 * Token buckets. (convex-helpers has one, which reads its row twice and does not say what remains;
 * the maintained rate-limiter is a Convex component, which the embedded deployment cannot host.)
 *
 * A bucket of a large limit is split into shards, so that concurrent requests of one caller seldom
 * write the same row. A request draws a shard at random and tries the others only when that one is
 * empty: together they hand out exactly the limit.
 */
const MINUTE = 60_000;
const REQUESTS_PER_SHARD = 2000;
const MAX_SHARDS = 16;

/** Requests per minute: of a key or user before the tier factor, and of refused strangers by IP. */
export const REQUESTS_PER_MINUTE = 100;
/** Where a token is tried: of an address, and of whoever is signed in there. */
const TRIES_PER_MINUTE = 10;
const TIER_FACTORS: Record<Doc<"organizations">["tier"], number> = { free: 1, pro: 5, premium: 20 };

export type RateLimit = { limit: number; remaining: number; resetSeconds: number };
type Bucket = { tokens: number; updatedAt: number };

export async function consumeForCaller(
  ctx: MutationCtx,
  subject: string,
  tier: Doc<"organizations">["tier"],
): Promise<RateLimit> {
  return await consume(ctx, subject, REQUESTS_PER_MINUTE * TIER_FACTORS[tier]);
}

/** A stranger's request; those that try a token are counted apart, and allowed far fewer. */
export async function consumeForAddress(
  ctx: MutationCtx,
  ip: string | null,
  triesToken: boolean,
): Promise<RateLimit> {
  const subject = `ip:${ip ?? "unknown"}`;
  return triesToken
    ? await consume(ctx, `${subject}:tries`, TRIES_PER_MINUTE)
    : await consume(ctx, subject, REQUESTS_PER_MINUTE);
}

/** Somebody who is signed in tries a token: counted by their account and by their address. */
export async function consumeTry(
  ctx: MutationCtx,
  subject: string,
  ip: string | null,
): Promise<RateLimit> {
  await consumeForAddress(ctx, ip, true);
  return await consume(ctx, `${subject}:tries`, TRIES_PER_MINUTE);
}

/**
 * Takes one token of the subject's bucket, which holds `perMinute` and refills evenly.
 * @throws RATE_LIMITED with the seconds until the next token.
 */
export async function consume(
  ctx: MutationCtx,
  subject: string,
  perMinute: number,
): Promise<RateLimit> {
  const limit = Math.max(1, Math.floor(perMinute * factorFromEnvironment()));
  const shards = Math.min(MAX_SHARDS, Math.max(1, Math.floor(limit / REQUESTS_PER_SHARD)));
  const capacity = limit / shards;
  const now = Date.now();
  const first = Math.floor(Math.random() * shards);
  let wait = Infinity;
  for (let turn = 0; turn < shards; turn++) {
    const shard = (first + turn) % shards;
    const row = await bucketRow(ctx, subject, shard);
    const drawn = draw(row ?? { tokens: capacity, updatedAt: now }, capacity, now);
    if (drawn.taken) {
      if (row) await ctx.db.patch("rateLimits", row._id, drawn.bucket);
      else {
        const isAddress = subject.startsWith("ip:");
        await ctx.db.insert("rateLimits", { subject, isAddress, shard, ...drawn.bucket });
      }
      return rateLimit(limit, drawn.bucket.tokens * shards);
    }
    wait = Math.min(wait, drawn.wait);
  }
  throw new ApiError("RATE_LIMITED", `At most ${limit} requests a minute.`, {
    retryAfter: Math.max(1, Math.ceil(wait / 1000)),
    details: { limit, remaining: 0, resetSeconds: 60 },
  });
}

/** The decision alone: what is left of the bucket now, and whether a token could be taken. */
export function draw(
  bucket: Bucket,
  capacity: number,
  now: number,
): { taken: true; bucket: Bucket } | { taken: false; wait: number } {
  const perMillisecond = capacity / MINUTE;
  // A clock that went backwards must neither refill nor drain.
  const elapsed = Math.max(0, now - bucket.updatedAt);
  const tokens = Math.min(capacity, bucket.tokens + elapsed * perMillisecond);
  if (tokens < 1) return { taken: false, wait: (1 - tokens) / perMillisecond };
  return {
    taken: true,
    bucket: { tokens: tokens - 1, updatedAt: Math.max(now, bucket.updatedAt) },
  };
}

/** When the subject last drew a token: milliseconds since the epoch, or null. */
export async function lastDrawAt(ctx: QueryCtx, subject: string): Promise<number | null> {
  const rows = await ctx.db
    .query("rateLimits")
    .withIndex("by_subject", (q) => q.eq("subject", subject))
    .take(MAX_SHARDS);
  return rows.length === 0 ? null : Math.max(...rows.map((row) => row.updatedAt));
}

async function bucketRow(
  ctx: MutationCtx,
  subject: string,
  shard: number,
): Promise<Doc<"rateLimits"> | null> {
  return await ctx.db
    .query("rateLimits")
    .withIndex("by_subject", (q) => q.eq("subject", subject).eq("shard", shard))
    .unique();
}

function rateLimit(limit: number, tokens: number): RateLimit {
  const remaining = Math.max(0, Math.min(limit - 1, Math.floor(tokens)));
  return { limit, remaining, resetSeconds: Math.ceil(((limit - tokens) / limit) * 60) };
}

/** `RATE_LIMIT_FACTOR` multiplies every limit; tests and benchmarks raise it. */
function factorFromEnvironment(): number {
  const factor = Number(process.env.RATE_LIMIT_FACTOR ?? 1);
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}
