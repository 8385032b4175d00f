// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { holderOfProvedEmail } from "../../convex/accounts/addresses";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, newBackend, requestsOf } from "../helpers/backend";
import { Authenticator } from "./authenticator";
import { codeOf } from "./totpApp";

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

type Begun = { challengeId: string; options: { challenge: string; allowCredentials: object[] } };
const dataOf = (answer: Answer): Begun => answer.body.data as unknown as Begun;
type Account = { request: Request; passkey: Authenticator; passkeyId: string };

async function register(email = "mara@x.test"): Promise<Request> {
  const body = { email, password: PASSWORD, name: "Mara Winter", organizationName: "Atelier" };
  const answer = (await nobody("POST", "/auth/register", { body })).body;
  return requestsOf(home.backend, (answer as unknown as { sessionToken: string }).sessionToken);
}

async function add(request: Request, passkey: Authenticator, bent: object = {}): Promise<Answer> {
  const { challengeId, options } = dataOf(await request("POST", "/auth/passkeys/options"));
  const credential = passkey.create(options, bent);
  const body = { challengeId, name: "Laptop", credential };
  return await request("POST", "/auth/passkeys", { body });
}

async function withPasskey(email?: string, origin?: string): Promise<Account> {
  const request = await register(email);
  const passkey = new Authenticator(origin);
  return { request, passkey, passkeyId: (await add(request, passkey)).body.data.id };
}

async function setUpTotp(request: Request): Promise<string> {
  const { data } = (await request("POST", "/auth/mfa/totp")).body;
  const { secret } = data as unknown as { secret: string };
  await request("POST", "/auth/mfa/totp/confirm", { body: { code: codeOf(secret) } });
  return secret;
}

const asked = async (body: object = {}): Promise<Begun> =>
  dataOf(await nobody("POST", "/auth/passkeys/login/options", { body }));
async function login(passkey: Authenticator, bent: object = {}): Promise<Answer> {
  const { challengeId, options } = await asked();
  const body = { challengeId, credential: passkey.get(options, bent) };
  return await nobody("POST", "/auth/passkeys/login", { body });
}
const byPassword = async (): Promise<Answer> =>
  await nobody("POST", "/auth/login", { body: { email: "mara@x.test", password: PASSWORD } });
const refusals = async (): Promise<unknown[]> =>
  await home.backend.run(async ({ db }) =>
    (await db.query("auditLogs").collect())
      .filter(({ action }) => action === "user.passkey_refused")
      .flatMap(({ changes }): unknown[] => changes.map(({ after }): unknown => after)),
  );

test("a passkey is added, listed, signs in by itself, and is removed", async () => {
  const { request, passkey, passkeyId } = await withPasskey();
  const listed = { id: passkeyId, name: "Laptop", rpId: "app.test", isUsable: true };
  expect((await request("GET", "/auth/passkeys")).body.data).toMatchObject([
    { ...listed, lastUsedAt: null, backedUp: false },
  ]);
  const answer = await login(passkey);
  expect(answer.body).toMatchObject({ user: { email: "mara@x.test" }, tokens: { expiresIn: 900 } });
  const [session] = await home.backend.run(async ({ db }) =>
    (await db.query("sessions").collect()).filter(({ method }) => method === "passkey"),
  );
  expect(session).toMatchObject({ isStrong: true });
  const [used] = (await request("GET", "/auth/passkeys")).body.data as unknown as object[];
  expect(used).toMatchObject({ lastUsedAt: Date.now() });
  expect((await request("DELETE", `/auth/passkeys/${passkeyId}`)).status).toBe(204);
  expect((await login(passkey)).code).toBe("INVALID_CREDENTIALS");
  const changes = await home.backend.run(async ({ db }) =>
    (await db.query("accountMails").collect()).flatMap(({ data }) => data.change ?? []),
  );
  expect(changes).toEqual(["passkey_added", "passkey_removed"]);
});

test.each([
  ["another origin", { origin: "https://evil.test" }],
  ["another host", { rpId: "evil.test" }],
  ["a user who was not verified", { flags: 0x41 }],
])("one that was made for %s is not added", async (_title, bent) => {
  const request = await register();
  expect((await add(request, new Authenticator(), bent)).code).toBe("INVALID_CREDENTIALS");
});

test.each([
  ["another origin", { origin: "https://evil.test" }, "origin"],
  ["another host", { rpId: "evil.test" }, "RP ID"],
  ["a user who was not verified", { flags: 0x01 }, "not verified"],
  ["another user", { userHandle: "bm9ib2R5" }, "another account"],
])("an answer for %s signs nobody in, and is in the trail", async (_title, bent, reason) => {
  const { passkey } = await withPasskey();
  expect((await login(passkey, bent)).code).toBe("INVALID_CREDENTIALS");
  expect(await refusals()).toEqual([expect.stringContaining(reason)]);
});

test("a tampered signature and another challenge's are refused", async () => {
  const { passkey } = await withPasskey();
  const { challengeId, options } = await asked();
  const credential = passkey.get(options);
  const { response } = credential;
  const signature = `${response.signature.slice(0, -6)}AAAAAA`;
  const tampered = { ...credential, response: { ...response, signature } };
  const send = async (body: object): Promise<string | undefined> =>
    (await nobody("POST", "/auth/passkeys/login", { body })).code;
  expect(await send({ challengeId, credential: tampered })).toBe("INVALID_CREDENTIALS");
  expect(await send({ challengeId: (await asked()).challengeId, credential })).toBe("GONE");
});

