// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, newBackend, requestsOf } from "../helpers/backend";
import { lettersOf } from "./letterBox";

let home: Fixture;
let nobody: Request;
const PASSWORD = "Lindenallee-47-Nord";

beforeEach(async () => {
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

test("after ten wrong passwords the right one is locked as well, known or not", async () => {
  await register();
  for (const email of ["mara@x.test", "nobody@x.test"]) {
    for (let i = 0; i < 10; i++) {
      expect(await login("wrong", email)).toMatchObject({
        status: 401,
        code: "INVALID_CREDENTIALS",
      });
    }
    expect(await login(PASSWORD, email)).toMatchObject({ status: 423, code: "ACCOUNT_LOCKED" });
  }
  await vi.waitFor(async () => expect(await lettersOf(home.backend, "unlock")).toHaveLength(1));
  const [token] = await lettersOf(home.backend, "unlock");
  expect((await nobody("POST", "/auth/unlock", { body: { token } })).status).toBe(200);
  expect((await login()).status).toBe(200);
});
