import { beforeEach, describe, expect, test, vi } from "vitest";
import { startSession } from "../../convex/accounts/sessions";
import { newToken } from "../../convex/kit/tokens";
import type { Answer } from "../helpers/answer";
import {
  type Fixture,
  type Member,
  newBackend,
  newMember,
  newTenant,
  ofTests,
  requestsOf,
} from "../helpers/backend";

let home: Fixture;
const owner = (): ReturnType<typeof requestsOf> => requestsOf(home.backend, home.sessionToken);
const at = (path = ""): string => `/tenants/${home.organizationId}${path}`;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

async function invited(email: string, role = "member"): Promise<{ id: string; token: string }> {
  const answer = await owner()("POST", at("/invite"), { body: { email, role } });
  expect(answer.status).toBe(201);
  return answer.body.data as unknown as { id: string; token: string };
}

/** Somebody who has signed in and belongs nowhere, with this e-mail verified. */
async function stranger(email: string): Promise<Awaited<ReturnType<typeof newMember>>> {
  const person = await newMember(home.backend, []);
  const change = { email, emailKey: email.toLowerCase() };
  await home.backend.run(async ({ db }) => {
    await db.patch("users", person.userId, change);
  });
  return person;
}
const signedInAgain = async ({
  userId,
}: Pick<Member, "userId">): Promise<Pick<Member, "request">> => {
  const { token } = await home.backend.run((ctx) => startSession(ctx, userId, ofTests));
  return { request: requestsOf(home.backend, token) };
};
const accept = async (
  person: { request: ReturnType<typeof requestsOf> },
  token: string,
): Promise<Answer> => await person.request("POST", "/tenants/invites/accept", { body: { token } });

describe("an invite", () => {
  test("makes whoever it is for a member, once", async () => {
    const { token } = await invited("Ada@x.test", "viewer");
    const ada = await stranger("ada@x.test");
    const accepted = await accept(ada, token);
    const tenant = { id: home.organizationId, role: "viewer", status: "active" };
    expect(accepted).toMatchObject({ status: 200, body: { data: tenant } });
    expect((await ada.request("GET", "/crm/contacts")).status).toBe(200);
    expect(await accept(ada, token)).toMatchObject({ status: 410, code: "GONE" });
    expect((await owner()("GET", at("/invites"))).body.data).toEqual([]);
    expect((await owner()("GET", at("/members"))).body.data).toHaveLength(2);
  });

  test("is refused to another person, and stays good for its own", async () => {
    const { token } = await invited("ada@x.test");
    expect(await accept(await stranger("eve@x.test"), token)).toMatchObject({ status: 403 });
    expect((await accept(await stranger("ada@x.test"), token)).status).toBe(200);
  });

  test("is gone when it was revoked, sent again, has expired or never was", async () => {
    const ada = await stranger("ada@x.test");
    const first = await invited("ada@x.test");
    const again = await owner()("POST", at(`/invites/${first.id}/resend`));
    const { token } = again.body.data as unknown as { token: string };
    expect((await accept(ada, first.token)).code).toBe("GONE");
    vi.useFakeTimers({ now: Date.now() + 8 * 24 * 3600 * 1000, toFake: ["Date"] });
    expect((await accept(await signedInAgain(ada), token)).code).toBe("GONE");
    vi.useRealTimers();
    expect((await owner()("DELETE", at(`/invites/${first.id}`))).status).toBe(204);
    expect((await accept(ada, token)).code).toBe("GONE");
    expect((await accept(ada, "nonsense")).code).toBe("GONE");
    expect((await ada.request("POST", "/tenants/invites/accept", { body: {} })).status).toBe(400);
  });

  test("of another organization is not found, and nobody is invited twice", async () => {
    const { id } = await invited("ada@x.test");
    const twice = await owner()("POST", at("/invite"), {
      body: { email: "ADA@x.test", role: "member" },
    });
    expect(twice.code).toBe("CONFLICT");
    const other = await newTenant(home.backend);
    const theirs = requestsOf(home.backend, other.sessionToken);
    for (const missing of [id, "nonsense", other.organizationId]) {
      const path = `/tenants/${other.organizationId}/invites/${missing}`;
      expect((await theirs("DELETE", path)).code).toBe("INVITE_NOT_FOUND");
    }
    expect((await theirs("GET", at("/invites"))).code).toBe("TENANT_NOT_FOUND");
  });

  test("of a username is for that person, whose address the inviter does not learn", async () => {
    vi.stubEnv("APP_URL", "https://app.test");
    const ada = await stranger("ada@secret.test");
    await ada.request("PATCH", "/profile", { body: { username: "Ada" } });
    const invite = async (body: object): Promise<Answer> =>
      await owner()("POST", at("/invite"), { body: { role: "member", ...body } });
    const made = await invite({ username: "ADA" });
    expect(made).toMatchObject({ status: 201, body: { data: { email: null, username: "ada" } } });
    const shown = await Promise.all(
      [at("/invites"), "/notifications?channel=email", "/audit"].map((path) =>
        owner()("GET", path),
      ),
    );
    expect([made, ...shown].map(({ text }) => text).join()).not.toContain("secret.test");
    expect(shown[1]?.body.data[0]).toMatchObject({ to: "@ada" });
    expect((await invite({ username: "ada" })).code).toBe("CONFLICT");
    expect((await invite({ email: "ada@secret.test" })).status).toBe(201);
    const { token } = made.body.data as unknown as { token: string };
    expect((await accept(await stranger("eve@x.test"), token)).code).toBe("FORBIDDEN");
    expect((await accept(ada, token)).status).toBe(200);
    expect((await invite({ username: "ada" })).code).toBe("CONFLICT");
  });

  test("is by e-mail or by username, of somebody with a proved address", async () => {
    const invite = async (body: object): Promise<Answer> =>
      await owner()("POST", at("/invite"), { body: { role: "member", ...body } });
    expect((await invite({})).status).toBe(400);
    expect((await invite({ email: "a@x.test", username: "ada" })).status).toBe(400);
    expect((await invite({ username: "nobody-here" })).status).toBe(404);
    const mo = await newMember(home.backend, []);
    await mo.request("PATCH", "/profile", { body: { username: "without" } });
    expect(await invite({ username: "without" })).toMatchObject({
      ...{ status: 404, code: "USER_NOT_FOUND" },
    });
  });

  test("token is no credential, and is not stored as it is", async () => {
    const { token } = await invited("ada@x.test");
    expect((await requestsOf(home.backend, token)("GET", "/tenants")).status).toBe(401);
    const rows = await home.backend.run(async ({ db }) => await db.query("memberships").collect());
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});

test("somebody who is signed in tries ten tokens a minute, from wherever; so does an address", async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1");
  const [ada, bob] = await Promise.all([stranger("ada@x.test"), stranger("bob@x.test")]);
  const tryFrom = async (ip: string, { sessionToken }: typeof ada): Promise<Answer> => {
    const somewhere = home.backend.withRequestMetadata({ ip, userAgent: null });
    return await accept({ request: requestsOf(somewhere, sessionToken) }, newToken("invite"));
  };
  for (let turn = 0; turn < 10; turn++) {
    expect((await tryFrom(`203.0.113.${turn}`, ada)).code).toBe("GONE");
  }
  expect(await tryFrom("203.0.113.99", ada)).toMatchObject({ status: 429, code: "RATE_LIMITED" });
  expect((await ada.request("GET", "/tenants")).status).toBe(200);
  for (let turn = 0; turn < 10; turn++) {
    expect((await tryFrom("203.0.113.50", bob)).code).toBe("GONE");
  }
  const carl = await stranger("carl@x.test");
  expect((await tryFrom("203.0.113.50", carl)).code).toBe("RATE_LIMITED");
});

test("nobody more than its plan has room for is invited, the invited counted", async () => {
  await home.backend.run(async ({ db }) => {
    await db.patch("organizations", home.organizationId, { tier: "free" });
  });
  const { id } = await invited("ada@x.test");
  const invite = { body: { email: "bob@x.test", role: "member" } };
  const refused = await owner()("POST", at("/invite"), invite);
  expect(refused).toMatchObject({ status: 403, code: "TIER_LIMIT_EXCEEDED" });
  expect(refused.body.error.details).toEqual({
    ...{ limit: 2, used: 2, tier: "free", requiredTier: "pro" },
  });
  await owner()("DELETE", at(`/invites/${id}`));
  expect((await owner()("POST", at("/invite"), invite)).status).toBe(201);
});

test("with one seat left, five invites at once are one", async () => {
  await home.backend.run(async ({ db }) => {
    await db.patch("organizations", home.organizationId, { tier: "free" });
  });
  const emails = [1, 2, 3, 4, 5].map((turn) => `guest${turn}@x.test`);
  const answers = await Promise.all(
    emails.map((email) => owner()("POST", at("/invite"), { body: { email, role: "member" } })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403, 403, 403]);
  const refused = answers.filter(({ status }) => status === 403);
  expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["TIER_LIMIT_EXCEEDED"]));
});

