/** Access tokens at the door: what is taken, what is refused and why, and what it costs. */
import { generateKeyPair, generateSecret, importJWK, type JWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { startSession } from "../../convex/accounts/sessions";
import { signAccessToken } from "../../convex/accounts/signingKeys";
import {
  type Fixture,
  logLines,
  newBackend,
  newMember,
  newTenant,
  ofTests,
  requestsOf,
} from "../helpers/backend";
import type { Answer } from "../helpers/answer";
import { refusalOf } from "../helpers/refusal";

const SITE = "https://api.studio.test";
const CLERK = "https://clerk.studio.test";

type SignedIn = { userId: Id<"users">; sessionId: Id<"sessions">; token: string };

let home: Fixture;
let owner: SignedIn;
let contactId: string;

beforeAll(async () => {
  vi.stubEnv("CONVEX_SITE_URL", SITE);
  vi.stubEnv("CLERK_ISSUER", CLERK);
  home = await newBackend();
  const created = await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
  contactId = created.body.contactId;
  const first = await home.backend.run(async (ctx) => await ctx.db.query("sessions").first());
  if (!first) throw new Error("Nobody is signed in.");
  owner = await signIn(first.userId);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** Another session of the user, with an access token. */
async function signIn(userId: Id<"users">): Promise<SignedIn> {
  return await home.backend.run(async (ctx) => {
    const { session } = await startSession(ctx, userId, ofTests);
    const names = { userId, sessionId: session._id };
    const { accessToken } = await signAccessToken(ctx, { ...names, authTime: Date.now() });
    return { ...names, token: accessToken };
  });
}

async function change(
  sessionId: Id<"sessions">,
  fields: { revokedAt?: number; expiresAt?: number },
) {
  await home.backend.run(async (ctx) => {
    await ctx.db.patch("sessions", sessionId, fields);
  });
}

const ask = async (token: string, path = `/crm/contacts/${contactId}`): Promise<Answer> =>
  await home.request("GET", path, { token });

test("an access token reads and writes as its user, under its session", async () => {
  const { token, userId, sessionId } = owner;
  expect((await ask(token)).status).toBe(200);
  const body = { lastName: "Byron" };
  const changed = await home.request("PATCH", `/crm/contacts/${contactId}`, { token, body });
  expect(changed.status).toBe(200);
  const entry = await home.backend.run(
    async (ctx) => await ctx.db.query("auditLogs").order("desc").first(),
  );
  expect(entry).toMatchObject({ actor: { type: "user", id: userId }, sessionId });
  const tenants = await ask(token, "/tenants");
  expect(tenants.body.data.map(({ id }: { id: string }) => id)).toEqual([home.organizationId]);
  const device = { deviceId: "d-1", name: "Phone", platform: "ios", appVersion: "1.0" };
  const path = `/tenants/${home.organizationId}/activate`;
  expect((await home.request("POST", path, { token, body: device })).status).toBeLessThan(300);
  const row = await home.backend.run(async (ctx) => await ctx.db.get("sessions", sessionId));
  expect(row?.deviceId).toBeDefined();
  expect((await ask(token)).headers.get("RateLimit-Remaining")).not.toBeNull();
});

test("a session gets an access token of its own for who knows its token alone, an access token none", async () => {
  const asked = async (token: string): Promise<Answer> =>
    await home.request("POST", "/auth/access-token", { token });
  const given = await asked(home.sessionToken);
  const { accessToken } = given.body.data as unknown as { accessToken: string };
  expect((await ask(accessToken)).status).toBe(200);
  expect(await asked(accessToken)).toMatchObject({ status: 403, code: "FORBIDDEN" });
});

test("who belongs to two organizations names one, and no other", async () => {
  const other = await newTenant(home.backend);
  const third = await newTenant(home.backend);
  const { userId } = await newMember(home.backend, [
    { organizationId: home.organizationId, role: "viewer" },
    { organizationId: other.organizationId, role: "member" },
  ]);
  const { token } = await signIn(userId);
  const at = async (id?: string): Promise<number> => {
    const headers: Record<string, string> = id === undefined ? {} : { "X-Tenant-Id": id };
    return (await home.request("GET", "/organization", { token, headers })).status;
  };
  expect(await at()).toBe(400);
  expect(await at(other.organizationId)).toBe(200);
  expect(await at(third.organizationId)).toBe(403);
});

test("a request by access token reads at most two documents more than by API key", async () => {
  // Of a session that is tied to a device, a write reads the device, too.
  const { token } = await signIn(owner.userId);
  const read = async (method: "GET" | "PATCH", by: string): Promise<number> => {
    const body = method === "GET" ? {} : { body: { firstName: `Ada ${Math.random()}` } };
    await home.request(method, `/crm/contacts/${contactId}`, { token: by, ...body });
    return Number(logLines().at(-1)?.["documentsRead"]);
  };
  for (const method of ["GET", "PATCH"] as const) {
    // The first of each meets its limit's first row, and one key in ten requests another.
    await read(method, token);
    const byKey = Math.min(await read(method, home.apiKey), await read(method, home.apiKey));
    expect((await read(method, token)) - byKey).toBeLessThanOrEqual(2);
  }
});

describe("refused is", () => {
  type Claims = Record<string, unknown>;
  type Header = { alg?: string; kid?: string; typ?: string; crit?: string[] };

  const now = (): number => Math.floor(Date.now() / 1000);
  const claimed = (): Claims => ({
    ...{ iss: SITE, aud: "convex", sub: owner.userId, sid: owner.sessionId },
    ...{ iat: now(), exp: now() + 900, jti: crypto.randomUUID() },
  });

  async function ownKey(): Promise<{ kid: string; jwk: JWK }> {
    const row = await home.backend.run(
      async (ctx) =>
        await ctx.db
          .query("signingKeys")
          .withIndex("by_status", (q) => q.eq("status", "current"))
          .unique(),
    );
    if (!row) throw new Error("There is no key.");
    return { kid: row.kid, jwk: JSON.parse(row.privateJwk.replace(/^plain:/, "")) as JWK };
  }

  /** By our own key, as far as `header` does not say otherwise. */
  async function signed(claims: Claims, header: Header = {}): Promise<string> {
    const { kid, jwk } = await ownKey();
    return await new SignJWT({ ...claimed(), ...claims })
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid, ...header })
      .sign(await importJWK(jwk, "ES256"));
  }

  async function forged(alg: string, header: Header = {}): Promise<string> {
    const { kid } = await ownKey();
    const key = alg.startsWith("HS")
      ? await generateSecret(alg, { extractable: true })
      : (await generateKeyPair(alg)).privateKey;
    return await new SignJWT(claimed())
      .setProtectedHeader({ alg, typ: "JWT", kid, ...header })
      .sign(key);
  }

  async function unsigned(): Promise<string> {
    const { kid } = await ownKey();
    const part = (value: object): string =>
      btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
    return `${part({ alg: "none", typ: "JWT", kid })}.${part(claimed())}.`;
  }

  /** The public key as the secret of an HMAC: what an implementation verifies that trusts `alg`. */
  async function byPublicKey(): Promise<string> {
    const { kid, jwk } = await ownKey();
    const { d: _d, ...publicJwk } = jwk;
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk));
    return await new SignJWT(claimed())
      .setProtectedHeader({ alg: "HS256", typ: "JWT", kid })
      .sign(secret);
  }

  const stranger = async (): Promise<string> => {
    const { userId } = await newMember(home.backend, []);
    return userId;
  };

  test.each<[string, () => Promise<string>, RegExp]>([
    ["one forged under our key's name", () => forged("ES256"), /signature is not by the key/],
    [
      "one by a key of nobody",
      () => forged("ES256", { kid: "A".repeat(43) }),
      /no key of this deployment/,
    ],
    [
      "one without a key's name",
      () => forged("ES256", { kid: "" }),
      /not as this deployment makes them/,
    ],
    ["an unsigned one", unsigned, /with ES256/],
    ["one by HS256", () => forged("HS256"), /with ES256/],
    ["one by HS256 under the public key", byPublicKey, /with ES256/],
    ["one by RS256", () => forged("RS256"), /with ES256/],
    ["one of another issuer", () => signed({ iss: "https://other.test" }), /issuer \(iss\)/],
    ["one of another audience", () => signed({ aud: "other" }), /another audience/],
    ["one that has expired", () => signed({ iat: now() - 907, exp: now() - 7 }), /has expired/],
    [
      "one for longer than ours",
      () => signed({ iat: now() - 2000, exp: now() + 900 }),
      /has expired/,
    ],
    ["one of the future", () => signed({ iat: now() + 60 }), /not valid yet/],
    ["one without an end", () => signed({ exp: undefined }), /not as this deployment/],
    ["one of another type", () => signed({}, { typ: "at+jwt" }), /not as this deployment/],
    ["one that is too long", () => signed({ more: "x".repeat(4000) }), /not as this deployment/],
    ["one without a session", () => signed({ sid: undefined }), /not as this deployment/],
    ["one whose session is no text", () => signed({ sid: { a: 1 } }), /not as this deployment/],
    [
      "one of a session that is none",
      () => signed({ sid: "nonsense" }),
      /session of this access token/,
    ],
    [
      "one of a row of another table",
      () => signed({ sid: owner.userId }),
      /session of this access token/,
    ],
    [
      "one of somebody else's session",
      async () => signed({ sub: await stranger() }),
      /session of this/,
    ],
  ])("%s", async (_name, make, reason) => {
    const answer = await ask(await make());
    expect([answer.status, answer.code]).toEqual([401, "UNAUTHORIZED"]);
    expect(answer.body.error.message).toMatch(reason);
  });

  test("one that needs an extension", async () => {
    const [, payload, signature] = owner.token.split(".");
    const { kid } = await ownKey();
    const header = btoa(JSON.stringify({ alg: "ES256", typ: "JWT", kid, crit: ["exp"], exp: 1 }));
    const answer = await ask(`${header.replaceAll("=", "")}.${payload}.${signature}`);
    expect(answer.body.error.message).toMatch(/extension/);
  });

  test("one whose session was ended, at once, wherever it is used", async () => {
    const { token, sessionId, userId } = await signIn(owner.userId);
    const live = home.backend.withIdentity({ issuer: SITE, subject: userId, sid: sessionId });
    const organization = { organizationId: home.organizationId };
    expect((await ask(token)).status).toBe(200);
    expect(await live.query(api.crmOntology.getContacts, organization)).toHaveLength(1);
    await change(sessionId, { revokedAt: Date.now() });
    for (const path of ["/crm/contacts", "/tenants"]) {
      const answer = await ask(token, path);
      expect([answer.status, answer.body.error.message]).toEqual([
        401,
        expect.stringMatching(/session of this access token was ended/),
      ]);
    }
    const body = { firstName: "Eve" };
    expect((await home.request("POST", "/crm/contacts", { token, body })).status).toBe(401);
    const read = live.query(api.crmOntology.getContacts, organization);
    expect((await refusalOf(read)).code).toBe("UNAUTHORIZED");
  });

  test("one whose session is past its end, before that is noted", async () => {
    const { token, sessionId } = await signIn(owner.userId);
    await change(sessionId, { expiresAt: Date.now() - 1 });
    for (const path of ["/crm/contacts", "/tenants"])
      expect((await ask(token, path)).status).toBe(401);
  });

  test("one of a user who was deleted", async () => {
    const { userId } = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "viewer" },
    ]);
    const { token } = await signIn(userId);
    await home.backend.run(async (ctx) => {
      await ctx.db.patch("users", userId, { deletedAt: Date.now() });
    });
    expect((await ask(token)).status).toBe(401);
  });

  test("what a key signs once it has retired, and not what it has signed before", async () => {
    const before = await signIn(owner.userId);
    const { kid, jwk } = await ownKey();
    await home.backend.mutation(internal.accounts.signingKeys.rotate, {});
    // The door may have kept the key for five minutes.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    const key = await importJWK(jwk, "ES256");
    const header = { alg: "ES256", typ: "JWT", kid };
    const late = await new SignJWT(claimed()).setProtectedHeader(header).sign(key);
    expect((await ask(late)).body.error.message).toMatch(/no key of this deployment/);
    expect((await ask(before.token)).status).toBe(200);
    vi.useRealTimers();
  });
});

