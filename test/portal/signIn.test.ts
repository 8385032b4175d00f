import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { contact, SIGN_IN, signIn } from "./portal";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_750_000_000_000 });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

const DAYS = 24 * 60 * 60 * 1000;

describe("sync-user", () => {
  test("answers the documented object, bare, with a session token beside it", async () => {
    const known = await contact(home, SIGN_IN.email, "Acme");
    const answer = await signIn(home);
    expect(answer.status).toBe(201);
    const { _id } = answer.body;
    expect(answer.body).toEqual({
      _id,
      id: _id,
      organizationId: home.organizationId,
      type: "frontend_user",
      name: "user@example.com",
      status: "active",
      customProperties: {
        oauthProvider: "google",
        oauthId: "provider-specific-user-id",
        displayName: "John Doe",
        lastLogin: Date.now(),
        crmContactId: known.contactId,
        crmOrganizationId: known.crmOrganizationId,
      },
      version: 1,
      createdAt: Date.now(),
      updatedAt: Date.now(),
      sessionToken: expect.stringMatching(/^fh_portal_[\w-]{43}$/) as string,
      expiresAt: Date.now() + 30 * DAYS,
    });
  });

  test("updates the user of this e-mail, however it is written, and makes no second one", async () => {
    const first = await signIn(home);
    vi.setSystemTime(Date.now() + 5000);
    const again = await signIn(home, {
      email: "User@Example.COM",
      name: "Johnny",
      oauthProvider: "microsoft",
      oauthId: "other",
    });
    expect([again.status, again.body._id]).toEqual([200, first.body._id]);
    expect(again.body).toMatchObject({
      version: 2,
      customProperties: {
        displayName: "Johnny",
        oauthProvider: "microsoft",
        oauthId: "other",
        lastLogin: Date.now(),
      },
    });
    expect(again.body.sessionToken).not.toBe(first.body.sessionToken);
    expect((await home.request("GET", "/portal/users")).body.meta.total).toBe(1);
  });

  test("links no contact where there is none, and the contact that appears later", async () => {
    const { body } = await signIn(home);
    expect(body.customProperties).toMatchObject({ crmContactId: null, crmOrganizationId: null });
    const late = await contact(home, "USER@example.com", "Acme");
    const shown = await home.request("GET", "/auth/user", { token: body.sessionToken });
    expect(shown.body.crmContext).toEqual({
      contactId: late.contactId,
      organizationId: late.crmOrganizationId,
    });
  });

  test("links a contact that is given the e-mail later", async () => {
    const { body } = await signIn(home);
    const other = await contact(home, "old@example.com");
    await home.request("PATCH", `/crm/contacts/${other.contactId}`, {
      body: { email: SIGN_IN.email },
    });
    const shown = await home.request("GET", `/portal/users/${body._id}`);
    expect(shown.body.data.customProperties["crmContactId"]).toBe(other.contactId);
  });

  test("keeps the link when the contact's e-mail changes, and shows where the contact is now", async () => {
    const known = await contact(home, SIGN_IN.email, "Acme");
    const { body } = await signIn(home);
    const path = `/crm/contacts/${known.contactId}`;
    const created = await home.request("POST", "/crm/organizations", { body: { name: "Globex" } });
    const crmOrganizationId = created.body.data.id;
    await home.request("PATCH", path, { body: { email: "new@example.com", crmOrganizationId } });
    await contact(home, SIGN_IN.email);
    const again = await signIn(home);
    expect(again.body.customProperties).toMatchObject({
      crmContactId: known.contactId,
      crmOrganizationId,
    });
    expect(again.body._id).toBe(body._id);
  });

  test("never links a contact of another organization", async () => {
    const other = await newTenant(home.backend);
    await contact(other, SIGN_IN.email);
    expect((await signIn(home)).body.customProperties["crmContactId"]).toBeNull();
    const theirs = await signIn(other);
    expect(theirs.body.organizationId).toBe(other.organizationId);
    expect(theirs.body.customProperties["crmContactId"]).not.toBeNull();
  });

  test("does not sign in a user who has been switched off", async () => {
    const { body } = await signIn(home);
    const path = `/portal/users/${body._id}`;
    await home.request("PATCH", path, { body: { status: "inactive" } });
    const token = body.sessionToken;
    expect((await home.request("GET", "/auth/user", { token })).status).toBe(401);
    const refused = await signIn(home);
    expect([refused.status, refused.code]).toEqual([403, "FORBIDDEN"]);
    await home.request("PATCH", path, { body: { status: "active" } });
    expect((await home.request("GET", "/auth/user", { token })).status).toBe(401);
    expect((await signIn(home)).status).toBe(200);
  });

  test.each([
    ["email", undefined],
    ["email", "nobody"],
    ["name", undefined],
    ["name", ""],
    ["oauthProvider", "github"],
    ["oauthId", ""],
    ["role", "admin"],
  ])("refuses %s %j, and names it", async (field, value) => {
    const answer = await signIn(home, { [field]: value });
    expect([answer.status, answer.paths]).toEqual([400, [`body.${field}`]]);
  });

  test("is for API keys with portal:write", async () => {
    const { backend, organizationId } = home;
    const reader = await newKey(backend, organizationId, ["portal:read", "crm:write"]);
    const writer = await newKey(backend, organizationId, ["portal:write"]);
    const owner = await newMember(backend, [{ organizationId, role: "owner" }]);
    const stranger = await home.request("POST", "/auth/sync-user", { body: SIGN_IN, token: null });
    expect([stranger.status, stranger.code]).toEqual([401, "UNAUTHORIZED"]);
    expect((await signIn(reader)).code).toBe("INSUFFICIENT_SCOPE");
    expect((await signIn(owner)).code).toBe("FORBIDDEN");
    expect((await signIn(writer)).status).toBe(201);
  });

  test("replays an Idempotency-Key without the token", async () => {
    const options = { body: SIGN_IN, headers: { "Idempotency-Key": "sign-in" } };
    const first = await home.request("POST", "/auth/sync-user", options);
    const again = await home.request("POST", "/auth/sync-user", options);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.body).toEqual({ ...first.body, sessionToken: null });
  });

  test("keeps no token, only its digest", async () => {
    const { body } = await signIn(home);
    const stored = await home.backend.run(async ({ db }) =>
      JSON.stringify(
        [
          await db.query("frontendSessions").collect(),
          await db.query("auditLogs").collect(),
          await db.query("events").collect(),
          await db.query("objects").collect(),
        ],
        (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
      ),
    );
    expect(stored).toContain(body._id);
    expect(stored).not.toContain(body.sessionToken);
  });
});

