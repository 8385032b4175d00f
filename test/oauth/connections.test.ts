import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import type { Request } from "../helpers/answer";
import { type Backend, type Fixture, newBackend, newMember, requestsOf } from "../helpers/backend";
import { eventually } from "../helpers/server";
import { APP, Browser, SITE } from "./browser";
import { CLIENT, type OidcServer, quiet, startOidcServer } from "./oidcServer";

/** Accounts at a provider that a person has connected: what is kept, used, and taken back. */
let google: OidcServer;
let backend: Backend;
let fixture: Fixture;
let owner: Request;

beforeAll(async () => {
  quiet();
  google = await startOidcServer([`${SITE}/api/v1/auth/oauth/google/callback`]);
});
afterAll(async () => {
  await google.close();
});
beforeEach(async () => {
  vi.unstubAllEnvs();
  for (const [name, value] of Object.entries({
    RATE_LIMIT_FACTOR: "1000",
    CONVEX_SITE_URL: SITE,
    APP_URL: APP,
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    GOOGLE_CLIENT_ID: CLIENT.id,
    GOOGLE_CLIENT_SECRET: CLIENT.secret,
    GOOGLE_ISSUER: google.issuer,
  })) {
    vi.stubEnv(name, value);
  }
  google.faults.clear();
  google.asked.length = 0;
  google.person = {
    sub: "mailbox",
    name: "Studio",
    email: "mail@studio.test",
    email_verified: true,
  };
  fixture = await newBackend();
  ({ backend } = fixture);
  owner = requestsOf(backend, fixture.sessionToken);
});

const CONNECT = `?purpose=connect&redirect=${APP}/settings`;

async function connect(token = fixture.sessionToken): Promise<string> {
  const browser = new Browser(backend);
  const headers = { Authorization: `Bearer ${token}` };
  return await browser.signIn(google, "google", CONNECT, headers);
}

type Listed = { id: string; status: string; email: string; provider: string; scopes: string[] };

async function list(request = owner): Promise<Listed[]> {
  return (await request("GET", "/auth/connections")).body.data as unknown as Listed[];
}

async function row(): Promise<Doc<"oauthConnections">> {
  const [first] = await backend.run(
    async (ctx) => await ctx.db.query("oauthConnections").collect(),
  );
  if (!first) throw new Error("There is none.");
  return first;
}

async function actions(): Promise<string[]> {
  const { data } = (await fixture.request("GET", "/audit?limit=20")).body;
  return (data as unknown as { action: string }[]).map(({ action }) => action);
}

