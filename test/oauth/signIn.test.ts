import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Backend, type Fixture, logLines, newBackend, requestsOf } from "../helpers/backend";
import { APP, Browser, SITE } from "./browser";
import { CLIENT, type OidcServer, quiet, startOidcServer } from "./oidcServer";

/** Sign-in at a full OpenID Connect provider on this machine. */
const TENANT = "11111111-2222-3333-4444-555555555555";
const callbacks = ["google", "microsoft"].map(
  (name) => `${SITE}/api/v1/auth/oauth/${name}/callback`,
);

let google: OidcServer;
let microsoft: OidcServer;
let backend: Backend;
let fixture: Fixture;
let browser: Browser;

beforeAll(async () => {
  quiet();
  google = await startOidcServer(callbacks);
  microsoft = await startOidcServer(callbacks, { issuerPath: `/${TENANT}/v2.0` });
});
afterAll(async () => {
  await Promise.all([google.close(), microsoft.close()]);
});
beforeEach(async () => {
  vi.unstubAllEnvs();
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  vi.stubEnv("CONVEX_SITE_URL", SITE);
  vi.stubEnv("APP_URL", APP);
  for (const [prefix, { issuer }] of [
    ["GOOGLE", google],
    ["MICROSOFT", microsoft],
  ] as const) {
    vi.stubEnv(`${prefix}_CLIENT_ID`, CLIENT.id);
    vi.stubEnv(`${prefix}_CLIENT_SECRET`, CLIENT.secret);
    vi.stubEnv(`${prefix}_ISSUER`, issuer);
  }
  google.faults.clear();
  microsoft.faults.clear();
  google.person = { ...ADA };
  fixture = await newBackend();
  ({ backend } = fixture);
  browser = new Browser(backend);
});

const ADA = { sub: "ada-at-google", name: "Ada", email: "ada@acme.test", email_verified: true };
const OWNER = { ...ADA, sub: "olga", name: "Olga", email: "owner@studio.test" };

type Person = { id: string; email: string | null; name: string };

/** Who the cookie of a browser signs in as. */
async function whoIs({ session }: Browser): Promise<Person | null> {
  return await backend.run(async (ctx) => {
    const { sha256Hex } = await import("../../convex/kit/tokens");
    const row = await ctx.db
      .query("sessions")
      .withIndex("by_tokenHash", (q) => q.eq("tokenHash", sha256Hex(session ?? "")))
      .unique();
    const user = row && (await ctx.db.get("users", row.userId));
    return user && { id: user._id, email: user.email ?? null, name: user.name };
  });
}

async function counted(table: "users" | "sessions" | "oauthAccounts"): Promise<number> {
  return await backend.run(async (ctx) => (await ctx.db.query(table).collect()).length);
}

async function expectNothing(attempt: () => Promise<unknown>): Promise<void> {
  const before = [
    await counted("users"),
    await counted("sessions"),
    await counted("oauthAccounts"),
  ];
  await attempt();
  expect([
    await counted("users"),
    await counted("sessions"),
    await counted("oauthAccounts"),
  ]).toEqual(before);
  expect(browser.session).toBeUndefined();
}

const FAILED = `${APP}/?error=OAUTH_FAILED`;