describe.each(["GET", "POST"])("validate-token by %s", (method) => {
  test("answers the documented body", async () => {
    const known = await contact(home, SIGN_IN.email, "Acme");
    const { sessionToken, expiresAt: _expiresAt, ...user } = (await signIn(home)).body;
    const answer = await home.request(method, "/auth/validate-token", { token: sessionToken });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      valid: true,
      user,
      crmContext: { contactId: known.contactId, organizationId: known.crmOrganizationId },
    });
  });

  test("answers 401 to what is no valid token", async () => {
    const { body } = await signIn(home);
    for (const token of [
      null,
      "x",
      body._id,
      `${body.sessionToken.slice(0, -1)}!`,
      "fh_portal_short",
    ]) {
      const answer = await home.request(method, "/auth/validate-token", { token });
      expect([token, answer.status, answer.code]).toEqual([token, 401, "UNAUTHORIZED"]);
    }
  });

  test("lets an address try ten wrong tokens a minute", async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "1");
    const { body } = await signIn(home);
    const attempt = async (token: string): Promise<number> =>
      (await home.request(method, "/auth/validate-token", { token })).status;
    const wrong = `fh_portal_${"x".repeat(43)}`;
    for (let n = 0; n < 10; n++) expect(await attempt(wrong)).toBe(401);
    const refused = await home.request(method, "/auth/validate-token", { token: wrong });
    expect([refused.status, refused.code]).toEqual([429, "RATE_LIMITED"]);
    expect(refused.headers.get("Retry-After")).toBe("6");
    // Whoever has a token is counted as themselves.
    expect(await attempt(body.sessionToken)).toBe(200);
  });
});

test("GET /auth/user answers the documented body", async () => {
  const { body } = await signIn(home);
  const answer = await home.request("GET", "/auth/user", { token: body.sessionToken });
  expect(answer.body).toEqual({
    _id: body._id,
    email: "user@example.com",
    displayName: "John Doe",
    oauthProvider: "google",
    crmContext: { contactId: null, organizationId: null },
  });
});
