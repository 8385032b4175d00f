/** Providers that fail, lie or change their keys; and how their configuration is read. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthenticationError, Identities } from "../../../scripts/local/identity";
import { readProviders } from "../../../scripts/local/identity/providers";
import { newKey, Provider } from "./provider";

let provider: Provider;
beforeEach(async () => {
  provider = await Provider.start();
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.stop();
});

const identities = (): Identities =>
  new Identities(
    readProviders({ providers: [{ domain: `${provider.url}/oidc/`, applicationID: "app" }] }),
  );

async function refusal(verifying: Promise<unknown>): Promise<AuthenticationError> {
  const error = await verifying.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AuthenticationError);
  return error as AuthenticationError;
}

describe("a provider that cannot be asked", () => {
  const broken: [string, Provider["breakWith"]][] = [
    ["an error", (_, response) => response.writeHead(500).end("secret detail")],
    ["no JSON", (_, response) => response.end("<html>")],
    ["another issuer", (_, response) => response.end('{"issuer":"https://evil.example"}')],
    ["no keys", (_, response) => response.end(`{"issuer":"${provider.url}/oidc"}`)],
    ["more than a document may have", (_, response) => response.end("[" + " ".repeat(300_000))],
    ["a broken connection", (request) => request.socket.destroy()],
  ];
  test.each(broken)("because it answers %s makes no identity, and not a flood", async (_, how) => {
    provider.breakWith = how;
    const verifier = identities();
    const token = await provider.token();
    for (let time = 0; time < 5; time++) {
      const error = await refusal(verifier.verify(token));
      expect([error.status, error.code]).toEqual([503, "AuthProviderDiscoveryFailed"]);
      expect(error.message).not.toContain("secret detail");
    }
    expect(provider.requests).toHaveLength(1);
  });

  test("is not asked again for each way in which a forged token can write its name", async () => {
    provider.breakWith = (_, response) => response.writeHead(503).end();
    const verifier = identities();
    for (let slashes = 0; slashes < 20; slashes++) {
      const iss = `${provider.url}/oidc${"/".repeat(slashes)}`;
      await refusal(verifier.verify(await provider.token({ claims: { iss } })));
    }
    expect(provider.requests.length).toBeLessThanOrEqual(2);
  });

  test("is asked again a little later", async () => {
    provider.breakWith = (_, response) => response.writeHead(503).end();
    const verifier = identities();
    const token = await provider.token();
    await refusal(verifier.verify(token));
    provider.breakWith = null;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5_001 });
    expect((await verifier.verify(token)).user.subject).toBe("ada");
  });

  test("holds up nobody else", async () => {
    const other = await Provider.start();
    const verifier = new Identities(
      readProviders({
        providers: [provider, other].map(({ url }) => ({
          domain: `${url}/oidc`,
          applicationID: "app",
        })),
      }),
    );
    provider.breakWith = () => undefined;
    const hanging = verifier.verify(await provider.token());
    hanging.catch(() => undefined);
    expect((await verifier.verify(await other.token())).user.subject).toBe("ada");
    provider.breakWith = null;
    await provider.stop();
    await refusal(hanging);
    provider = other;
  });
});

test("a key that the provider has added is found, after a while in which none is looked for", async () => {
  const verifier = identities();
  await verifier.verify(await provider.token());
  const added = await newKey("RS256");
  provider.keys.push(added);
  const token = await provider.token({}, added);
  expect((await refusal(verifier.verify(token))).code).toBe("Unauthenticated");
  const asked = provider.requests.length;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
  expect((await verifier.verify(token)).user.subject).toBe("ada");
  expect(provider.requests.length).toBe(asked + 1);
});

test("a token says until when it is good, and one that is too long is not read", async () => {
  const exp = Math.floor(Date.now() / 1_000) + 100;
  const token = await provider.token({ claims: { exp } });
  expect(await identities().verify(token)).toMatchObject({ token, expiresAt: exp * 1_000 });
  const long = await provider.token({ claims: { much: "x".repeat(20_000) } });
  expect((await refusal(identities().verify(long))).code).toBe("InvalidAuthHeader");
});

test("other providers take the place of those before", async () => {
  const verifier = identities();
  const token = await provider.token();
  await verifier.verify(token);
  verifier.use([]);
  expect((await refusal(verifier.verify(token))).code).toBe("NoAuthProvider");
});

test.each([
  [undefined, "the default export"],
  [{ providers: {} }, "the default export"],
  [{ providers: [null] }, "providers[0]: must be an object"],
  [{ providers: [{ domain: "a.example" }] }, "`applicationID`"],
  [{ providers: [{ domain: "", applicationID: "a" }] }, "`domain`"],
  [{ providers: [{ domain: "ftp://", applicationID: "a" }] }, "`domain`"],
  [{ providers: [{ type: "saml" }] }, "`type`"],
  [{ providers: [{ type: "customJwt", issuer: "https://a", jwks: "https://a" }] }, "`algorithm`"],
  [
    { providers: [{ type: "customJwt", issuer: "https://a", jwks: "x", algorithm: "RS256" }] },
    "`jwks`",
  ],
])("the configuration %j is refused with its reason", (config, reason) => {
  expect(() => readProviders(config)).toThrow(reason);
});
