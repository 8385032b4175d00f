// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { hash as bcrypt } from "bcryptjs";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, logLines, newBackend, requestsOf } from "../helpers/backend";
import { lettersOf } from "./letterBox";

let home: Fixture;
let nobody: Request;
const PASSWORD = "Lindenallee-47-Nord";

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100"); // and one bucket for each address
  vi.stubEnv("APP_URL", "https://app.test");
  vi.stubEnv("CONVEX_SITE_URL", "https://site.test");
  home = await newBackend();
  nobody = requestsOf(home.backend, null);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

type SignedIn = {
  user: { id: string; email: string; name: string; createdAt: string };
  tokens: { accessToken: string; refreshToken: string; expiresIn: number };
  sessionToken: string;
  organizationId: string | null;
};
const bodyOf = (answer: Answer): SignedIn => answer.body as unknown as SignedIn;

async function register(email = "mara@x.test", more: object = {}): Promise<Answer> {
  const body = { email, password: PASSWORD, name: "Mara Winter", ...more };
  return await nobody("POST", "/auth/register", { body });
}
async function login(password = PASSWORD, email = "mara@x.test"): Promise<Answer> {
  return await nobody("POST", "/auth/login", { body: { email, password } });
}

/** The token of the letter of a kind, as soon as it is there. */
async function letter(template: Parameters<typeof lettersOf>[1]): Promise<string> {
  return await vi.waitFor(async () => {
    const [token] = await lettersOf(home.backend, template);
    if (token === undefined) throw new Error(`There is no letter of the kind ${template}.`);
    return token;
  });
}

describe("registering", () => {
  test("answers the documented body, signed in, with the organization that was founded", async () => {
    const answer = await register("Mara@X.test", { organizationName: "Atelier Winter" });
    expect(answer.status).toBe(201);
    const { user, tokens, sessionToken, organizationId } = bodyOf(answer);
    expect(user).toMatchObject({ email: "Mara@X.test", name: "Mara Winter" });
    expect(new Date(user.createdAt).toISOString()).toBe(user.createdAt);
    expect(tokens).toMatchObject({ expiresIn: 900 });
    for (const token of [tokens.accessToken, sessionToken]) {
      const tenants = await requestsOf(home.backend, token)("GET", "/tenants");
      expect(tenants.body.data).toMatchObject([{ id: organizationId, role: "owner" }]);
    }
  });
  test("an e-mail that is registered is EMAIL_EXISTS, in any case and form", async () => {
    await register("ada@bücher.example");
    expect(await register("ADA@xn--bcher-kva.example")).toMatchObject({
      status: 409,
      code: "EMAIL_EXISTS",
    });
  });
});

test("a password signs in, also when it was typed in another form of Unicode", async () => {
  await register("mara@x.test", { password: "Caf\u00e9-Lindenallee-47" });
  expect((await login("Cafe\u0301-Lindenallee-47")).status).toBe(200);
});

test("ten wrong passwords lock an e-mail, known or not, for the same documents read", async () => {
  await register();
  const tried = async (password: string, email: string): Promise<unknown[]> => {
    const { status, code } = await login(password, email);
    const line = logLines().findLast(({ path }) => path === "/api/v1/auth/login");
    return [status, code, line?.["documentsRead"]];
  };
  for (let i = 1; i <= 11; i++) {
    const password = i > 10 ? PASSWORD : "Wrong";
    const known = await tried(password, "mara@x.test");
    expect([i, ...(await tried(password, "nobody@x.test"))]).toEqual([i, ...known]);
    expect(known.slice(0, 2)).toEqual(
      i > 10 ? [423, "ACCOUNT_LOCKED"] : [401, "INVALID_CREDENTIALS"],
    );
  }
  const token = await letter("unlock");
  expect((await nobody("POST", "/auth/unlock", { body: { token } })).status).toBe(200);
  expect((await login()).status).toBe(200);
});