describe("signing in", () => {
  test("makes a user of who is new, with the address that the provider has verified", async () => {
    expect(await browser.signIn(google, "google", `?redirect=${APP}/projects`)).toBe(
      `${APP}/projects`,
    );
    expect(await whoIs(browser)).toMatchObject({ email: "ada@acme.test", name: "Ada" });
    const again = new Browser(backend);
    await again.signIn(google, "google");
    expect(await whoIs(again)).toEqual(await whoIs(browser));
  });

  test("keeps of a name what a person could have typed, on one line", async () => {
    const strange = `Ada\r\nBcc: all@x.test \u202E\u200B${"\u{1F600}".repeat(120)}`;
    google.person = { ...ADA, name: strange };
    await browser.signIn(google, "google");
    const name = `Ada Bcc: all@x.test ${"\u{1F600}".repeat(90)}`;
    expect((await whoIs(browser))?.name).toBe(name);
  });

  test("ends at the deployment where APP_URL is set to nothing", async () => {
    vi.stubEnv("APP_URL", "");
    expect(await browser.signIn(google, "google")).toBe(SITE);
  });

  test("joins the user who has proved the same address, and tells the organization's trail", async () => {
    google.person = OWNER;
    await browser.signIn(google, "google");
    const { data } = (await fixture.request("GET", "/audit?limit=5")).body;
    const entry = (data as unknown as { action: string; actor: { name: string } }[])[0];
    expect(entry).toMatchObject({ action: "user.signed_in", actor: { name: "Olga Owner" } });
    const session = requestsOf(backend, browser.session ?? "");
    expect((await session("GET", "/organization")).status).toBe(200);
  });

  test("knows an account by its subject when its address is another by now", async () => {
    await browser.signIn(google, "google");
    google.person = { ...ADA, email: OWNER.email };
    const later = new Browser(backend);
    await later.signIn(google, "google");
    expect(await whoIs(later)).toEqual(await whoIs(browser));
  });

  test("leaves nothing to whoever registered with the address of another before", async () => {
    const squatter = await backend.run(
      async (ctx) =>
        await ctx.db.insert("users", {
          ...{ name: "Eve", pendingEmail: ADA.email, pendingEmailKey: ADA.email },
          ...{ passwordHash: "$argon2id$…", isPlatformAdmin: false, createdAt: 1 },
        }),
    );
    await backend.run(async (ctx) => {
      const account = { userId: squatter, provider: "google" as const, createdAt: 1 };
      await ctx.db.insert("oauthAccounts", { ...account, issuer: google.issuer, subject: "eve" });
      const { startSession } = await import("../../convex/accounts/sessions");
      const request = { ip: null, userAgent: null };
      await startSession(ctx, squatter, { method: "password", request });
    });
    await browser.signIn(google, "google");
    const ada = await whoIs(browser);
    const left = await backend.run(async (ctx) => ({
      user: await ctx.db.get("users", squatter),
      sessions: (await ctx.db.query("sessions").collect()).filter(
        ({ userId, revokedAt }) => userId === squatter && revokedAt === undefined,
      ).length,
    }));
    expect(left.user?.passwordHash).toBeUndefined();
    expect(left.sessions).toBe(ada?.id === squatter ? 1 : 0);
    google.person = { ...ADA, sub: "eve", email: "eve@evil.test" };
    const eve = new Browser(backend);
    await eve.signIn(google, "google");
    expect((await whoIs(eve))?.id).not.toBe(ada?.id);
  });

  test("asks who has a second factor for it, and sets no session", async () => {
    google.person = OWNER;
    await backend.run(async (ctx) => {
      const [owner] = await ctx.db.query("users").collect();
      if (owner) await ctx.db.patch("users", owner._id, { secondFactors: ["totp"] });
    });
    const landed = new URL(await browser.signIn(google, "google", `?redirect=${APP}/in`));
    expect(landed.href.replace(landed.hash, "")).toBe(`${APP}/in`);
    const fragment = Object.fromEntries(new URLSearchParams(landed.hash.slice(1)));
    expect(fragment).toEqual({
      mfaToken: expect.stringMatching(/^fh_once_/) as string,
      mfaRequired: "true",
    });
    expect(browser.session).toBeUndefined();
  });

  test("refuses who is new where nobody may come uninvited, and takes who is invited", async () => {
    vi.stubEnv("REGISTRATION", "invite");
    await expectNothing(async () => {
      expect(await browser.signIn(google, "google")).toBe(`${APP}/?error=FORBIDDEN`);
    });
    const body = { email: "ADA@acme.test", role: "member" };
    const owner = requestsOf(backend, fixture.sessionToken);
    const path = `/tenants/${fixture.organizationId}/invite`;
    expect((await owner("POST", path, { body })).status).toBe(201);
    expect(await browser.signIn(google, "google")).toBe(APP);
    expect(await whoIs(browser)).toMatchObject({ email: "ada@acme.test" });
  });
});

describe("an address that is not proved", () => {
  test("joins nobody: one that Google has not verified is refused", async () => {
    google.person = { ...OWNER, email_verified: false };
    await expectNothing(async () => {
      expect(await browser.signIn(google, "google")).toBe(`${APP}/?error=EMAIL_NOT_VERIFIED`);
    });
    expect(logLines().at(-1)).toMatchObject({
      failure: expect.stringMatching(/^EMAIL_NOT_VERIFIED/) as string,
    });
  });

  test("joins nobody: Microsoft's of any tenant is refused where it is somebody's", async () => {
    microsoft.person = { sub: "m1", name: "Mallory", email: OWNER.email, tid: crypto.randomUUID() };
    await expectNothing(async () => {
      expect(await browser.signIn(microsoft, "microsoft")).toBe(`${APP}/?error=EMAIL_NOT_VERIFIED`);
    });
  });

  test("makes a user without an address of who is new, whom their subject signs in again", async () => {
    microsoft.person = { sub: "m2", name: "Max", email: "max@acme.test", tid: crypto.randomUUID() };
    await browser.signIn(microsoft, "microsoft");
    expect(await whoIs(browser)).toMatchObject({ email: null, name: "Max" });
    const again = new Browser(backend);
    await again.signIn(microsoft, "microsoft");
    expect(await whoIs(again)).toEqual(await whoIs(browser));
  });

  test.each([
    ["the domain's owner has verified it", { tid: crypto.randomUUID(), xms_edov: true }],
    ["it is of the tenant that this is set up for", { tid: TENANT }],
  ])("counts as proved at Microsoft where %s", async (_, claims) => {
    microsoft.person = { sub: "m3", name: "Olga", email: OWNER.email, ...claims };
    await browser.signIn(microsoft, "microsoft");
    expect(await whoIs(browser)).toMatchObject({ email: OWNER.email, name: "Olga Owner" });
  });
});

