import { beforeEach, describe, expect, test, vi } from "vitest";
import { endpoints } from "../../convex/api/endpoints";
import type { MountedEndpoint } from "../../convex/kit/mount";
import { objectTypes } from "../../convex/ontology/registry";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newKey, newTenant } from "../helpers/backend";
import { EXAMPLES, pathOf, routes } from "../helpers/routes";
import { contact, portalToken, project, SIGN_IN, signIn } from "./portal";

let home: Fixture;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});

const isForPortal = ({ callers }: MountedEndpoint): boolean =>
  callers?.includes("portal_user") ?? false;

describe("a portal user", () => {
  test("may write nothing but their comments, and what belongs to their own sign-in", () => {
    const writes = endpoints.filter(
      (endpoint) => isForPortal(endpoint) && endpoint.method !== "GET",
    );
    expect(writes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      "DELETE /comments/:id",
      "DELETE /projects/:id/comments/:commentId",
      "PATCH /comments/:id",
      "PATCH /projects/:id/comments/:commentId",
      "POST /auth/sign-out",
      "POST /auth/validate-token",
      "POST /comments",
      "POST /projects/:id/comments",
    ]);
  });

  test("is taken by routes of object types that have a portal rule, and by no others", () => {
    for (const { subject, path } of endpoints.filter(isForPortal)) {
      if (subject) expect(objectTypes[subject], path).toHaveProperty("portal");
      else
        expect(path).toMatch(
          /^\/(auth|projects|invoices|credit-notes|quotes|search|comments)(\/|$)/,
        );
    }
  });

  const closed = routes.filter((route) => !isForPortal(route));

  test.each(closed.map((route) => [route.title, route] as const))(
    "is FORBIDDEN %s, whatever else is right or wrong with the request",
    async (title, route) => {
      const token = await portalToken(home, SIGN_IN.email);
      const path = await pathOf(route, home.request);
      const { body } = EXAMPLES[title] ?? {};
      const sent = route.raw
        ? { raw: "x", headers: { "Content-Type": Object.keys(route.raw)[0] ?? "" } }
        : body
          ? { body }
          : {};
      // Where the path names the organization, another one is missing before anything else counts.
      const nonsense = route.tenantInPath ? [] : [route.path.replace(":id", "nonsense")];
      for (const target of [path, ...nonsense]) {
        const answer = await home.request(route.method, target, {
          token,
          ...sent,
        });
        expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
      }
    },
  );

  test("is refused another organization in X-Tenant-Id", async () => {
    const other = await newTenant(home.backend);
    const token = await portalToken(home, SIGN_IN.email);
    const headers = { "X-Tenant-Id": other.organizationId };
    const answer = await home.request("GET", "/auth/user", { token, headers });
    expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
  });

  test("has a rate limit of their own", async () => {
    const one = await portalToken(home, "one@x.test");
    const two = await portalToken(home, "two@x.test");
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.001");
    const status = async (token: string): Promise<number> =>
      (await home.request("GET", "/auth/user", { token })).status;
    expect([await status(one), await status(one), await status(one)]).toEqual([200, 200, 429]);
    expect(await status(two)).toBe(200);
  });
});

describe("an API key or a member of staff", () => {
  test.each([
    "GET /auth/user",
    "GET /auth/validate-token",
    "POST /auth/validate-token",
    "POST /auth/sign-out",
  ])("is FORBIDDEN %s", async (title) => {
    const [method = "", path = ""] = title.split(" ");
    for (const token of [home.apiKey, home.sessionToken]) {
      const answer = await home.request(method, path, { token });
      expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
    }
  });
});

describe("a portal user's id as bearer", () => {
  async function asUser(
    userId: string,
    apiKey: string | null,
    path = "/auth/user",
  ): Promise<Answer> {
    const headers: Record<string, string> = apiKey === null ? {} : { "X-API-Key": apiKey };
    return await home.request("GET", path, { token: userId, headers });
  }

  test("is that user, beside an API key of the same organization", async () => {
    const { body } = await signIn(home);
    const answer = await asUser(body._id, home.apiKey);
    expect([answer.status, answer.body._id]).toEqual([200, body._id]);
  });

  test("is nobody without a key, or beside one that is not good for it", async () => {
    const { backend, organizationId } = home;
    const { body } = await signIn(home);
    const other = await newTenant(backend);
    const expired = await newKey(backend, organizationId, ["*"], Date.now() + 60_000);
    await backend.run(async ({ db }) => {
      await db.patch("apiKeys", expired.keyId, { expiresAt: 1 });
    });
    const revoked = await newKey(backend, organizationId, ["*"]);
    await backend.run(async ({ db }) => {
      await db.patch("apiKeys", revoked.keyId, { revokedAt: 1 });
    });
    for (const key of [
      null,
      "",
      "x",
      other.apiKey,
      expired.token,
      revoked.token,
      home.sessionToken,
      body.sessionToken,
    ]) {
      const answer = await asUser(body._id, key);
      expect([key, answer.status, answer.code]).toEqual([key, 401, "UNAUTHORIZED"]);
    }
  });

  test("is nobody where it is another object's id, a deleted user's or no id", async () => {
    const { body } = await signIn(home);
    const known = await contact(home, "a@x.test");
    await home.request("DELETE", `/portal/users/${body._id}`);
    for (const id of [body._id, known.contactId, home.organizationId, "nonsense"]) {
      expect([id, (await asUser(id, home.apiKey)).status]).toEqual([id, 401]);
    }
  });

  test("may do no more than the key that vouches for it", async () => {
    const { backend, organizationId } = home;
    const { contactId } = await contact(home, SIGN_IN.email);
    await project(home, { contactIds: [contactId] });
    const { body } = await signIn(home);
    const crm = await newKey(backend, organizationId, ["crm:read", "crm:write"]);
    const refused = await asUser(body._id, crm.token, "/projects");
    expect([refused.status, refused.code]).toEqual([403, "INSUFFICIENT_SCOPE"]);
    for (const scope of ["projects:read", "portal:write"] as const) {
      const key = await newKey(backend, organizationId, [scope]);
      const answer = await asUser(body._id, key.token, "/projects");
      expect([scope, answer.body.data.length]).toEqual([scope, 1]);
    }
  });

  test("sees what the user sees, not what the key sees", async () => {
    await project(home, {});
    const { body } = await signIn(home);
    expect((await asUser(body._id, home.apiKey, "/projects")).body.data).toEqual([]);
  });
});