describe("refreshing", () => {
  const refresh = (refreshToken: string): Promise<Answer> =>
    nobody("POST", "/auth/refresh", { body: { refreshToken } });
  const tokensIn = (answer: Answer): SignedIn["tokens"] =>
    answer.body as unknown as SignedIn["tokens"];

  test("fifty at once with one token are fifty answers of one session; a minute later it ends that", async () => {
    const { tokens, sessionToken } = bodyOf(await register());
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => refresh(tokens.refreshToken)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((each) => tokensIn(each).refreshToken)).size).toBe(50);
    const mine = requestsOf(home.backend, sessionToken);
    expect((await mine("GET", "/auth/sessions")).body.data).toHaveLength(1);
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
    expect(await refresh(tokens.refreshToken)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect((await mine("GET", "/auth/sessions")).status).toBe(401);
    const last = tokensIn(answers[49] as Answer);
    expect((await refresh(last.refreshToken)).status).toBe(401);
    const access = requestsOf(home.backend, last.accessToken);
    expect((await access("GET", "/auth/me")).status).toBe(401);
    const letters = await home.backend.run(({ db }) => db.query("accountMails").collect());
    expect(letters.map(({ template }) => template)).toContain("session_reuse");
  });

  test("a session that is used lasts on from then, and ends for good after thirty days", async () => {
    let { refreshToken } = bodyOf(await register()).tokens;
    const began = Date.now();
    for (const day of [6, 12, 18, 24, 29]) {
      vi.useFakeTimers({ now: began + day * 24 * 3600 * 1000, toFake: ["Date"] });
      const answer = await refresh(refreshToken);
      expect([day, answer.status]).toEqual([day, 200]);
      ({ refreshToken } = tokensIn(answer));
    }
    vi.useFakeTimers({ now: began + 30 * 24 * 3600 * 1000 + 1, toFake: ["Date"] });
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  test.each(["", "x", "fh_session_x", "a.b.c", "\u0000"])(
    "%j is no refresh token",
    async (token) => {
      const { status } = await refresh(token);
      expect(status === 401 || status === 400).toBe(true);
    },
  );
});

test("a sign-in reads at most twelve documents, a refresh at most ten", async () => {
  await register("mara@x.test", { organizationName: "Atelier" });
  const { tokens } = bodyOf(await login());
  const { refreshToken } = tokens;
  await nobody("POST", "/auth/refresh", { body: { refreshToken } });
  const readBy = (path: string): unknown =>
    logLines().findLast((line) => line["path"] === `/api/v1/auth/${path}`)?.["documentsRead"];
  // The Node action reads one more, the account that it compares with.
  expect(Number(readBy("login")) + 1).toBeLessThanOrEqual(12);
  expect(readBy("refresh")).toBeLessThanOrEqual(10);
});

test("where somebody was signed in from is forgotten a month after the session's end", async () => {
  const { sessionToken } = bodyOf(await register());
  await requestsOf(home.backend, sessionToken)("POST", "/auth/logout");
  const sessions = async (): Promise<number> =>
    (await home.backend.run(({ db }) => db.query("sessions").collect())).filter(
      ({ revokedAt }) => revokedAt !== undefined,
    ).length;
  const ended = Date.now();
  for (const [day, kept] of [
    [29, 1],
    [31, 0],
  ] as const) {
    vi.useFakeTimers({ now: ended + day * 24 * 3600 * 1000, toFake: ["Date"] });
    await home.backend.mutation(internal.accounts.retention.cleanUp, {});
    expect([day, await sessions()]).toEqual([day, kept]);
  }
});

test("what happens to an account is in the log, also of who belongs to no organization", async () => {
  const { user } = bodyOf(await register());
  expect(logLines().map(({ message, userId }) => [message, userId])).toContainEqual([
    "user.registered",
    user.id,
  ]);
});

describe("sessions", () => {
  test("are listed with the one that is calling, and end at once", async () => {
    const first = bodyOf(await register());
    const second = bodyOf(await login());
    const mine = requestsOf(home.backend, first.sessionToken);
    const { data } = (await mine("GET", "/auth/sessions")).body as unknown as {
      data: { id: string; isCurrent: boolean; method: string }[];
    };
    expect(data.map(({ isCurrent }) => isCurrent).sort()).toEqual([false, true]);
    const other = data.find(({ isCurrent }) => !isCurrent);
    expect((await mine("DELETE", `/auth/sessions/${other?.id}`)).status).toBe(204);
    expect((await mine("DELETE", `/auth/sessions/${other?.id}`)).code).toBe("SESSION_NOT_FOUND");
    const access = requestsOf(home.backend, second.tokens.accessToken);
    expect((await access("GET", "/tenants")).status).toBe(401);
    expect((await mine("GET", "/tenants")).status).toBe(200);
  });

  test("of somebody else do not exist", async () => {
    const mine = requestsOf(home.backend, bodyOf(await register()).sessionToken);
    const owner = requestsOf(home.backend, home.sessionToken);
    const [theirs] = (await mine("GET", "/auth/sessions")).body.data;
    const answer = await owner("DELETE", `/auth/sessions/${theirs?.id}`);
    expect(answer).toMatchObject({ status: 404, code: "SESSION_NOT_FOUND" });
  });

  test("all but one's own end together, and signing out ends one's own", async () => {
    const first = bodyOf(await register());
    const second = bodyOf(await login());
    const mine = requestsOf(home.backend, second.sessionToken);
    expect((await mine("DELETE", "/auth/sessions")).status).toBe(204);
    const before = requestsOf(home.backend, first.sessionToken);
    expect((await before("GET", "/tenants")).status).toBe(401);
    expect((await mine("POST", "/auth/logout")).status).toBe(204);
    expect((await mine("GET", "/tenants")).status).toBe(401);
  });

  test("are live for the dashboard", async () => {
    const { sessionToken: sessionId } = bodyOf(
      await register("x@x.test", { organizationName: "X" }),
    );
    const mine = requestsOf(home.backend, sessionId);
    const [tenant] = (await mine("GET", "/tenants")).body.data;
    const args = { sessionId, organizationId: tenant?.id as Id<"organizations"> };
    const shown = await home.backend.query(api.sessionQueries.list, args);
    expect(shown).toMatchObject([{ isCurrent: true, method: "password" }]);
  });
});

describe("a letter", () => {
  test("verifies the address, once; until then nobody is invited, written to or given a key", async () => {
    const account = bodyOf(await register("mara@x.test", { organizationName: "Atelier" }));
    const mine = requestsOf(home.backend, account.sessionToken);
    const tenant = account.organizationId ?? "";
    const invite = { body: { email: "b@x.test", role: "member" } };
    const key = { body: { name: "k", scopes: ["crm:read"] } };
    const refused = { status: 403, code: "EMAIL_NOT_VERIFIED" };
    expect(await mine("POST", `/tenants/${tenant}/invite`, invite)).toMatchObject(refused);
    expect(await mine("POST", "/api-keys", key)).toMatchObject(refused);
    expect((await mine("GET", "/auth/me")).body.data).toMatchObject({ emailVerified: false });
    const token = await letter("verification");
    const verified = await nobody("POST", "/auth/verify-email", { body: { token } });
    expect(verified.body.data).toMatchObject({ email: "mara@x.test" });
    const again = await nobody("POST", "/auth/verify-email", { body: { token } });
    expect(again).toMatchObject({ status: 410, code: "GONE" });
    expect((await mine("POST", `/tenants/${tenant}/invite`, invite)).status).toBe(201);
    expect((await mine("POST", "/api-keys", key)).status).toBe(201);
  });

  test("to a known and to an unknown address are asked for with one answer", async () => {
    await register();
    for (const path of ["/auth/forgot-password", "/auth/magic-link"]) {
      const [known, unknown] = await Promise.all(
        ["mara@x.test", "nobody@x.test"].map((email) => nobody("POST", path, { body: { email } })),
      );
      expect(known?.body.data).toBeNull();
      expect([known?.status, unknown?.status]).toEqual([200, 200]);
    }
  });

  test("sets a new password, ends all sessions, and opens a locked account", async () => {
    const { sessionToken } = bodyOf(await register());
    await nobody("POST", "/auth/forgot-password", { body: { email: "MARA@x.test" } });
    const token = await letter("password_reset");
    const weak = { token, password: "Password1" };
    expect(await nobody("POST", "/auth/reset-password", { body: weak })).toMatchObject({
      status: 400,
      body: { error: { details: [{ path: "body.password" }] } },
    });
    const body = { token, password: "Kastanienweg-12-West" };
    expect((await nobody("POST", "/auth/reset-password", { body })).status).toBe(200);
    expect((await nobody("POST", "/auth/reset-password", { body })).code).toBe("GONE");
    expect((await requestsOf(home.backend, sessionToken)("GET", "/tenants")).status).toBe(401);
    expect((await login()).code).toBe("INVALID_CREDENTIALS");
    expect((await login("Kastanienweg-12-West")).status).toBe(200);
  });

  test("signs in by its link, with the cookie, once", async () => {
    await register();
    await nobody("POST", "/auth/magic-link", { body: { email: "mara@x.test" } });
    const token = await letter("magic_link");
    const answer = await nobody("POST", "/auth/session-exchange", { body: { token } });
    expect(answer.body).toMatchObject({ status: "success", user: { email: "mara@x.test" } });
    expect(answer.headers.get("Set-Cookie")).toMatch(
      /^__Host-fh_session=fh_session_[^;]+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect((await nobody("POST", "/auth/session-exchange", { body: { token } })).status).toBe(410);
  });

  test("to another address makes it the account's; the first one is told of it", async () => {
    await register();
    const first = await letter("verification");
    await nobody("POST", "/auth/verify-email", { body: { token: first } });
    const mine = requestsOf(home.backend, bodyOf(await login()).sessionToken);
    const body = { email: "winter@x.test", password: PASSWORD };
    expect((await mine("POST", "/auth/change-email", { body })).status).toBe(200);
    const token = await letter("change_email");
    const answer = await nobody("POST", "/auth/verify-email", { body: { token } });
    expect(answer.body.data).toMatchObject({ email: "winter@x.test" });
    expect((await login(PASSWORD, "winter@x.test")).status).toBe(200);
    expect((await login()).status).toBe(401);
    const letters = await home.backend.run(({ db }) => db.query("accountMails").collect());
    const told = letters.filter(({ to }) => to === "mara@x.test").map(({ template }) => template);
    expect(told).toEqual(expect.arrayContaining(["email_change_notice", "email_changed"]));
  });
});

describe("whoever proves an address owns it", () => {
  test("who registered with it and never proved it gets in no more, by nothing", async () => {
    const squatter = bodyOf(await register("victim@x.test"));
    await nobody("POST", "/auth/forgot-password", { body: { email: "victim@x.test" } });
    const token = await letter("password_reset");
    const body = { token, password: "Kastanienweg-12-West" };
    expect((await nobody("POST", "/auth/reset-password", { body })).status).toBe(200);
    expect((await login(PASSWORD, "victim@x.test")).status).toBe(401);
    const before = requestsOf(home.backend, squatter.tokens.accessToken);
    expect((await before("GET", "/tenants")).status).toBe(401);
    const { refreshToken } = squatter.tokens;
    expect((await nobody("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(401);
    const verification = await letter("verification");
    expect(
      (await nobody("POST", "/auth/verify-email", { body: { token: verification } })).status,
    ).toBe(410);
  });
});

describe("a one-time link", () => {
  const link = async (request: Request): Promise<string> => {
    const { url } = (await request("POST", "/auth/session-token")).body as unknown as {
      url: string;
    };
    expect(url).toMatch(/^https:\/\/app\.test\/login\/session\/fh_once_[\w-]{43}$/);
    return url.split("/").at(-1) ?? "";
  };

  test("signs one browser in, however many come at once, for ninety seconds", async () => {
    const mine = requestsOf(home.backend, bodyOf(await register()).sessionToken);
    const body = { token: await link(mine) };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => nobody("POST", "/auth/session-exchange", { body })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      200,
      ...Array<number>(49).fill(410),
    ]);
    const late = { token: await link(mine) };
    vi.useFakeTimers({ now: Date.now() + 91_000, toFake: ["Date"] });
    expect((await nobody("POST", "/auth/session-exchange", { body: late })).status).toBe(410);
    expect((await nobody("POST", "/auth/session-exchange", { body: {} })).status).toBe(400);
  });

  test("makes nobody's sign-in younger than it is", async () => {
    const mine = requestsOf(home.backend, bodyOf(await register()).sessionToken);
    vi.useFakeTimers({ now: Date.now() + 11 * 60_000, toFake: ["Date"] });
    const body = { token: await link(mine) };
    const exchanged = await nobody("POST", "/auth/session-exchange", { body });
    const cookie = exchanged.headers.get("Set-Cookie")?.split(";")[0] ?? "";
    const headers = { Cookie: cookie, Origin: "https://app.test" };
    const change = { email: "new@x.test", password: PASSWORD };
    const answer = await nobody("POST", "/auth/change-email", { body: change, headers });
    expect(answer).toMatchObject({ status: 403, code: "REAUTHENTICATION_REQUIRED" });
    const proof = { body: { password: PASSWORD }, headers };
    expect((await nobody("POST", "/auth/reauthenticate", proof)).status).toBe(200);
    expect((await nobody("POST", "/auth/change-email", { body: change, headers })).status).toBe(
      200,
    );
  });
});

describe("the cookie", () => {
  let cookie: string;
  beforeEach(async () => {
    const body = { email: "mara@x.test", password: PASSWORD, name: "Mara", cookie: true };
    const answer = await nobody("POST", "/auth/register", { body });
    cookie = answer.headers.get("Set-Cookie")?.split(";")[0] ?? "";
  });
  const send = (method: string, path: string, headers: Record<string, string>): Promise<Answer> =>
    nobody(method, path, { headers: { Cookie: cookie, ...headers } });

  test("reads from anywhere, and changes something from an allowed origin alone", async () => {
    expect((await send("GET", "/auth/me", {})).status).toBe(200);
    const resend = (headers: Record<string, string>): Promise<Answer> =>
      send("POST", "/auth/verify-email/resend", headers);
    const rejected = { status: 403, code: "CSRF_REJECTED" };
    expect(await resend({})).toMatchObject(rejected);
    expect(await resend({ Origin: "https://evil.test" })).toMatchObject(rejected);
    expect(await resend({ Origin: "null" })).toMatchObject(rejected);
    expect(await resend({ "Sec-Fetch-Site": "cross-site" })).toMatchObject(rejected);
    const allowed: Record<string, string>[] = [
      { Origin: "https://app.test" },
      { Origin: "https://site.test" },
      { "Sec-Fetch-Site": "same-origin" },
    ];
    for (const good of allowed) expect((await resend(good)).status).toBe(200);
  });

  test("is opened to no page by what an organization allows", async () => {
    const founder = bodyOf(await register("zoe@x.test", { organizationName: "Zoe" }));
    const zoe = requestsOf(home.backend, founder.sessionToken);
    const body = { allowedOrigins: ["https://evil.test"] };
    expect((await zoe("PATCH", "/organization", { body })).status).toBe(200);
    const read = await send("GET", "/auth/me", { Origin: "https://evil.test" });
    expect(read.headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(read.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    const change = await send("POST", "/auth/session-token", { Origin: "https://evil.test" });
    expect(change).toMatchObject({ status: 403, code: "CSRF_REJECTED" });
    const own = await send("GET", "/auth/me", { Origin: "https://app.test" });
    expect(own.status).toBe(200);
  });

  test("does not count beside Authorization", async () => {
    const answer = await send("GET", "/auth/me", { Authorization: "Bearer fh_session_wrong" });
    expect(answer.status).toBe(401);
  });

  test("is given to no page of another site", async () => {
    const body = { email: "mara@x.test", password: PASSWORD, cookie: true };
    const headers = { Origin: "https://evil.test" };
    const answer = await nobody("POST", "/auth/login", { body, headers });
    expect(answer).toMatchObject({ status: 403, code: "CSRF_REJECTED" });
    expect(answer.headers.get("Set-Cookie")).toBeNull();
    const raw = JSON.stringify(body).replace('"cookie"', '"\\u0063ookie"');
    const escaped = { raw, headers: { ...headers, "Content-Type": "application/json" } };
    expect((await nobody("POST", "/auth/login", escaped)).code).toBe("CSRF_REJECTED");
  });

  test("goes with the session", async () => {
    const answer = await send("POST", "/auth/logout", { Origin: "https://app.test" });
    expect(answer.headers.get("Set-Cookie")).toMatch(/^__Host-fh_session=; Max-Age=0/);
    expect((await send("GET", "/auth/me", {})).status).toBe(401);
  });
});

test("a CAPTCHA is asked for where its secret is set, and a verifier that fails refuses", async () => {
  vi.stubEnv("CAPTCHA_SECRET", "secret");
  vi.stubEnv("CAPTCHA_VERIFY_URL", "http://127.0.0.1:9/verify");
  expect(await register()).toMatchObject({ status: 403, code: "CAPTCHA_REQUIRED" });
  const more = { captchaToken: "answer" };
  expect(await register("mara@x.test", more)).toMatchObject({
    status: 403,
    code: "CAPTCHA_REQUIRED",
  });
});

describe("a password", () => {
  test.each([
    ["short", "Ab1", "at least 8"],
    ["without a capital", "lindenallee-47", "uppercase"],
    ["without a digit", "Lindenallee-Nord", "number"],
    ["that everybody has", "Password123", "guessed"],
    ["of the own name", "Marawinter1", "guessed"],
    ["too long", `A1${"x".repeat(1000)}`, "at most 1000"],
  ])("%s is refused, naming the field", async (_what, password, message) => {
    const answer = await register("mara@x.test", { password });
    expect(answer).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
    const [problem] = answer.body.error.details;
    expect(problem).toMatchObject({ path: "body.password" });
    expect(problem?.message).toContain(message);
  });
  test("of a thousand characters of any script signs in", async () => {
    const emoji = Array.from({ length: 997 }, (_, i) =>
      String.fromCodePoint(0x1f300 + ((i * 37) % 700)),
    );
    const password = `A1${emoji.join("")}é`;
    expect((await register("mara@x.test", { password })).status).toBe(201);
    expect((await login(password)).status).toBe(200);
  });
  test("of before, hashed by bcrypt, signs in and is hashed anew", async () => {
    const { user } = bodyOf(await register());
    const passwordHash = await bcrypt("Lindenallee-48-Nord", 4);
    const id = user.id as Id<"users">;
    await home.backend.run(({ db }) => db.patch("users", id, { passwordHash }));
    expect((await login("Lindenallee-48-Nord")).status).toBe(200);
    const row = await home.backend.run(({ db }) => db.get("users", id));
    expect(row?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await login("Lindenallee-48-Nord")).status).toBe(200);
  });
  test("is changed by who knows it; their other sessions end", async () => {
    const first = bodyOf(await register());
    const mine = requestsOf(home.backend, bodyOf(await login()).sessionToken);
    const body = { currentPassword: "Wrong", newPassword: "Kastanienweg-12-West" };
    expect((await mine("POST", "/auth/change-password", { body })).code).toBe(
      "INVALID_CREDENTIALS",
    );
    const same = { body: { currentPassword: PASSWORD, newPassword: PASSWORD } };
    expect((await mine("POST", "/auth/change-password", same)).code).toBe("VALIDATION_ERROR");
    const right = { ...body, currentPassword: PASSWORD };
    const answer = await mine("POST", "/auth/change-password", { body: right });
    expect(answer.body).toMatchObject({ expiresIn: 900 });
    expect((await mine("GET", "/auth/me")).status).toBe(200);
    expect((await requestsOf(home.backend, first.sessionToken)("GET", "/auth/me")).status).toBe(
      401,
    );
    expect((await login()).status).toBe(401);
    const before = (await home.backend.run(({ db }) => db.query("accountMails").collect())).length;
    expect((await login("Kastanienweg-12-West")).status).toBe(200);
    const from = home.backend.withRequestMetadata({ ip: "203.0.113.7", userAgent: "Other/1.0" });
    const other = { body: { email: "mara@x.test", password: "Kastanienweg-12-West" } };
    expect((await requestsOf(from, null)("POST", "/auth/login", other)).status).toBe(200);
    const letters = await home.backend.run(({ db }) => db.query("accountMails").collect());
    expect(letters.slice(before).map(({ template }) => template)).toEqual(["new_device"]);
  });
});

test("who is invited registers and is a member, in one transaction; with another e-mail nothing is made", async () => {
  const owner = requestsOf(home.backend, home.sessionToken);
  const body = { email: "mara@x.test", role: "member" };
  const invited = await owner("POST", `/tenants/${home.organizationId}/invite`, { body });
  const { token } = invited.body.data as unknown as { token: string };
  vi.stubEnv("REGISTRATION", "invite");
  expect((await register()).code).toBe("FORBIDDEN");
  expect((await register("eve@x.test", { inviteToken: token })).code).toBe("FORBIDDEN");
  expect((await login(PASSWORD, "eve@x.test")).status).toBe(401);
  const answer = await register("mara@x.test", { inviteToken: token });
  expect(bodyOf(answer).organizationId).toBe(home.organizationId);
});