describe("what comes back", () => {
  test("is good once, in the browser that it was begun in", async () => {
    const callback = await browser.visit(google, "google", `?redirect=${APP}/projects`);
    const other = new Browser(backend);
    expect(await other.land(callback)).toBe(FAILED);
    expect(other.session).toBeUndefined();
    expect(await browser.land(callback)).toBe(`${APP}/projects`);
    browser.cookies.delete("fh_session");
    expect(await browser.land(callback)).toBe(FAILED);
    expect(browser.session).toBeUndefined();
  });

  test("is refused with another state, another provider's, or after ten minutes", async () => {
    const callback = new URL(await browser.visit(google, "google"));
    const changed = new URL(callback);
    changed.searchParams.set("state", "another");
    await expectNothing(async () => {
      expect(await browser.land(changed.href)).toBe(FAILED);
      expect(await browser.land(callback.href.replace("google", "microsoft"))).toBe(FAILED);
      await backend.run(async (ctx) => {
        for (const { _id } of await ctx.db.query("oauthStates").collect()) {
          await ctx.db.patch("oauthStates", _id, { expiresAt: Date.now() - 1 });
        }
      });
      expect(await browser.land(callback.href)).toBe(FAILED);
    });
  });

  test("is refused where the person, or the provider, has refused", async () => {
    const callback = new URL(await browser.visit(google, "google"));
    callback.searchParams.delete("code");
    callback.searchParams.set("error", "access_denied");
    await expectNothing(async () => {
      expect(await browser.land(callback.href)).toBe(FAILED);
    });
  });

  test.each([
    ["another nonce", { nonce: "another" }],
    ["another audience", { aud: "another-client" }],
    ["another issuer", { iss: "https://evil.test" }],
    ["its time over", { exp: 1 }],
    ["another subject under the same signature", { sub: "somebody-else" }],
  ])("is refused with an ID token of %s", async (_, claims) => {
    google.faults.set("/token", (body) => withClaims(body, claims));
    await expectNothing(async () => {
      expect(await browser.signIn(google, "google")).toBe(FAILED);
    });
  });

  test("is refused where the provider is down or answers what is no answer", async () => {
    for (const [path, fault] of [
      ["/token", "down"],
      ["/token", () => "<html>"],
      ["/token", () => "x".repeat(600_000)],
      ["/jwks", "down"],
    ] as const) {
      google.faults.set(path, fault);
      await expectNothing(async () => {
        expect(await browser.signIn(google, "google")).toBe(FAILED);
      });
      google.faults.clear();
    }
    google.faults.set("/openid-configuration", "down");
    const started = await browser.get("/api/v1/auth/oauth/google/start");
    expect(started.headers.get("Location")).toBe(FAILED);
  });
});

/** The ID token of an answer with other claims, and the signature that it had. */
function withClaims(body: string, claims: object): string {
  const answer = JSON.parse(body) as { id_token: string };
  const [header, payload = "", signature] = answer.id_token.split(".");
  const before = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  const after = Buffer.from(JSON.stringify({ ...before, ...claims })).toString("base64url");
  return JSON.stringify({ ...answer, id_token: [header, after, signature].join(".") });
}

