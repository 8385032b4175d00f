import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { Browser, SITE } from "./browser";
import { CLIENT, type OidcServer, quiet, startOidcServer } from "./oidcServer";

/** Sign-in, connecting and disconnecting at a real server, whose actions run in processes of their own. */
let oidc: OidcServer;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  quiet();
  oidc = await startOidcServer([`${SITE}/api/v1/auth/oauth/google/callback`]);
  oidc.person = { sub: "ada", name: "Ada", email: "ada@acme.test", email_verified: true };
  site = await startSite({
    env: {
      // As it is known to browsers and to the provider.
      CONVEX_SITE_ORIGIN: SITE,
      GOOGLE_CLIENT_ID: CLIENT.id,
      GOOGLE_CLIENT_SECRET: CLIENT.secret,
      GOOGLE_ISSUER: oidc.issuer,
    },
  });
  const fetchThere = async (path: string, init?: RequestInit): Promise<Response> =>
    await fetch(site.server.siteUrl + path, { redirect: "manual", ...init });
  browser = new Browser({ fetch: fetchThere });
});
afterAll(async () => {
  await Promise.all([site.server.remove(), oidc.close()]);
});

async function data(path: string): Promise<unknown> {
  return ((await (await browser.get(`/api/v1${path}`)).json()) as { data: unknown }).data;
}

test("a browser signs in, connects its account, and disconnects it at the provider too", async () => {
  expect(await browser.signIn(oidc, "google")).toBe(SITE);
  expect(await data("/auth/me")).toMatchObject({ name: "Ada" });
  expect(await browser.signIn(oidc, "google", "?purpose=connect&redirect=/")).toBe(`${SITE}/`);
  const [connection] = (await data("/auth/connections")) as { id: string; status: string }[];
  expect(connection).toMatchObject({ email: "ada@acme.test", status: "active" });
  const Cookie = `fh_session=${browser.session ?? ""}`;
  const path = `${site.server.siteUrl}/api/v1/auth/connections/${connection?.id ?? ""}`;
  const ended = await fetch(path, { method: "DELETE", headers: { Cookie, Origin: SITE } });
  expect(ended.status).toBe(204);
  await eventually(
    async () => await data("/auth/connections"),
    (left) => (left as unknown[]).length === 0,
  );
  expect(oidc.asked).toContain("/token/revocation");
});
