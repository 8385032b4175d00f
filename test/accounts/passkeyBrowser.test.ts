// @vitest-environment node
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Page } from "playwright-core";
import { afterAll, expect, test, vi } from "vitest";
import { newBackend, requestsOf } from "../helpers/backend";
import { codeOf, STEP_MS } from "./totpApp";

const CHROMIUM = "/usr/bin/chromium";
const PASSWORD = "Lindenallee-47-Nord";
const ends: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  vi.unstubAllEnvs();
  for (const end of ends) await end();
});

/** What a page does with options: as browsers read and write them themselves. */
async function inPage(page: Page, way: "create" | "get", options: unknown): Promise<unknown> {
  const script = `(async () => {
    const options = ${JSON.stringify(options)};
    const publicKey = ${
      way === "create"
        ? "PublicKeyCredential.parseCreationOptionsFromJSON(options)"
        : "PublicKeyCredential.parseRequestOptionsFromJSON(options)"
    };
    return (await navigator.credentials.${way}({ publicKey })).toJSON();
  })()`;
  return await page.evaluate(script);
}

test.skipIf(!existsSync(CHROMIUM))(
  "in a browser: a passkey is made and signs in, and so do the password and a code",
  async () => {
    const server = createServer((_request, response) => void response.end("<!doctype html>"));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const app = `http://localhost:${(server.address() as AddressInfo).port}`;
    vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
    vi.stubEnv("APP_URL", app);
    vi.stubEnv("CONVEX_SITE_URL", "https://site.test");
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    ends.push(
      () => browser.close(),
      async () => server.close(),
    );
    const page = await browser.newPage();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        ...{ protocol: "ctap2", transport: "internal", hasResidentKey: true },
        ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.goto(app);

    const { backend } = await newBackend();
    const nobody = requestsOf(backend, null);
    const account = { email: "mara@x.test", password: PASSWORD };
    const registered = await nobody("POST", "/auth/register", {
      body: { ...account, name: "Mara Winter" },
    });
    const { sessionToken } = registered.body as unknown as { sessionToken: string };
    const mara = requestsOf(backend, sessionToken);
    type Begun = { challengeId: string; options: object };

    const begun = (await mara("POST", "/auth/passkeys/options")).body.data as unknown as Begun;
    const made = await inPage(page, "create", begun.options);
    const { challengeId } = begun;
    const body = { challengeId, name: "Browser", credential: made };
    expect((await mara("POST", "/auth/passkeys", { body })).status).toBe(201);

    const options = await nobody("POST", "/auth/passkeys/login/options", { body: {} });
    const asked = options.body.data as unknown as Begun;
    const credential = await inPage(page, "get", asked.options);
    const signIn = { challengeId: asked.challengeId, credential };
    const answer = await nobody("POST", "/auth/passkeys/login", { body: signIn });
    expect(answer.body).toMatchObject({ user: { email: "mara@x.test" } });

    const setUp = (await mara("POST", "/auth/mfa/totp")).body.data;
    const { secret } = setUp as unknown as { secret: string };
    await mara("POST", "/auth/mfa/totp/confirm", { body: { code: codeOf(secret) } });
    const login = await nobody("POST", "/auth/login", { body: account });
    const { mfaToken } = login.body as unknown as { mfaToken: string };
    const code = codeOf(secret, Date.now() + STEP_MS);
    const verified = await nobody("POST", "/auth/mfa/verify", { body: { mfaToken, code } });
    expect(verified.body).toMatchObject({ user: { email: "mara@x.test" } });
  },
);