describe("connecting", () => {
  test("keeps what was granted, sealed, and lists it without a secret", async () => {
    expect(await connect()).toBe(`${APP}/settings`);
    expect(await list()).toEqual([
      {
        id: expect.any(String) as string,
        ...{ provider: "google", email: "mail@studio.test", status: "active" },
        ...{
          connectedAt: expect.any(Number) as number,
          lastSuccessAt: expect.any(Number) as number,
        },
        ...{ scopes: expect.arrayContaining(["openid"]) as string[], lastError: null },
      },
    ]);
    const { refreshToken, accessToken } = await row();
    expect([refreshToken, accessToken]).toEqual([
      expect.stringMatching(/^aes-gcm:/),
      expect.stringMatching(/^aes-gcm:/),
    ]);
    expect(await actions()).toEqual(
      expect.arrayContaining(["user.account_linked", "user.account_connected"]),
    );
  });

  test("by a browser's cookie begins on a page of the app's alone", async () => {
    const statusOf = async (headers: Record<string, string>): Promise<number> => {
      const browser = new Browser(backend);
      browser.cookies.set("fh_session", fixture.sessionToken);
      return (await browser.get(`/api/v1/auth/oauth/google/start${CONNECT}`, headers)).status;
    };
    expect(await statusOf({ "Sec-Fetch-Site": "same-origin" })).toBe(302);
    expect(await statusOf({ "Sec-Fetch-Site": "none" })).toBe(302);
    expect(await statusOf({ "Sec-Fetch-Site": "cross-site", Referer: `${APP}/x` })).toBe(302);
    expect(await statusOf({ "Sec-Fetch-Site": "cross-site", Referer: "https://evil.test/" })).toBe(
      403,
    );
    expect(await statusOf({ "Sec-Fetch-Site": "cross-site" })).toBe(403);
  });

  test("asks for a person who has signed in lately, and has proved an address", async () => {
    const statusOf = async (token: string | null): Promise<[number, string]> => {
      const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
      const path = `/api/v1/auth/oauth/google/start${CONNECT}`;
      const answer = await new Browser(backend).get(path, headers as Record<string, string>);
      const { error } = (await answer.json()) as { error: { code: string } };
      return [answer.status, error.code];
    };
    expect(await statusOf(null)).toEqual([401, "UNAUTHORIZED"]);
    expect(await statusOf(fixture.apiKey)).toEqual([403, "FORBIDDEN"]);
    const { userId, sessionToken } = await newMember(backend, []);
    await backend.run(async (ctx) => {
      const pending = { pendingEmail: "mo@x.test", pendingEmailKey: "mo@x.test" };
      await ctx.db.patch("users", userId, pending);
    });
    expect(await statusOf(sessionToken)).toEqual([403, "EMAIL_NOT_VERIFIED"]);
    await backend.run(async (ctx) => {
      for (const { _id } of await ctx.db.query("sessions").collect()) {
        await ctx.db.patch("sessions", _id, { authenticatedAt: Date.now() - 3_600_000 });
      }
    });
    expect(await statusOf(fixture.sessionToken)).toEqual([403, "REAUTHENTICATION_REQUIRED"]);
  });

  test("links the account: it signs the person in from then on, whatever its address", async () => {
    google.person = { ...google.person, email_verified: false };
    await connect();
    const browser = new Browser(backend);
    expect(await browser.signIn(google, "google")).toBe(APP);
    const session = requestsOf(backend, browser.session ?? "");
    const mine = (await session("GET", "/organization")).body.data;
    expect(mine.id).toBe(fixture.organizationId);
  });

  test("refuses an account that is somebody else's, and says so in the trail", async () => {
    await new Browser(backend).signIn(google, "google");
    expect(await connect()).toBe(`${APP}/settings?error=CONFLICT`);
    expect(await list()).toEqual([]);
    expect(await actions()).toContain("user.account_link_refused");
  });

  test("is over when the session that began it has ended meanwhile", async () => {
    const browser = new Browser(backend);
    const headers = { Authorization: `Bearer ${fixture.sessionToken}` };
    const callback = await browser.visit(google, "google", CONNECT, headers);
    await backend.run(async (ctx) => {
      for (const { _id } of await ctx.db.query("sessions").collect()) {
        await ctx.db.patch("sessions", _id, { revokedAt: Date.now() });
      }
    });
    expect(await browser.land(callback)).toBe(`${APP}/settings?error=UNAUTHORIZED`);
    expect(
      await backend.run(async (ctx) => await ctx.db.query("oauthConnections").collect()),
    ).toEqual([]);
  });

  test("again gives the connection its newest grant, and makes no second one", async () => {
    await connect();
    const before = await row();
    await connect();
    expect(await list()).toHaveLength(1);
    expect((await row()).grant).toBe(before.grant + 1);
  });
});

describe("disconnecting", () => {
  test("ends it here at once, and at the provider, whose grant is dead then", async () => {
    await connect();
    const [{ id } = { id: "" }] = await list();
    google.faults.set("/openid-configuration", "down");
    expect((await owner("DELETE", `/auth/connections/${id}`)).status).toBe(204);
    expect(await list()).toMatchObject([{ id, status: "revoked" }]);
    await eventually(row, ({ job }) => job?.attempts === 1);
    expect((await row()).job).toMatchObject({
      state: "queued",
      error: expect.any(String) as string,
    });
    google.faults.clear();
    google.asked.length = 0;
    await backend.action(internal.oauth.revocation.revoke, { id: (await row())._id });
    expect(google.asked).toContain("/token/revocation");
    expect(await list()).toEqual([]);
    expect(await actions()).toContain("user.account_disconnected");
  });

  test("is for who has connected it alone", async () => {
    await connect();
    const [{ id } = { id: "" }] = await list();
    const other = await newMember(backend, [
      { organizationId: fixture.organizationId, role: "owner" },
    ]);
    expect(await list(other.request)).toEqual([]);
    const answer = await other.request("DELETE", `/auth/connections/${id}`);
    expect([answer.status, answer.body.error.code]).toEqual([404, "CONNECTION_NOT_FOUND"]);
    expect(await list()).toHaveLength(1);
  });
});

test("the 101st account is refused, and links nothing; one of the hundred is connected again", async () => {
  await connect();
  const { userId, issuer } = await row();
  await backend.run(async ({ db }) => {
    for (let each = 1; each < 100; each++) {
      const of = { userId, provider: "google" as const, issuer, subject: `other-${each}` };
      const state = { status: "active" as const, scopes: [], connectedAt: each, grant: 1 };
      await db.insert("oauthConnections", { ...of, ...state });
    }
  });
  google.person = { ...google.person, sub: "one-more" };
  expect(await connect()).toBe(`${APP}/settings?error=CONFLICT`);
  expect(await list()).toHaveLength(100);
  google.person = { ...google.person, sub: "mailbox" };
  expect(await connect()).toBe(`${APP}/settings`);
  const accounts = await backend.run(({ db }) => db.query("oauthAccounts").collect());
  expect(accounts.map(({ subject }) => subject)).toEqual(["mailbox"]);
});