describe("roles", () => {
  test("a removed member's session is worth nothing at once", async () => {
    const { organizationId } = home;
    const member = await newMember(home.backend, [{ organizationId, role: "member" }]);
    expect((await member.request("GET", "/crm/contacts")).status).toBe(200);
    expect((await owner()("DELETE", at(`/members/${member.userId}`))).status).toBe(204);
    expect((await member.request("GET", "/crm/contacts")).status).toBe(403);
    expect((await member.request("GET", at())).code).toBe("TENANT_NOT_FOUND");
  });

  test("the last owner neither leaves nor is lowered", async () => {
    const { body } = await owner()("GET", at("/members"));
    const path = at(`/members/${body.data[0]?.userId}`);
    expect((await owner()("DELETE", path)).code).toBe("CONFLICT");
    expect((await owner()("PATCH", path, { body: { role: "viewer" } })).code).toBe("CONFLICT");
    const { organizationId } = home;
    await newMember(home.backend, [{ organizationId, role: "owner" }]);
    expect((await owner()("DELETE", path)).status).toBe(204);
  });

  test("a manager touches no owner and makes none; a member and a viewer only themselves", async () => {
    const { organizationId } = home;
    const [manager, member, viewer] = await Promise.all(
      (["manager", "member", "viewer"] as const).map((role) =>
        newMember(home.backend, [{ organizationId, role }]),
      ),
    );
    if (!manager || !member || !viewer) throw new Error("missing");
    const ownerId = (await owner()("GET", at("/members"))).body.data[0]?.userId;
    const invite = { email: "x@x.test", role: "owner" };
    expect((await manager.request("POST", at("/invite"), { body: invite })).status).toBe(403);
    expect((await manager.request("DELETE", at(`/members/${ownerId}`))).status).toBe(403);
    const raise = { body: { role: "owner" } };
    expect((await manager.request("PATCH", at(`/members/${manager.userId}`), raise)).status).toBe(
      403,
    );
    const change = { body: { role: "viewer" } };
    expect((await manager.request("PATCH", at(`/members/${member.userId}`), change)).status).toBe(
      200,
    );
    expect((await viewer.request("DELETE", at(`/members/${member.userId}`))).status).toBe(403);
    expect((await viewer.request("DELETE", at(`/members/${viewer.userId}`))).status).toBe(204);
  });
});
