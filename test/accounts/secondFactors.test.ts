// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { internal } from "../../convex/_generated/api";
import { holderOfProvedEmail } from "../../convex/accounts/addresses";
import { issueOneTimeToken } from "../../convex/accounts/oneTimeTokens";
import { startSession } from "../../convex/accounts/sessions";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, newBackend, requestsOf } from "../helpers/backend";
import { codeOf, STEP_MS } from "./totpApp";

let home: Fixture;
let nobody: Request;
const PASSWORD = "Lindenallee-47-Nord";

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  vi.stubEnv("APP_URL", "https://app.test");
  vi.stubEnv("CONVEX_SITE_URL", "https://site.test");
  home = await newBackend();
  nobody = requestsOf(home.backend, null);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

type Account = { userId: Id<"users">; request: Request; secret: string; codes: string[] };

async function register(email = "mara@x.test"): Promise<Account> {
  const body = { email, password: PASSWORD, name: "Mara Winter", organizationName: "Atelier" };
  const answer = (await nobody("POST", "/auth/register", { body })).body as unknown as {
    user: { id: string };
    sessionToken: string;
  };
  const userId = answer.user.id as Id<"users">;
  const request = requestsOf(home.backend, answer.sessionToken);
  return { userId, request, secret: "", codes: [] };
}

/** An account whose authenticator is set up; its next code is one of later. */
async function withTotp(email?: string): Promise<Account> {
  const account = await register(email);
  const { secret } = dataOf(await account.request("POST", "/auth/mfa/totp"));
  const body = { code: codeOf(secret) };
  const confirmed = await account.request("POST", "/auth/mfa/totp/confirm", { body });
  later(STEP_MS);
  return { ...account, secret, codes: dataOf(confirmed).recoveryCodes };
}

type Data = { secret: string; otpauthUrl: string; qrSvg: string; qrPng: string } & {
  recoveryCodes: string[];
};
const dataOf = (answer: Answer): Data => answer.body.data as unknown as Data;
const later = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

async function mfaToken(email = "mara@x.test"): Promise<string> {
  const answer = await nobody("POST", "/auth/login", { body: { email, password: PASSWORD } });
  return (answer.body as unknown as { mfaToken: string }).mfaToken;
}
/** As a sign-in gives it, without hashing a password for it. */
async function mfaTokenOf(userId: Id<"users">): Promise<string> {
  const wanted = { purpose: "second_factor", userId, signIn: "password", triesLeft: 5 } as const;
  return (await home.backend.run(async (ctx) => await issueOneTimeToken(ctx, wanted))).token;
}
const verify = async (body: object): Promise<Answer> =>
  await nobody("POST", "/auth/mfa/verify", { body });
const actions = async (): Promise<string[]> =>
  await home.backend.run(async ({ db }) =>
    (await db.query("auditLogs").collect()).map(({ action }) => action),
  );
const letters = async (): Promise<unknown[]> =>
  await home.backend.run(async ({ db }) =>
    (await db.query("accountMails").collect()).flatMap(({ data }) => data.change ?? []),
  );

test("an authenticator that is confirmed is asked for at the next sign-in, and its code signs in", async () => {
  const { request } = await register();
  const begun = dataOf(await request("POST", "/auth/mfa/totp"));
  expect(begun.otpauthUrl).toContain(`secret=${begun.secret}`);
  expect(begun.qrSvg).toContain("<svg");
  expect(begun.qrPng).toMatch(/^data:image\/png;base64,iVBOR/);
  expect(await nobodyIsAsked()).toBe(true);
  const wrong = { body: { code: codeOf(begun.secret, Date.now() + 10 * STEP_MS) } };
  expect((await request("POST", "/auth/mfa/totp/confirm", wrong)).code).toBe("INVALID_CREDENTIALS");
  const shown = codeOf(begun.secret);
  const body = { code: `${shown.slice(0, 3)} ${shown.slice(3)}` };
  const { recoveryCodes } = dataOf(await request("POST", "/auth/mfa/totp/confirm", { body }));
  expect(new Set(recoveryCodes).size).toBe(10);
  expect((await request("POST", "/auth/mfa/totp")).code).toBe("INVALID_STATE");
  expect((await request("POST", "/auth/mfa/totp/confirm", { body })).code).toBe("INVALID_STATE");

  const login = await nobody("POST", "/auth/login", {
    body: { email: "mara@x.test", password: PASSWORD },
  });
  expect(login.body).toMatchObject({ mfaRequired: true, methods: ["totp", "recovery_code"] });
  const token = (login.body as unknown as { mfaToken: string }).mfaToken;
  const used = { mfaToken: token, code: shown };
  expect((await verify(used)).code).toBe("INVALID_CREDENTIALS");
  const next = { mfaToken: token, code: codeOf(begun.secret, Date.now() + STEP_MS) };
  const answer = await verify(next);
  expect(answer.body).toMatchObject({ user: { email: "mara@x.test" }, tokens: { expiresIn: 900 } });
  expect((await verify(next)).code).toBe("GONE");
  expect(await letters()).toEqual(["totp_added"]);
  expect(await actions()).toEqual(expect.arrayContaining(["user.totp_added"]));
  const stored = await home.backend.run(({ db }) => db.query("recoveryCodes").collect());
  expect(JSON.stringify(stored)).not.toContain(recoveryCodes[0]);
});

