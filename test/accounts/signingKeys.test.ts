/** The keys of access tokens: made when they are needed, sealed, rotated, forgotten. */
import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { signAccessToken } from "../../convex/accounts/signingKeys";
import { type Fixture, newBackend } from "../helpers/backend";

const SITE = "https://api.studio.test";
const HOUR = 60 * 60 * 1000;
const keys = internal.accounts.signingKeys;

let home: Fixture;
let userId: Id<"users">;
let sessionId: Id<"sessions">;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubEnv("CONVEX_SITE_URL", SITE);
  vi.stubEnv("ENCRYPTION_KEY", btoa("a".repeat(32)));
  home = await newBackend();
  const session = await home.backend.run(async (ctx) => await ctx.db.query("sessions").first());
  if (!session) throw new Error("No session was founded.");
  ({ userId, _id: sessionId } = session);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function signed(authTime = Date.now()): Promise<string> {
  const { accessToken, expiresIn } = await home.backend.run(
    async (ctx) => await signAccessToken(ctx, { userId, sessionId, authTime }),
  );
  expect(expiresIn).toBe(900);
  return accessToken;
}

/** As anybody can check it: against what is published. */
async function verified(token: string): Promise<JWTPayload> {
  const published = await home.backend.query(keys.published, {});
  const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: published }), {
    algorithms: ["ES256"],
    issuer: SITE,
    audience: "convex",
    typ: "JWT",
    currentDate: new Date(),
  });
  return payload;
}

const rows = async (): Promise<Doc<"signingKeys">[]> =>
  await home.backend.run(async (ctx) => await ctx.db.query("signingKeys").collect());
const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid;

test("a token says who signed it for whom, under which session, and until when", async () => {
  vi.setSystemTime(1_800_000_000_999);
  const payload = await verified(await signed(1_799_999_000_500));
  expect(payload).toEqual({
    iss: SITE,
    aud: "convex",
    sub: userId,
    sid: sessionId,
    iat: 1_800_000_000,
    exp: 1_800_000_900,
    jti: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    auth_time: 1_799_999_000,
  });
  expect((await verified(await signed())).jti).not.toBe(payload.jti);
});

test("to sign reads one document, once there is a key", async () => {
  await signed();
  const read = await home.backend.run(async (ctx) => {
    await signAccessToken(ctx, { userId, sessionId, authTime: 0 });
    return (await ctx.meta.getTransactionMetrics()).documentsRead.used;
  });
  expect(read).toBe(1);
});

test("all tokens are signed by one key, whose private half is neither readable nor published", async () => {
  expect(kidOf(await signed())).toBe(kidOf(await signed()));
  for (const row of await rows()) expect(row.privateJwk).toMatch(/^aes-gcm:/);
  for (const key of await home.backend.query(keys.published, {})) {
    expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  }
});

describe("rotated", () => {
  test("the key that signs next has been published before it does", async () => {
    await signed();
    const before = await home.backend.query(keys.published, {});
    const { kid } = await home.backend.mutation(keys.rotate, {});
    expect(before.map((key) => key.kid)).toContain(kid);
    expect(kidOf(await signed())).toBe(kid);
  });

  test("three times, each key's tokens are good until they end", async () => {
    const tokens = [await signed()];
    for (let turn = 0; turn < 3; turn++) {
      const { kid } = await home.backend.mutation(keys.rotate, {});
      const token = await signed();
      expect(kidOf(token)).toBe(kid);
      tokens.push(token);
    }
    expect(new Set(tokens.map(kidOf)).size).toBe(4);
    for (const token of tokens) expect((await verified(token)).sub).toBe(userId);
  });

  test("a key is deleted an hour later, and the one that signs is not", async () => {
    await signed();
    const { kid } = await home.backend.mutation(keys.rotate, {});
    vi.advanceTimersByTime(HOUR - 1000);
    await home.backend.finishInProgressScheduledFunctions();
    expect(await rows()).toHaveLength(3);
    vi.advanceTimersByTime(1000);
    await home.backend.finishInProgressScheduledFunctions();
    const left = await rows();
    expect(left.map(({ status }) => status).sort()).toEqual(["current", "next"]);
    expect(left.find(({ status }) => status === "current")?.kid).toBe(kid);
  });

  test("before there was a key, it makes the first one", async () => {
    const { kid } = await home.backend.mutation(keys.rotate, {});
    expect(kidOf(await signed())).toBe(kid);
    expect(await rows()).toHaveLength(2);
  });
});

test("a key that was sealed under another ENCRYPTION_KEY is replaced, and its tokens stay good", async () => {
  const before = await signed();
  vi.stubEnv("ENCRYPTION_KEY", btoa("b".repeat(32)));
  const after = await signed();
  expect(kidOf(after)).not.toBe(kidOf(before));
  expect(kidOf(await signed())).toBe(kidOf(after));
  for (const token of [before, after]) expect((await verified(token)).sid).toBe(sessionId);
});
