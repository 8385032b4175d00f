// @vitest-environment node
/** A person in two browsers at a running deployment; skipped where there is no chromium. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Site, startSite } from "../helpers/site";
import { CLIENT, type OidcServer, quiet, startOidcServer } from "../oauth/oidcServer";
import { type AppServer, startAppServer } from "./appServer";
import { codeOf, STEP_MS } from "./totpApp";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu"],
  ...["--disable-background-networking", "--disable-dev-shm-usage"],
];

type Answer = { status: number; body: Record<string, unknown> & { data?: unknown } };
type Tokens = { tokens: { accessToken: string; refreshToken: string } };
type Begun = { challengeId: string; options: object };
type Listed = { id: string; method: string; isCurrent: boolean };

describe.skipIf(!existsSync(CHROMIUM))("a person in a real browser", () => {
  let app: AppServer;
  let oidc: OidcServer;
  let site: Site;
  let browser: Browser;
  let desk: Page;
  let phone: Page;
  let staff: { email: string; password: string };

  beforeAll(async () => {
    quiet();
    app = await startAppServer();
    const callback = `${app.origin}/api/v1/auth/oauth/google/callback`;
    oidc = await startOidcServer([callback], { hasLoginPage: true });
    const env = {
      ...{ APP_URL: app.origin, CONVEX_SITE_ORIGIN: app.origin, GOOGLE_ISSUER: oidc.issuer },
      ...{ GOOGLE_CLIENT_ID: CLIENT.id, GOOGLE_CLIENT_SECRET: CLIENT.secret },
    };
    [site, browser] = await Promise.all([
      startSite({ env }),
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
    ]);
    app.deployedAt(site.server.siteUrl);
    const { email, password } = site.demo.staff;
    staff = { email, password };
    oidc.person = { sub: "staff-at-google", name: "Staff", email, email_verified: true };
    [desk, phone] = await Promise.all([newBrowser(), newBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    app.close();
    await Promise.all([site.server.remove(), oidc.close()]);
  });

  /** With cookies of its own. */
  async function newBrowser(): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(app.origin);
    return page;
  }

  test("signs in through the provider's own page, and has the cookie, which gets a token for live queries", async () => {
    await phone.goto(`${app.origin}/api/v1/auth/oauth/google/start?redirect=/welcome`);
    expect(new URL(phone.url()).origin).toBe(oidc.issuer);
    await phone.click("text=Sign in here");
    await phone.waitForURL(`${app.origin}/welcome`);
    expect(await who(phone)).toBe(staff.email);
    expect(await phone.evaluate("document.cookie")).toBe("");

    const { accessToken } = dataOf(await call(phone, "POST", "/auth/access-token")) as {
      accessToken: string;
    };
    const other = { Authorization: `Bearer ${accessToken}` };
    expect((await call(phone, "POST", "/auth/access-token", undefined, other)).status).toBe(403);
    const listen = [site.server.cloudUrl, accessToken] as const;
    await phone.evaluate(([url, token]) => {
      window.listen(url, token);
    }, listen);
    await phone.waitForFunction(() => window.heard.sessions.length > 0);
  });

  test("signs in with the printed password, then with it and a code, and goes on by a refresh token", async () => {
    expect((await call(desk, "POST", "/auth/login", { ...staff, cookie: true })).status).toBe(200);
    const { secret } = dataOf(await call(desk, "POST", "/auth/mfa/totp")) as { secret: string };
    await call(desk, "POST", "/auth/mfa/totp/confirm", { code: codeOf(secret) });
    expect((await call(desk, "POST", "/auth/logout", {})).status).toBe(204);
    expect(await who(desk)).toBeNull();

    const asked = await call(desk, "POST", "/auth/login", { ...staff, cookie: true });
    expect(asked.body).toMatchObject({ mfaRequired: true });
    expect(await who(desk)).toBeNull();
    const { mfaToken } = asked.body;
    const code = codeOf(secret, Date.now() + STEP_MS);
    const verified = await call(desk, "POST", "/auth/mfa/verify", { mfaToken, code, cookie: true });
    expect(await who(desk)).toBe(staff.email);

    const { refreshToken } = (verified.body as Tokens).tokens;
    const next = (await call(desk, "POST", "/auth/refresh", { refreshToken })).body;
    const bearer = { Authorization: `Bearer ${String(next["accessToken"])}` };
    const me = await call(desk, "GET", "/auth/me", undefined, bearer);
    expect(me.body.data).toMatchObject({ email: staff.email });
  });

  test("makes a passkey, and signs in with it alone", async () => {
    const devtools = await desk.context().newCDPSession(desk);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        ...{ protocol: "ctap2", transport: "internal", hasResidentKey: true },
        ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    const begun = dataOf(await call(desk, "POST", "/auth/passkeys/options")) as Begun;
    const made = await inPage(desk, "create", begun.options);
    const { challengeId } = begun;
    const added = { challengeId, name: "Browser", credential: made };
    expect((await call(desk, "POST", "/auth/passkeys", added)).status).toBe(201);
    await call(desk, "POST", "/auth/logout", {});

    const asked = dataOf(await call(desk, "POST", "/auth/passkeys/login/options", {})) as Begun;
    const credential = await inPage(desk, "get", asked.options);
    const shown = { challengeId: asked.challengeId, credential, cookie: true };
    expect((await call(desk, "POST", "/auth/passkeys/login", shown)).status).toBe(200);
    expect(await who(desk)).toBe(staff.email);
  });

  test("ends another session, which is thrown out at once, with its live query", async () => {
    await phone.waitForFunction(() =>
      window.heard.sessions.at(-1)?.some(({ method }) => method === "passkey"),
    );
    const sessions = dataOf(await call(desk, "GET", "/auth/sessions")) as Listed[];
    expect(sessions.find(({ isCurrent }) => isCurrent)).toMatchObject({ method: "passkey" });
    const other = sessions.find(({ method }) => method === "google");
    expect(await phone.evaluate(() => window.heard.errors)).toEqual([]);
    const ended = await call(desk, "DELETE", `/auth/sessions/${other?.id ?? ""}`);
    expect(ended.status).toBe(204);

    expect((await call(phone, "GET", "/auth/me")).status).toBe(401);
    await phone.waitForFunction(() => window.heard.errors.length > 0);
    expect(await phone.evaluate(() => window.heard.errors)).toEqual(["UNAUTHORIZED"]);
    expect(await who(desk)).toBe(staff.email);
  });
});

/** As the app's page asks the API, with its cookies. */
async function call(
  page: Page,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const asked = { method, path: `/api/v1${path}`, text: JSON.stringify(body), headers };
  return await page.evaluate(async ({ method: way, path: at, text, headers: more }) => {
    const sent = text === undefined ? {} : { body: text };
    const headers = text === undefined ? more : { ...more, "Content-Type": "application/json" };
    const answer = await fetch(at, { method: way, headers, ...sent });
    const said = await answer.text();
    const read: unknown = said === "" ? {} : JSON.parse(said);
    return { status: answer.status, body: read as Record<string, unknown> };
  }, asked);
}

/** The address of who is signed in by the cookie. */
async function who(page: Page): Promise<string | null> {
  const { status, body } = await call(page, "GET", "/auth/me");
  return status === 200 ? (body.data as { email: string }).email : null;
}

function dataOf({ status, body }: Answer): unknown {
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body.data;
}

/** What a page does with options: as browsers read and write them themselves. */
async function inPage(page: Page, way: "create" | "get", options: unknown): Promise<unknown> {
  const reader = way === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  return await page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.${reader}(${JSON.stringify(options)});
    return (await navigator.credentials.${way}({ publicKey })).toJSON();
  })()`);
}
