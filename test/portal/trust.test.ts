import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Fixture, logLines, newBackend, newTenant } from "../helpers/backend";
import { SIGN_IN, signIn } from "./portal";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_750_000_000_000 });
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const unkeyed = async (): ReturnType<typeof home.request> =>
  await home.request("POST", "/auth/sync-user", { body: SIGN_IN, token: null });

describe("without PORTAL_TRUST_IDS", () => {
  test.each([undefined, "", "false", "1", "TRUE"])(
    "as with %j, nobody signs in by no secret",
    async (value) => {
      if (value !== undefined) vi.stubEnv("PORTAL_TRUST_IDS", value);
      const { body } = await signIn(home);
      expect((await unkeyed()).status).toBe(401);
      expect((await home.request("GET", "/auth/user", { token: body._id })).status).toBe(401);
    },
  );
});

describe("with PORTAL_TRUST_IDS=true", () => {
  beforeEach(() => {
    vi.stubEnv("PORTAL_TRUST_IDS", "true");
    vi.spyOn(console, "warn").mockImplementation((line: unknown) => {
      console.log(line);
    });
  });

  test("sync-user without a key signs in to the only organization, and the id is a bearer", async () => {
    const answer = await unkeyed();
    expect(answer.status).toBe(201);
    expect(answer.body.organizationId).toBe(home.organizationId);
    const token = answer.body._id;
    for (const method of ["GET", "POST"]) {
      const { body } = await home.request(method, "/auth/validate-token", { token });
      expect([body.valid, body.user._id]).toEqual([true, token]);
    }
    const user = await home.request("GET", "/auth/user", { token });
    expect(user.body.email).toBe(SIGN_IN.email);
    expect((await home.request("GET", "/projects", { token })).status).toBe(200);
  });

  test("every use is a warning in the log", async () => {
    const { body } = await unkeyed();
    await home.request("GET", "/auth/user", { token: body._id });
    const warnings = logLines().filter(({ level }) => level === "WARN");
    expect(warnings).toMatchObject([
      { message: "PORTAL_TRUST_IDS=true: taken without a secret", credential: "unkeyed_portal" },
      { message: "PORTAL_TRUST_IDS=true: taken without a secret", credential: "portal_user" },
    ]);
  });

  test("a deployment of several organizations names the one", async () => {
    const other = await newTenant(home.backend);
    expect((await unkeyed()).status).toBe(401);
    vi.stubEnv("PORTAL_ORGANIZATION_ID", other.organizationId);
    const { body } = await unkeyed();
    expect(body.organizationId).toBe(other.organizationId);
    const elsewhere = await signIn(home);
    expect((await home.request("GET", "/auth/user", { token: elsewhere.body._id })).status).toBe(
      401,
    );
    vi.stubEnv("PORTAL_ORGANIZATION_ID", "nonsense");
    expect((await unkeyed()).status).toBe(401);
  });

  test("opens no other route, and no wrong credential", async () => {
    expect((await home.request("GET", "/crm/contacts", { token: null })).status).toBe(401);
    const { body } = await unkeyed();
    expect((await home.request("GET", "/crm/contacts", { token: body._id })).code).toBe(
      "FORBIDDEN",
    );
    const headers = { "X-API-Key": "fh_live_wrong" };
    expect((await home.request("GET", "/auth/user", { token: body._id, headers })).status).toBe(
      401,
    );
    expect(
      (await home.request("POST", "/auth/sync-user", { body: SIGN_IN, token: "wrong" })).status,
    ).toBe(401);
  });

  test("ten unkeyed sign-ins a minute from an address", async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "1");
    for (let n = 0; n < 10; n++) expect((await unkeyed()).status).toBeLessThan(300);
    const refused = await unkeyed();
    expect([refused.status, refused.code]).toEqual([429, "RATE_LIMITED"]);
  });
});
