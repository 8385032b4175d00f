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
/** What the keys of an organization may ask for together: so many times what one key may. */
const KEYS_SHARE = 10;
/** A key draws from what is shared in blocks of at most so many, so that few requests write that row. */
const SHARED_BLOCK = 10;
const TIER_FACTORS: Record<Doc<"organizations">["tier"], number> = { free: 1, pro: 5, premium: 20 };

export type RateLimit = { limit: number; remaining: number; resetSeconds: number };
type Bucket = { tokens: number; updatedAt: number };

/** @throws RATE_LIMITED */
export async function consumeForCaller(
  ctx: MutationCtx,
  subject: string,
  tier: Doc<"organizations">["tier"],
): Promise<RateLimit> {
  return await consume(ctx, subject, REQUESTS_PER_MINUTE * TIER_FACTORS[tier]);
}

/**
 * A request by an API key: counted as the key's, and among those of all keys of the organization.
 * @throws RATE_LIMITED
 */
export async function consumeForKey(
  ctx: MutationCtx,
  subject: string,
  organization: Doc<"organizations">,
): Promise<RateLimit> {
  const limit = limitOf(REQUESTS_PER_MINUTE * TIER_FACTORS[organization.tier]);
  const drawn = await drawFrom(ctx, subject, limit);
  const ahead = await drawnAhead(ctx, organization, limit, drawn.row);
  await keep(ctx, subject, drawn, { drawnAhead: ahead });
  return drawn.rateLimit;
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
  const drawn = await drawFrom(ctx, subject, limitOf(perMinute));
  await keep(ctx, subject, drawn);
  return drawn.rateLimit;
}

/** What a key has drawn ahead of the organization's bucket, less this request. @throws RATE_LIMITED */
async function drawnAhead(
  ctx: MutationCtx,
  { _id: organizationId }: Doc<"organizations">,
  limit: number,
  row: Doc<"rateLimits"> | null,
): Promise<number> {
  const ahead = row?.drawnAhead ?? 0;
  if (ahead > 0) return ahead - 1;
  const subject = `keys:${organizationId}`;
  const block = Math.max(1, Math.min(SHARED_BLOCK, Math.floor(limit / SHARED_BLOCK)));
  await keep(ctx, subject, await drawFrom(ctx, subject, limit * KEYS_SHARE, block));
  return block - 1;
}

type Drawn = {
  /** The bucket as it is stored: null for one that nobody has drawn from yet. */
  row: Doc<"rateLimits"> | null;
  shard: number;
  bucket: Bucket;
  rateLimit: RateLimit;
};

/** @throws RATE_LIMITED with the seconds until so many tokens are there */
async function drawFrom(
  ctx: MutationCtx,
  subject: string,
  limit: number,
  tokens = 1,
): Promise<Drawn> {
  const shards = Math.min(MAX_SHARDS, Math.max(1, Math.floor(limit / REQUESTS_PER_SHARD)));
  const capacity = limit / shards;
  const now = Date.now();
  const first = Math.floor(Math.random() * shards);
  let wait = Infinity;
  for (let turn = 0; turn < shards; turn++) {
    const shard = (first + turn) % shards;
    const row = await bucketRow(ctx, subject, shard);
    const drawn = draw(row ?? { tokens: capacity, updatedAt: now }, capacity, now, tokens);
    if (drawn.taken) {
      const { bucket } = drawn;
      return { row, shard, bucket, rateLimit: rateLimit(limit, bucket.tokens * shards) };
    }
    wait = Math.min(wait, drawn.wait);
  }
  const whose = subject.startsWith("keys:") ? " of all keys of the organization" : "";
  throw new ApiError("RATE_LIMITED", `At most ${limit} requests a minute${whose}.`, {
    retryAfter: Math.max(1, Math.ceil(wait / 1000)),
    details: { limit, remaining: 0, resetSeconds: 60 },
  });
}

async function keep(
  ctx: MutationCtx,
  subject: string,
  { row, shard, bucket }: Drawn,
  shared: { drawnAhead?: number } = {},
): Promise<void> {
  const fields = { ...bucket, ...shared };
  if (row) {
    await ctx.db.patch("rateLimits", row._id, fields);
    return;
  }
  const isAddress = subject.startsWith("ip:");
  await ctx.db.insert("rateLimits", { subject, isAddress, shard, ...fields });
}

/** The decision alone: what is left of the bucket now, and whether so many tokens could be taken. */
export function draw(
  bucket: Bucket,
  capacity: number,
  now: number,
  wanted = 1,
): { taken: true; bucket: Bucket } | { taken: false; wait: number } {
  const perMillisecond = capacity / MINUTE;
  // A clock that went backwards must neither refill nor drain.
  const elapsed = Math.max(0, now - bucket.updatedAt);
  const tokens = Math.min(capacity, bucket.tokens + elapsed * perMillisecond);
  if (tokens < wanted) return { taken: false, wait: (wanted - tokens) / perMillisecond };
  return {
    taken: true,
    bucket: { tokens: tokens - wanted, updatedAt: Math.max(now, bucket.updatedAt) },
  };
}

function limitOf(perMinute: number): number {
  return Math.max(1, Math.floor(perMinute * factorFromEnvironment()));
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
