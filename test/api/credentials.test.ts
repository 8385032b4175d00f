import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { newToken } from "../../convex/kit/tokens";
import { type Fixture, newBackend, newKey, newMember } from "../helpers/backend";
import { portalToken } from "../portal/portal";
import { Clerk } from "../tenants/clerk";

/** What a refused caller is told of the credential they sent. */

let home: Fixture;
let clerk: Clerk;

beforeAll(async () => {
  clerk = await Clerk.start();
});
afterAll(async () => clerk.stop());
beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  vi.stubEnv("CLERK_ISSUER", clerk.issuer);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  home = await newBackend();
});

type Headers = Record<string, string>;

/** Of a read, or of a write where there is a body. */
async function told(headers: Headers, body?: object): Promise<string> {
  const options = { token: null, headers, ...(body ? { body } : {}) };
  const method = body ? "POST" : "GET";
  const answer = await home.request(method, "/crm/contacts", options);
  expect([answer.status, answer.code]).toEqual([401, "UNAUTHORIZED"]);
  expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
  return answer.body.error.message;
}

const bearer = (token: string): Headers => ({ Authorization: `Bearer ${token}` });

describe("a 401 says what is wrong with the form of the credential", () => {
  const key = newToken("api_key_live");
  test.each<[string, Headers, RegExp]>([
    ["none", {}, /There is no credential.*Authorization: Bearer/],
    ["a key in X-API-Key alone", { "X-API-Key": key }, /X-API-Key alone.*Authorization: Bearer/],
    ["a key without the scheme", { Authorization: key }, /lacks its scheme/],
    ["Basic", { Authorization: "Basic YTpi" }, /must be Bearer/],
    ["nothing after the scheme", { Authorization: "Bearer" }, /nothing after Bearer/],
    ["an empty variable of a script", bearer("undefined"), /nothing after Bearer/],
    ["two words", bearer(`${key} ${key}`), /more than one word/],
    ["a key that is cut off", bearer(key.slice(0, -1)), /cut off or mistyped/],
    ["a session that is cut off", bearer("fh_session_abc"), /cut off or mistyped/],
    ["an invite's token", bearer(newToken("invite")), /POST \/tenants\/invites\/accept/],
    ["a word", bearer("secret"), /neither a key nor a token.*X-API-Key/],
    ["a long text", bearer("x".repeat(100)), /of no kind that is known.*fh_live_/],
    [
      "an id beside what is no key",
      { ...bearer("abc"), "X-API-Key": "x" },
      /X-API-Key is no API key/,
    ],
    ["an unknown key", bearer(key), /^This API key is not good here/],
    ["an unknown session", bearer(newToken("session")), /^This staff session is not good here/],
    ["an unknown portal session", bearer(newToken("portal_session")), /^This portal session/],
    ["three parts that are no JWT", bearer("a.b.c"), /JWT cannot be read/],
  ])("%s", async (_name, headers, message) => {
    expect(await told(headers)).toMatch(message);
    // The same of a write, also of one that is wrong in other ways: a stranger learns no more.
    expect(await told(headers, { surprise: 1 })).toMatch(message);
  });

  const now = Math.floor(Date.now() / 1000);
  test.each<[string, () => Promise<string>, RegExp]>([
    [
      "has expired",
      () => clerk.token({ exp: now - 10, iat: now - 70, nbf: now - 70 }),
      /has expired/,
    ],
    ["is not valid yet", () => clerk.token({ nbf: now + 90 }), /not valid yet/],
    ["another issuer gave", () => clerk.token({ iss: "https://evil.example" }), /issuer \(iss\)/],
    ["is for others", () => clerk.token({ aud: "billing" }), /audience \(aud\)/],
    ["names nobody", () => clerk.token({ sub: undefined }), /cannot be read/],
    ["asks for an extension", () => clerk.token({}, { crit: ["b64"], b64: true }), /crit/],
    ["is of a sign-in half done", () => clerk.token({ sts: "pending" }), /sts is pending/],
    ["is signed by an unknown key", () => clerk.token({}, { kid: "other" }), /signature/],
    [
      "is signed by somebody else",
      async () => {
        const { privateKey } = await generateKeyPair("RS256");
        const header = { alg: "RS256", kid: clerk.newest.kid, typ: "JWT" };
        const claims = { iss: clerk.issuer, sub: "user_ada", iat: now, exp: now + 600 };
        return await new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
      },
      /signature/,
    ],
  ])("a JWT that %s", async (_name, make, message) => {
    expect(await told(bearer(await make()))).toMatch(message);
  });

  test("a JWT for another site, where sites are named", async () => {
    vi.stubEnv("CLERK_AUTHORIZED_PARTIES", "https://app.example");
    const token = await clerk.token({ azp: "https://evil.example" });
    expect(await told(bearer(token))).toMatch(/another site \(azp\)/);
  });

  test("any JWT, where no issuer is configured", async () => {
    const token = await clerk.token();
    vi.stubEnv("CLERK_ISSUER", "");
    expect(await told(bearer(token))).toMatch(/issuer \(iss\)/);
  });
});