async function nobodyIsAsked(): Promise<boolean> {
  const body = { email: "mara@x.test", password: PASSWORD };
  return !JSON.stringify((await nobody("POST", "/auth/login", { body })).body).includes("mfa");
}

test("a code counts once, and so does a recovery code, however often they come at once", async () => {
  const { secret, codes, userId } = await withTotp();
  const attempts = async (proof: object): Promise<number[]> => {
    const tokens: string[] = [];
    for (let i = 0; i < 20; i++) tokens.push(await mfaTokenOf(userId));
    const answers = await Promise.all(
      tokens.map(async (token) => await verify({ mfaToken: token, ...proof })),
    );
    return answers.map(({ status }) => status).sort();
  };
  expect(await attempts({ code: codeOf(secret) })).toEqual([200, ...Array<number>(19).fill(401)]);
  await home.backend.run(async ({ db }) => {
    for (const { _id } of await db.query("factorTries").collect()) await db.delete(_id);
  });
  const recovery = await attempts({ recoveryCode: codes[0] });
  expect(recovery.filter((status) => status === 200)).toHaveLength(1);
});

test("a recovery code is taken in any case and with any dashes, and its owner is told", async () => {
  const { codes } = await withTotp();
  const recoveryCode = codes[3]?.toUpperCase().replaceAll("-", " ").replaceAll("0", "O");
  expect((await verify({ mfaToken: await mfaToken(), recoveryCode })).status).toBe(200);
  expect(await letters()).toEqual(["totp_added", "recovery_code_used"]);
});

test("five wrong tries use an mfaToken up; so do five minutes", async () => {
  const { secret } = await withTotp();
  const token = await mfaToken();
  const wrong = codeOf(secret, Date.now() + 100 * STEP_MS);
  for (let i = 0; i < 5; i++) {
    expect((await verify({ mfaToken: token, code: wrong })).code).toBe("INVALID_CREDENTIALS");
  }
  expect((await verify({ mfaToken: token, code: codeOf(secret) })).code).toBe("GONE");
  const late = await mfaToken();
  later(5 * 60 * 1000);
  expect((await verify({ mfaToken: late, code: codeOf(secret) })).code).toBe("GONE");
});

test("ten wrong codes lock an account's codes for 15 minutes, whichever sign-ins they are tried for", async () => {
  const { secret, userId } = await withTotp();
  const wrong = codeOf(secret, Date.now() + 100 * STEP_MS);
  for (let i = 0; i < 10; i++) await verify({ mfaToken: await mfaTokenOf(userId), code: wrong });
  const locked = await verify({ mfaToken: await mfaToken(), code: codeOf(secret) });
  expect(locked).toMatchObject({ status: 423, code: "ACCOUNT_LOCKED" });
  expect(await actions()).toContain("user.second_factor_locked");
  const letters = await home.backend.run(
    async ({ db }) => await db.query("accountMails").collect(),
  );
  const told = letters.filter(({ template }) => template === "codes_locked");
  expect(told.map(({ to }) => to)).toEqual(["mara@x.test"]);
  later(15 * 60 * 1000);
  const code = codeOf(secret);
  expect((await verify({ mfaToken: await mfaToken(), code })).status).toBe(200);
});