describe("a live query", () => {
  const asked = async (identity: Record<string, string>): Promise<string> => {
    const caller = home.backend.withIdentity({ issuer: SITE, subject: owner.userId, ...identity });
    const args = { organizationId: home.organizationId };
    return await caller.query(api.crmOntology.getContacts, args).then(
      () => "answered",
      async (error: unknown) => (await refusalOf(Promise.reject(error as Error))).code,
    );
  };

  test("takes our token by its session, and no other issuer's subject for ours", async () => {
    const sid: string = owner.sessionId;
    expect(await asked({ sid })).toBe("answered");
    expect(await asked({})).toBe("UNAUTHORIZED");
    expect(await asked({ sid: "nonsense" })).toBe("UNAUTHORIZED");
    expect(await asked({ sid, issuer: CLERK })).toBe("UNAUTHORIZED");
    expect(await asked({ sid, issuer: `${SITE}/` })).toBe("UNAUTHORIZED");
    const { userId } = await newMember(home.backend, []);
    expect(await asked({ sid, subject: userId })).toBe("UNAUTHORIZED");
  });

  test("takes a subject of ours for nobody at Clerk, and the other way round", async () => {
    await home.backend.run(async (ctx) => {
      await ctx.db.patch("users", owner.userId, { clerkUserId: "user_owner" });
    });
    expect(await asked({ issuer: CLERK, subject: "user_owner" })).toBe("answered");
    expect(await asked({ subject: "user_owner", sid: owner.sessionId })).toBe("UNAUTHORIZED");
  });
});