test("an answer counts once, however often it comes at once, and for five minutes", async () => {
  const { passkey } = await withPasskey();
  const { challengeId, options } = await asked();
  const body = { challengeId, credential: passkey.get(options) };
  const send = async (): Promise<number> =>
    (await nobody("POST", "/auth/passkeys/login", { body })).status;
  const statuses = await Promise.all(Array.from({ length: 20 }, send));
  expect(statuses.sort()).toEqual([200, ...Array<number>(19).fill(410)]);
  const late = await asked();
  vi.setSystemTime(Date.now() + 5 * 60 * 1000);
  const after = { challengeId: late.challengeId, credential: passkey.get(late.options) };
  expect((await nobody("POST", "/auth/passkeys/login", { body: after })).code).toBe("GONE");
  await home.backend.mutation(internal.accounts.retention.cleanUp, {});
  vi.setSystemTime(Date.now() + 1);
  await home.backend.mutation(internal.accounts.retention.cleanUp, {});
  expect(await home.backend.run(({ db }) => db.query("passkeyChallenges").collect())).toEqual([]);
});

test("a counter that goes back is refused, and is in the trail", async () => {
  const { passkey } = await withPasskey();
  expect((await login(passkey, { counter: 7 })).status).toBe(200);
  for (const counter of [7, 3, 0]) {
    expect((await login(passkey, { counter })).code).toBe("INVALID_CREDENTIALS");
  }
  expect(await refusals()).toContain("its counter went from 7 to 3");
  expect((await login(passkey, { counter: 8 })).status).toBe(200);
});

test("a passkey alone asks nobody for a second factor, and beside an app it is one", async () => {
  const { request, passkey } = await withPasskey();
  expect((await byPassword()).body).toHaveProperty("tokens");
  await setUpTotp(request);
  const { mfaToken, methods } = (await byPassword()).body as unknown as {
    mfaToken: string;
    methods: string[];
  };
  expect(methods).toEqual(["totp", "recovery_code", "passkey"]);
  const { options } = await asked({ mfaToken });
  expect(options.allowCredentials).toMatchObject([{ id: passkey.id }]);
  const anybodys = { mfaToken, credential: passkey.get((await asked()).options) };
  const verify = async (body: object): Promise<Answer> =>
    await nobody("POST", "/auth/mfa/verify", { body });
  expect((await verify(anybodys)).code).toBe("GONE");
  const present = passkey.get(options, { flags: 0x01 });
  expect((await verify({ mfaToken, credential: present })).body).toHaveProperty("tokens");
});

test("a passkey of somebody else is no second factor of mine, and proves nobody again", async () => {
  const { request } = await withPasskey();
  await setUpTotp(request);
  const others = await withPasskey("eve@x.test");
  const { mfaToken } = (await byPassword()).body as unknown as { mfaToken: string };
  const { options } = await asked({ mfaToken });
  const credential = others.passkey.get(options);
  const answer = await nobody("POST", "/auth/mfa/verify", { body: { mfaToken, credential } });
  expect(answer.code).toBe("INVALID_CREDENTIALS");
  const again = { credential: others.passkey.get((await asked()).options) };
  expect((await request("POST", "/auth/reauthenticate", { body: again })).code).toBe(
    "INVALID_CREDENTIALS",
  );
});

test("a passkey proves once more who is calling", async () => {
  const { request, passkey } = await withPasskey();
  vi.setSystemTime(Date.now() + 11 * 60 * 1000);
  const stale = await request("POST", "/auth/passkeys/options");
  expect(stale.code).toBe("REAUTHENTICATION_REQUIRED");
  const body = { credential: passkey.get((await asked()).options) };
  expect((await request("POST", "/auth/reauthenticate", { body })).status).toBe(200);
  expect((await request("POST", "/auth/passkeys/options")).status).toBe(200);
});

test("wrong passwords lock no passkey", async () => {
  const { passkey } = await withPasskey();
  for (let i = 0; i < 10; i++) {
    await nobody("POST", "/auth/login", { body: { email: "mara@x.test", password: "wrong" } });
  }
  expect((await byPassword()).code).toBe("ACCOUNT_LOCKED");
  expect((await login(passkey)).status).toBe(200);
});

test("at another APP_URL a passkey is listed as unusable, not offered, and works again at the old one", async () => {
  const { request, passkey } = await withPasskey();
  await setUpTotp(request);
  vi.stubEnv("APP_URL", "https://new.test");
  expect((await request("GET", "/auth/passkeys")).body.data).toMatchObject([
    { rpId: "app.test", isUsable: false },
  ]);
  const { mfaToken, methods } = (await byPassword()).body as unknown as {
    mfaToken: string;
    methods: string[];
  };
  expect(methods).toEqual(["totp", "recovery_code"]);
  const options = await nobody("POST", "/auth/passkeys/login/options", { body: { mfaToken } });
  expect(options.code).toBe("INVALID_STATE");
  expect((await login(passkey)).code).toBe("INVALID_CREDENTIALS");
  expect((await add(request, new Authenticator("https://new.test"))).status).toBe(201);
  vi.stubEnv("APP_URL", "https://app.test");
  expect((await login(passkey)).status).toBe(200);
});

test("whoever proves the address of an unverified account has none of its passkeys", async () => {
  const { passkey } = await withPasskey("victim@x.test");
  await home.backend.run(async (ctx) => await holderOfProvedEmail(ctx, "victim@x.test"));
  expect((await login(passkey)).code).toBe("INVALID_CREDENTIALS");
});

test("another person's passkey is not found, and a credential is registered once", async () => {
  const { passkeyId, passkey } = await withPasskey();
  const other = await register("eve@x.test");
  expect((await other("DELETE", `/auth/passkeys/${passkeyId}`)).code).toBe("PASSKEY_NOT_FOUND");
  expect((await add(other, passkey)).code).toBe("CONFLICT");
});