test.each([
  ["none", {}],
  ["two", { code: "123456", recoveryCode: "a" }],
  ["letters", { code: "12345x" }],
])("a proof that is %s is a VALIDATION_ERROR, and no try", async (_title, proof) => {
  await withTotp();
  const token = await mfaToken();
  expect((await verify({ mfaToken: token, ...proof })).code).toBe("VALIDATION_ERROR");
  const [row] = await home.backend.run(async ({ db }) =>
    (await db.query("oneTimeTokens").collect()).filter(
      ({ purpose }) => purpose === "second_factor",
    ),
  );
  expect(row).toMatchObject({ triesLeft: 5 });
});

test("a code proves once more who is calling; setting up asks for a recent sign-in", async () => {
  const { request, secret } = await withTotp();
  later(11 * 60 * 1000);
  const stale = await request("POST", "/auth/mfa/recovery-codes");
  expect(stale.code).toBe("REAUTHENTICATION_REQUIRED");
  const body = { code: codeOf(secret) };
  expect((await request("POST", "/auth/reauthenticate", { body })).status).toBe(200);
  expect((await request("POST", "/auth/reauthenticate", { body })).code).toBe(
    "INVALID_CREDENTIALS",
  );
  const both = { body: { ...body, password: PASSWORD } };
  expect((await request("POST", "/auth/reauthenticate", both)).code).toBe("VALIDATION_ERROR");
  const renewed = dataOf(await request("POST", "/auth/mfa/recovery-codes"));
  expect(renewed.recoveryCodes).toHaveLength(10);
});

test("disabling takes the password and a code; who has lost the app gives a recovery code", async () => {
  const { request, codes, secret } = await withTotp();
  const disable = async (body: object): Promise<Answer> =>
    await request("POST", "/auth/mfa/totp/disable", { body });
  const wrongPassword = { password: "wrong", code: codeOf(secret) };
  expect((await disable(wrongPassword)).code).toBe("INVALID_CREDENTIALS");
  expect((await disable({ password: PASSWORD, code: "000-000" })).code).toBe("INVALID_CREDENTIALS");
  expect(await nobodyIsAsked()).toBe(false);
  expect((await disable({ password: PASSWORD, code: codes[9] })).status).toBe(200);
  expect(await nobodyIsAsked()).toBe(true);
  expect(await letters()).toEqual(["totp_added", "recovery_code_used", "totp_removed"]);
});

test("whoever proves the address of an unverified account has none of its second factors", async () => {
  const { userId } = await withTotp("victim@x.test");
  await home.backend.run(async (ctx) => await holderOfProvedEmail(ctx, "victim@x.test"));
  await home.backend.run(async ({ db }) => {
    expect(await db.get("users", userId)).not.toHaveProperty("secondFactors");
    for (const table of ["totpSecrets", "recoveryCodes"] as const) {
      expect(await db.query(table).collect()).toEqual([]);
    }
  });
});

test("what was begun and not confirmed is deleted, and confirms nothing after an hour", async () => {
  const { request } = await register();
  const { secret } = dataOf(await request("POST", "/auth/mfa/totp"));
  later(61 * 60 * 1000);
  await request("POST", "/auth/reauthenticate", { body: { password: PASSWORD } });
  const body = { code: codeOf(secret) };
  expect((await request("POST", "/auth/mfa/totp/confirm", { body })).code).toBe("INVALID_STATE");
  await home.backend.mutation(internal.accounts.retention.cleanUp, {});
  const left = await home.backend.run(({ db }) => db.query("totpSecrets").collect());
  expect(left).toEqual([]);
});

