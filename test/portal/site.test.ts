import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { contact, portalToken, project, SIGN_IN } from "./portal";

/** What source document 002 prints of its `ApiClient`, for portals that have not moved yet. */
class ApiClient {
  constructor(private baseUrl: string) {}

  async syncUser(oauthData: object): Promise<Record<string, string>> {
    const response = await fetch(`${this.baseUrl}/api/v1/auth/sync-user`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(oauthData),
    });
    return (await response.json()) as Record<string, string>;
  }

  async validateToken(userId: string): Promise<unknown> {
    const response = await fetch(`${this.baseUrl}/api/v1/auth/validate-token`, {
      headers: { Authorization: `Bearer ${userId}` },
    });
    return await response.json();
  }
}

const WARNING = "PORTAL_TRUST_IDS=true: whoever knows a portal user's id is that user";

describe("npm start with PORTAL_TRUST_IDS=true", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite({ env: { PORTAL_TRUST_IDS: "true" } });
  });

  afterAll(async () => {
    await site.server.remove();
  });

  test("says so in the log, and serves the documented client", async () => {
    await eventually(
      () => site.server.logs().map(({ message }) => message),
      (messages) => messages.includes(WARNING),
    );
    const client = new ApiClient(site.server.siteUrl);
    const user = await client.syncUser(SIGN_IN);
    expect(user).toMatchObject({ type: "frontend_user", name: SIGN_IN.email });
    expect(await client.validateToken(user["_id"] ?? "")).toMatchObject({
      valid: true,
      user: { _id: user["_id"] },
      crmContext: { contactId: null, organizationId: null },
    });
  });
});

describe("npm start without it", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite();
  });

  afterAll(async () => {
    await site.server.remove();
  });

  test("says nothing of it, and lets no one in without a secret", async () => {
    const client = new ApiClient(site.server.siteUrl);
    expect(await client.syncUser(SIGN_IN)).toMatchObject({ error: { code: "UNAUTHORIZED" } });
    expect(site.server.stdout()).not.toContain("PORTAL_TRUST_IDS");
  });

  test("a portal user's page costs the page, whatever else there is, and goes on by cursor", async () => {
    const ada = await contact(site, "ada@acme.test", "Acme");
    const token = await portalToken(site, "ada@acme.test");
    const own: string[] = [];
    for (let n = 0; n < 40; n++) {
      own.unshift((await project(site, { contactIds: [ada.contactId] })).id);
      await Promise.all(Array.from({ length: 5 }, () => project(site, {})));
    }
    const page = async (query: string, traceId: string): ReturnType<Site["request"]> =>
      await site.request("GET", `/projects?limit=10${query}`, {
        token,
        headers: { "X-Request-Id": traceId },
      });
    const seen: string[] = [];
    for (let cursor: string | null = "", n = 0; cursor !== null; n++) {
      const answer = await page(cursor === "" ? "" : `&cursor=${cursor}`, `page-${n}`);
      seen.push(...answer.body.data.map(({ id }) => id));
      cursor = answer.body.meta.nextCursor;
    }
    expect(seen).toEqual(own);
    const lines = await eventually(
      () => site.server.logs().filter(({ requestId }) => String(requestId).startsWith("page-")),
      (found) => found.length >= 4,
    );
    // A link and its project for each row, and what the two transactions read of the caller.
    for (const { documentsRead } of lines) expect(Number(documentsRead)).toBeLessThan(10 * 2 + 20);
  });

  test("twenty sign-ins of one new e-mail at once make one portal user", async () => {
    const tokens = await Promise.all(
      Array.from({ length: 20 }, () => portalToken(site, "twenty@x.test")),
    );
    const users = await site.request("GET", "/portal/users?email=twenty@x.test");
    expect(users.body.data.length).toBe(1);
    const valid = tokens.map(async (token) => {
      return (await site.request("GET", "/auth/validate-token", { token })).status;
    });
    expect(new Set(await Promise.all(valid))).toEqual(new Set([200]));
  });

  test("rich text is sanitized where the functions run", async () => {
    const detailedDescription =
      "<p onclick='alert(1)'>Rich <b>text</b></p><script>alert(1)</script>";
    const { customProperties } = await project(site, { detailedDescription });
    expect(customProperties["detailedDescription"]).toBe("<p>Rich <b>text</b></p>");
  });

  test("archived projects are merged into a list that asks for them", async () => {
    const other = await project(site, { name: "Put away" });
    await site.request("POST", `/projects/${other.id}/archive`);
    const ids: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const next: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await site.request("GET", `/projects?includeArchived=true&limit=50${next}`);
      ids.push(...body.data.map(({ id }) => id));
      cursor = body.meta.nextCursor;
    }
    const { total } = (await site.request("GET", "/projects?includeArchived=true")).body.meta;
    expect([new Set(ids).size, ids[0]]).toEqual([total, other.id]);
  });
});