describe("the published keys", () => {
  const fetched = async (headers: Record<string, string> = {}): Promise<Response> =>
    await home.backend.fetch("/.well-known/jwks.json", { headers });

  test("are for everybody, from whatever origin, for five minutes", async () => {
    await home.request("PATCH", "/organization", {
      body: { allowedOrigins: ["https://studio.test"] },
    });
    const response = await fetched({ Origin: "https://elsewhere.test" });
    expect(response.status).toBe(200);
    expect(response.headers.get("Cache-Control")).toBe("public, max-age=300");
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(response.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    const { keys } = (await response.json()) as { keys: JWK[] };
    for (const key of keys) expect(key).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256" });
    expect(JSON.stringify(keys)).not.toContain('"d"');
    const etag = response.headers.get("ETag") ?? "";
    expect((await fetched({ "If-None-Match": etag })).status).toBe(304);
  });

  test("are kept by nobody while there are none", async () => {
    const { backend } = await newBackend();
    const response = await backend.fetch("/.well-known/jwks.json");
    expect(await response.json()).toEqual({ keys: [] });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
  });
});

test("another deployment's token is refused, also where both have one name", async () => {
  const there = await newBackend();
  const token = await there.backend.run(async (ctx) => {
    const session = await ctx.db.query("sessions").first();
    if (!session) throw new Error("Nobody is signed in.");
    const names = { userId: session.userId, sessionId: session._id };
    return (await signAccessToken(ctx, { ...names, authTime: 0 })).accessToken;
  });
  const answer = await requestsOf(home.backend, token)("GET", "/crm/contacts");
  expect(answer.body.error.message).toMatch(/no key of this deployment/);
});