test("an organization that requires a second factor lets no session in without one", async () => {
  const { request, userId } = await register();
  const rule = { body: { requireSecondFactor: true } };
  expect((await request("PATCH", "/organization", rule)).code).toBe("INVALID_STATE");
  const login = await nobody("POST", "/auth/login", {
    body: { email: "mara@x.test", password: PASSWORD },
  });
  const { sessionToken } = login.body as unknown as { sessionToken: string };
  const weak = requestsOf(home.backend, sessionToken);
  const { secret } = dataOf(await request("POST", "/auth/mfa/totp"));
  await request("POST", "/auth/mfa/totp/confirm", { body: { code: codeOf(secret) } });
  expect((await request("PATCH", "/organization", rule)).status).toBe(200);
  expect((await request("GET", "/organization")).status).toBe(200);
  expect((await weak("GET", "/organization")).code).toBe("FORBIDDEN");
  expect((await weak("PATCH", "/organization", { body: {} })).code).toBe("FORBIDDEN");
  expect((await weak("GET", "/auth/me")).status).toBe(200);
  const code = codeOf(secret, Date.now() + STEP_MS);
  expect((await weak("POST", "/auth/reauthenticate", { body: { code } })).status).toBe(200);
  expect((await weak("GET", "/organization")).status).toBe(200);
  // Who has given theirs up is let in by none, wherever they are signed in.
  const last = { password: PASSWORD, code: codeOf(secret, Date.now() + 2 * STEP_MS) };
  vi.setSystemTime(Date.now() + STEP_MS);
  expect((await weak("POST", "/auth/mfa/totp/disable", { body: last })).status).toBe(200);
  for (const each of [weak, request]) {
    expect((await each("GET", "/organization")).code).toBe("FORBIDDEN");
  }
  const again = dataOf(await request("POST", "/auth/mfa/totp"));
  await request("POST", "/auth/mfa/totp/confirm", { body: { code: codeOf(again.secret) } });
  await request("PATCH", "/organization", { body: { requireSecondFactor: false } });
  const left = await home.backend.run(async ({ db }) =>
    (await db.query("memberships").collect()).find((each) => each.userId === userId),
  );
  expect(left).not.toHaveProperty("needsSecondFactor");
});

test("an authenticator is drawn for who is known by a long name alone, cut between its characters", async () => {
  const { userId, request } = await register();
  await home.backend.run(async ({ db }) => {
    const nowhere = { pendingEmail: undefined, pendingEmailKey: undefined };
    await db.patch("users", userId, { name: `${"a".repeat(63)}\u{1F600} Winter`, ...nowhere });
  });
  const answer = await request("POST", "/auth/mfa/totp");
  expect(answer.status).toBe(200);
  expect(dataOf(answer).otpauthUrl).toContain(`:${"a".repeat(63)}?`);
});

test("who knows the password alone adds no second factor to one that there is, and takes none away", async () => {
  const { userId, request, secret } = await withTotp();
  const token = await home.backend.run(async (ctx) => {
    const signIn = { method: "password" as const, request: { ip: null, userAgent: null } };
    return (await startSession(ctx, userId, signIn)).token;
  });
  const weak = requestsOf(home.backend, token);
  const attempts = [
    ["POST", "/auth/mfa/recovery-codes"],
    ["POST", "/auth/passkeys/options"],
    ["DELETE", "/auth/passkeys/unknown"],
    ["POST", "/auth/merge/token"],
    ["POST", "/profile/export"],
  ] as const;
  for (const [method, path] of attempts) {
    expect((await weak(method, path)).code).toBe("REAUTHENTICATION_REQUIRED");
  }
  expect((await request("POST", "/auth/mfa/recovery-codes")).status).toBe(200);
  const body = { code: codeOf(secret) };
  expect((await weak("POST", "/auth/reauthenticate", { body })).status).toBe(200);
  expect((await weak("POST", "/auth/mfa/recovery-codes")).status).toBe(200);
});

test("where an organization requires a second factor, a password sets up none beside a passkey", async () => {
  const { userId, request } = await register();
  const begin = async (): Promise<string | undefined> => {
    const { secret } = dataOf(await request("POST", "/auth/mfa/totp"));
    const body = { code: codeOf(secret) };
    return (await request("POST", "/auth/mfa/totp/confirm", { body })).code;
  };
  await home.backend.run(async ({ db }) => {
    const passkey = { name: "Laptop", credentialId: "a", publicKey: "b", counter: 0 };
    const where = { rpId: "app.test", transports: [], backedUp: false, createdAt: 1 };
    await db.insert("passkeys", { userId, ...passkey, ...where });
    const all = await db.query("memberships").collect();
    const own = all.find((each) => each.userId === userId);
    if (own) await db.patch("memberships", own._id, { needsSecondFactor: true });
  });
  expect(await begin()).toBe("REAUTHENTICATION_REQUIRED");
  // One of a host that is no more proves nothing, and keeps nobody out.
  vi.stubEnv("APP_URL", "https://moved.test");
  expect(await begin()).toBeUndefined();
});
