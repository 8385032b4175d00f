import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Request as ApiRequest } from "../helpers/answer";
import type { TestServer } from "../helpers/server";
import { startSite } from "../helpers/site";
import { type Browser, openBrowser } from "./browser";
import { type OAuthProvider, startOAuthProvider } from "./oauthProvider";
import { codeBlocks, loadModules } from "./page";

/** The code of docs/portal.md, with Auth.js, an OAuth provider on this machine, and `npm start`. */
const PORTAL = "http://portal.test";

type PortalSession = { userId: string; sessionToken: string; expiresAt: number };
type Modules = {
  "app/api/auth/[...nextauth]/route.ts": Parameters<typeof openBrowser>[1];
  "app/projects/page.tsx": { default: () => Promise<VNode> };
  "lib/freehold.ts": {
    validateToken: (token: string) => Promise<{ valid: boolean; user: { name: string } }>;
    ownProjects: (token: string) => Promise<{ name: string }[]>;
  };
};

let server: TestServer;
let provider: OAuthProvider;
let request: ApiRequest;
let page: { modules: Modules; remove: () => Promise<void> };
let browser: Browser;

beforeAll(async () => {
  const [site, oauth] = await Promise.all([startSite(), startOAuthProvider()]);
  ({ server, request } = site);
  provider = oauth;
  const scopes = ["portal:write"];
  const made = await request("POST", "/api-keys", { body: { name: "Portal", scopes } });
  const environment = {
    FREEHOLD_URL: server.siteUrl,
    FREEHOLD_API_KEY: made.body.data.key,
    AUTH_SECRET: "a secret of this test",
    AUTH_TRUST_HOST: "true",
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  for (const name of ["GOOGLE", "MICROSOFT_ENTRA_ID"]) {
    vi.stubEnv(`AUTH_${name}_ID`, "the-client");
    vi.stubEnv(`AUTH_${name}_SECRET`, "the client's secret");
    vi.stubEnv(`AUTH_${name}_ISSUER`, provider.issuer);
  }
  const titles = [
    "app/api/auth/[...nextauth]/route.ts",
    "lib/freehold.ts",
    "app/projects/page.tsx",
  ];
  const loaded = await loadModules(await codeBlocks("portal.md"), titles);
  page = { ...loaded, modules: loaded.modules as Modules };
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([server.remove(), provider.close(), page.remove()]);
});

beforeEach(() => {
  browser = openBrowser(PORTAL, page.modules["app/api/auth/[...nextauth]/route.ts"]);
});

async function session(): Promise<PortalSession | undefined> {
  const body = (await (await browser.get("/api/auth/session")).json()) as {
    portal?: PortalSession;
  } | null;
  return body?.portal;
}

const ADA = { sub: "google-1", name: "Ada", email: "ada@acme.test", email_verified: true };

describe("the portal of docs/portal.md", () => {
  test.each([
    ["google", ADA, "google"],
    [
      "microsoft-entra-id",
      { sub: "ms-1", name: "Bob", email: "bob@acme.test", xms_edov: true },
      "microsoft",
    ],
  ])("signs a user in with %s", async (id, claims, oauthProvider) => {
    provider.signsIn(claims);
    expect(await browser.signIn(id)).toBe(`${PORTAL}/projects`);
    const portal = await session();
    expect(portal?.sessionToken).toMatch(/^fh_portal_/);
    const { data } = (await request("GET", `/portal/users/${portal?.userId ?? ""}`)).body;
    expect(data).toMatchObject({
      name: claims.email,
      customProperties: { oauthProvider, oauthId: claims.sub, displayName: claims.name },
    });
  });

  test("reads the projects of the user's contact with the session's token", async () => {
    const { contactId } = (await request("POST", "/crm/contacts", { body: { email: ADA.email } }))
      .body;
    const detailedDescription = "<p>Rich</p><script>alert(1)</script>";
    const mine = {
      subtype: "client_project",
      name: "Mine",
      contactIds: [contactId],
      detailedDescription,
    };
    const { id } = (await request("POST", "/projects", { body: mine })).body.data;
    await request("PATCH", `/projects/${id}`, { body: { status: "planning" } });
    await request("POST", "/projects", { body: { subtype: "internal", name: "Not mine" } });
    const projectsPage = page.modules["app/projects/page.tsx"].default;
    vi.stubGlobal("renderedWith", browser.cookies());
    await expect(projectsPage()).rejects.toThrow("redirect to /api/auth/signin");
    provider.signsIn(ADA);
    await browser.signIn("google");
    const { validateToken, ownProjects } = page.modules["lib/freehold.ts"];
    const token = (await session())?.sessionToken ?? "";
    expect((await validateToken(token)).user.name).toBe(ADA.email);
    expect((await ownProjects(token)).map(({ name }) => name)).toEqual(["Mine"]);
    vi.stubGlobal("renderedWith", browser.cookies());
    const html = renderToString(await projectsPage());
    expect(html).toMatch(
      /^<ul><li>PRJ-\d{4}-\d{3,} Mine: planning<div><p>Rich<\/p><\/div><\/li><\/ul>$/,
    );
  });

  test("lets nobody in whose e-mail the provider has not verified", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (const [id, claims] of [
      ["google", { ...ADA, email_verified: false }],
      ["microsoft-entra-id", { sub: "ms-2", name: "Eve", email: "eve@acme.test" }],
      ["google", { sub: "google-2", name: "No mail", email_verified: true }],
    ] as const) {
      provider.signsIn(claims);
      expect(await browser.signIn(id)).toMatch(/error=AccessDenied/);
      expect(await session()).toBeUndefined();
    }
    expect((await request("GET", "/portal/users?email=eve@acme.test")).body.data).toEqual([]);
  });

  test("ends the session here and there with the sign-out", async () => {
    provider.signsIn(ADA);
    await browser.signIn("google");
    const token = (await session())?.sessionToken ?? "";
    await browser.post("/api/auth/signout", {});
    expect(await session()).toBeUndefined();
    const { validateToken } = page.modules["lib/freehold.ts"];
    await expect(validateToken(token)).rejects.toThrow(/^UNAUTHORIZED/);
  });

  test("ends with Freehold's own session", async () => {
    provider.signsIn(ADA);
    await browser.signIn("google");
    const { expiresAt = 0 } = (await session()) ?? {};
    vi.useFakeTimers({ toFake: ["Date"], now: expiresAt - 60_000 });
    expect(await session()).toBeDefined();
    vi.setSystemTime(expiresAt);
    expect(await session()).toBeUndefined();
    vi.useRealTimers();
  });
});