describe("the start", () => {
  test.each([
    "https://evil.test/",
    "//evil.test",
    String.raw`/\evil.test`,
    "javascript:alert(1)",
    `${APP.replace("://", "://evil@")}/`,
    `${APP}.evil.test/`,
    `${APP}:8443/`,
  ])("refuses to send anybody to %s afterwards", async (redirect) => {
    const query = new URLSearchParams({ redirect }).toString();
    const answer = await browser.get(`/api/v1/auth/oauth/google/start?${query}`);
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: { code: string; details: unknown } };
    expect(error.code).toBe("VALIDATION_ERROR");
    expect(error.details).toMatchObject([{ path: "query.redirect" }]);
  });

  test("takes a place below APP_URL, of CORS_ORIGINS, and of its own", async () => {
    vi.stubEnv("APP_URL", `${APP}/studio`);
    vi.stubEnv("CORS_ORIGINS", "http://other.test, http://third.test");
    const statusOf = async (redirect: string): Promise<number> => {
      const query = new URLSearchParams({ redirect }).toString();
      return (await browser.get(`/api/v1/auth/oauth/google/start?${query}`)).status;
    };
    for (const good of [`${APP}/studio/x`, "http://third.test/y", `${SITE}/z`, "studio/w"]) {
      expect([good, await statusOf(good)]).toEqual([good, 302]);
    }
    for (const bad of [`${APP}/studios`, `${APP}/studio/../evil`, "http://fourth.test/"]) {
      expect([bad, await statusOf(bad)]).toEqual([bad, 400]);
    }
  });

  test("sends PKCE, a state and a nonce, and keeps none of them as they are", async () => {
    const answer = await browser.get("/api/v1/auth/oauth/google/start");
    const { searchParams } = new URL(answer.headers.get("Location") ?? "");
    expect(searchParams.get("code_challenge_method")).toBe("S256");
    const stored = JSON.stringify(
      await backend.run(async (ctx) => await ctx.db.query("oauthStates").collect()),
    );
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
      expect(stored).not.toContain(searchParams.get(name));
    }
    expect(stored).not.toContain(browser.cookies.get("fh_oauth"));
    const [cookie = ""] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^fh_oauth=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    vi.stubEnv("CONVEX_SITE_URL", "https://freehold.test");
    const secure = await new Browser(backend).get("/api/v1/auth/oauth/google/start");
    expect(secure.headers.getSetCookie()[0]).toMatch(
      /^__Host-fh_oauth=.*; Path=\/; HttpOnly; Secure; /,
    );
  });

  test("says which variables a provider lacks, and which address it may not have", async () => {
    vi.stubEnv("GOOGLE_CLIENT_SECRET", "");
    vi.stubEnv("MICROSOFT_ISSUER", "http://login.evil.test");
    const messageOf = async (name: string): Promise<unknown> => {
      const answer = await browser.get(`/api/v1/auth/oauth/${name}/start`);
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      return { status: answer.status, ...error };
    };
    expect(await messageOf("google")).toMatchObject({
      status: 503,
      code: "SERVICE_UNAVAILABLE",
      message: expect.stringContaining("GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET") as string,
    });
    expect(await messageOf("microsoft")).toMatchObject({
      status: 503,
      message: expect.stringContaining("MICROSOFT_ISSUER") as string,
    });
    expect(await messageOf("facebook")).toMatchObject({ status: 404, code: "ROUTE_NOT_FOUND" });
  });

  test("is counted by its address with the callback: ten a minute, also what is refused", async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "1");
    const statuses = [];
    for (let turn = 0; turn < 4; turn++) {
      statuses.push((await browser.get("/api/v1/auth/oauth/google/start")).status);
      statuses.push((await browser.get("/api/v1/auth/oauth/google/callback?state=x")).status);
      statuses.push(
        (await browser.get("/api/v1/auth/oauth/google/start?redirect=//e.test")).status,
      );
    }
    expect(statuses).toEqual([302, 302, 400, 302, 302, 400, 302, 302, 400, 302, 429, 429]);
  });
});

describe("a provider that hangs", () => {
  test("is waited for a bounded time", async () => {
    const waited: number[] = [];
    const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      waited.push(ms);
      return AbortSignal.abort(new Error("timed out"));
    });
    google.faults.set("/openid-configuration", "hang");
    const started = await browser.get("/api/v1/auth/oauth/google/start");
    expect(started.headers.get("Location")).toBe(FAILED);
    expect(waited).toEqual([10_000]);
    timeout.mockRestore();
  });
});

test("a user who turns out at Clerk to be another keeps the account at the provider", async () => {
  microsoft.person = { sub: "m9", name: "Max", email: "max@acme.test", tid: crypto.randomUUID() };
  await browser.signIn(microsoft, "microsoft");
  const before = await whoIs(browser);
  const { withEmail } = await import("../../convex/tenants/users");
  const joined = await backend.run(async (ctx) => {
    const users = await ctx.db.query("users").collect();
    const max = users.find(({ _id }) => _id === before?.id);
    if (!max) throw new Error("Max is missing.");
    await ctx.db.patch("users", max._id, { clerkUserId: "user_max" });
    return (await withEmail(ctx, { ...max, clerkUserId: "user_max" }, OWNER.email))._id;
  });
  const again = new Browser(backend);
  await again.signIn(microsoft, "microsoft");
  expect((await whoIs(again))?.id).toBe(joined);
  expect(joined).not.toBe(before?.id);
});