describe("a 401 does not say what exists", () => {
  test("a key that is revoked, has expired or never was: one answer, for reads and writes", async () => {
    const revoked = await newKey(home.backend, home.organizationId, ["*"]);
    const expired = await newKey(home.backend, home.organizationId, ["*"]);
    await home.backend.run(async ({ db }) => {
      await db.patch("apiKeys", revoked.keyId, { revokedAt: 1 });
      await db.patch("apiKeys", expired.keyId, { expiresAt: 1 });
    });
    const tokens = [revoked.token, expired.token, newToken("api_key_live")];
    const messages = new Set<string>();
    for (const token of tokens) {
      for (const body of [undefined, { surprise: 1 }, { firstName: "Ada" }]) {
        messages.add(await told(bearer(token), body));
      }
    }
    expect(messages.size).toBe(1);
  });

  test("an unknown id beside a good key is as a known one beside an unknown key", async () => {
    const token = await portalToken(home, "pia@x.test");
    const user = (await home.request("GET", "/auth/user", { token })).body;
    const id = user._id ?? user.data?._id;
    const contact = (await home.request("POST", "/crm/contacts", { body: { lastName: "A" } })).body;
    const messages = new Set([
      await told({ ...bearer(contact.contactId), "X-API-Key": home.apiKey }),
      await told({ ...bearer(id), "X-API-Key": newToken("api_key_live") }),
      await told({ ...bearer("nobody"), "X-API-Key": newToken("api_key_live") }),
    ]);
    expect([...messages]).toEqual([expect.stringMatching(/^The API key in X-API-Key/)]);
  });
});

describe("a 403 says which kind of caller is taken, and which was sent", () => {
  async function refused(token: string, method: string, at: string): Promise<string> {
    const answer = await home.request(method, at, { token });
    expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
    return answer.body.error.message;
  }

  test("a portal user where staff and keys are taken", async () => {
    const token = await portalToken(home, "pia@x.test");
    expect(await refused(token, "GET", "/crm/contacts")).toBe(
      "This is for API keys (fh_live_…, fh_test_…) and members of staff (fh_session_…, an access token, or the identity provider's JWT); the credential that was sent is a portal user's.",
    );
  });

  test("an API key where a person is meant", async () => {
    expect(await refused(home.apiKey, "GET", "/tenants")).toMatch(
      /^This is for members of staff .*; the credential that was sent is an API key\.$/,
    );
  });

  test("staff where portal users are meant", async () => {
    expect(await refused(home.sessionToken, "GET", "/auth/user")).toMatch(
      /portal users \(fh_portal_…\); the credential that was sent is a member of staff's\.$/,
    );
  });

  test("a member of no organization is told how to come into one", async () => {
    const { sessionToken } = await newMember(home.backend, []);
    expect(await refused(sessionToken, "GET", "/crm/contacts")).toMatch(/POST \/tenants/);
  });

  test("another organization in X-Tenant-Id", async () => {
    const headers = { "X-Tenant-Id": "k57none" as Id<"organizations"> };
    const answer = await home.request("GET", "/crm/contacts", { headers });
    expect(answer.body.error.message).toMatch(/X-Tenant-Id .*GET \/tenants/);
  });
});
