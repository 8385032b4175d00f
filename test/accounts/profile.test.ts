// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { sealSecret } from "../../convex/kit/secretBox";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, newBackend, newMember, newTenant, requestsOf } from "../helpers/backend";

let home: Fixture;
let owner: Request;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  vi.stubEnv("CONVEX_SITE_URL", "https://site.test");
  home = await newBackend();
  owner = requestsOf(home.backend, home.sessionToken);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const change = async (body: object, as = owner): Promise<Answer> =>
  await as("PATCH", "/profile", { body });
const profileOf = async (as = owner): Promise<Record<string, unknown>> =>
  (await as("GET", "/profile")).body.data as unknown as Record<string, unknown>;
const member = async (): Promise<Awaited<ReturnType<typeof newMember>>> =>
  await newMember(home.backend, [{ organizationId: home.organizationId, role: "member" }]);

describe("a profile", () => {
  test("has defaults, and keeps what is changed of it, part by part", async () => {
    expect(await profileOf()).toEqual({
      ...{ id: expect.any(String) as string, name: "Olga Owner", email: "owner@studio.test" },
      ...{ username: null, avatarAttachmentId: null, avatarUrl: null },
      ...{ locale: "en", timeZone: "UTC", preferences: { theme: "system", weekStartsOn: 1 } },
    });
    const answer = await change({ timeZone: "Asia/Kathmandu", preferences: { theme: "dark" } });
    expect(answer.status).toBe(200);
    await change({ locale: "de-AT", preferences: { weekStartsOn: 0 } });
    expect(await profileOf()).toMatchObject({
      ...{ locale: "de-AT", timeZone: "Asia/Kathmandu" },
      preferences: { theme: "dark", weekStartsOn: 0 },
    });
    const entries = await home.request("GET", "/audit?action=user.profile_updated");
    expect(entries.body.data).toHaveLength(2);
    expect((await change({ locale: "de-AT" })).status).toBe(200);
    const again = await home.request("GET", "/audit?action=user.profile_updated");
    expect(again.body.data).toHaveLength(2);
  });

  test.each([
    ["email", { email: "new@x.test" }],
    ["locale", { locale: "deutsch!" }],
    ["timeZone", { timeZone: "Mars/Olympus" }],
    ["preferences.weekStartsOn", { preferences: { weekStartsOn: 7 } }],
    ["preferences.theme", { preferences: { theme: "pink" } }],
    ["name", { name: null }],
  ])("refuses a wrong %s by its name", async (path, body) => {
    const answer = await change(body);
    expect(answer).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
    expect(answer.paths).toEqual([`body.${path}`]);
  });

  test("has a name on one line", async () => {
    expect((await change({ name: "Olga \r\n\t Owner\u2028II" })).status).toBe(200);
    expect(await profileOf()).toMatchObject({ name: "Olga Owner II" });
  });

  test("says where the e-mail is changed", async () => {
    expect((await change({ email: "new@x.test" })).text).toContain("/auth/change-email");
  });

  test("is of a person: a key has none", async () => {
    expect((await home.request("GET", "/profile")).status).toBe(403);
  });
});

describe("a username", () => {
  test("is kept in lower case, is one person's, and null takes it away", async () => {
    const other = await member();
    expect(await profileOf()).toMatchObject({ username: null });
    expect((await change({ username: "Olga_Owner" })).status).toBe(200);
    expect(await profileOf()).toMatchObject({ username: "olga_owner" });
    const taken = await change({ username: "OLGA_owner" }, other.request);
    expect(taken).toMatchObject({ status: 409, code: "CONFLICT" });
    expect((await change({ username: "olga_owner" })).status).toBe(200);
    await change({ username: null });
    expect((await change({ username: "olga_owner" }, other.request)).status).toBe(200);
  });

  test.each([
    "ab",
    "x".repeat(31),
    "mara winter",
    "mära",
    "\u212Aate",
    "me",
    "Admin",
    "none",
    "ALL",
  ])("cannot be %s", async (username) => {
    expect(await change({ username })).toMatchObject({ status: 400, paths: ["body.username"] });
  });

  test("that two want at once is one's", async () => {
    const other = await member();
    const answers = await Promise.all([
      change({ username: "wanted" }),
      change({ username: "wanted" }, other.request),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

/** A file in the deployment's storage, completed. */
async function picture(
  organizationId: Id<"organizations">,
  more: object = {},
): Promise<Id<"attachments">> {
  return await home.backend.run(async (ctx) => {
    const storageId = await ctx.storage.store(new Blob(["png"], { type: "image/png" }));
    return await ctx.db.insert("attachments", {
      ...{ organizationId, storageId, status: "ready", place: "deployment", fileName: "me.png" },
      ...{ contentType: "image/png", size: 3, sha256: "00", uploader: "user:x", version: 1 },
      ...{ createdBy: "x", createdAt: 1, updatedAt: 1, linkSecret: await sealSecret("secret") },
      ...more,
    } as const);
  });
}

describe("a picture", () => {
  test("is shown by a link of five minutes, or by its own address", async () => {
    const avatarAttachmentId = await picture(home.organizationId);
    expect((await change({ avatarAttachmentId })).status).toBe(200);
    const { avatarUrl } = await profileOf();
    const path = String(avatarUrl).replace("https://site.test", "");
    const file = await home.backend.fetch(path);
    expect([file.status, await file.text()]).toEqual([200, "png"]);
    vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ["Date"] });
    expect((await home.backend.fetch(path)).status).toBe(410);
    vi.useRealTimers();
    const url = "https://files.example.com/me.png";
    const external = await home.request("POST", "/attachments", { body: { url } });
    await change({ avatarAttachmentId: external.body.data.id });
    expect(await profileOf()).toMatchObject({ avatarUrl: url });
  });

  test("is a picture, completed, of an organization that is one's own", async () => {
    const { organizationId } = home;
    const elsewhere = await picture((await newTenant(home.backend)).organizationId);
    const text = await picture(organizationId, { contentType: "image/svg+xml" });
    const pending = await picture(organizationId, { status: "pending" });
    const wrong = async (avatarAttachmentId: string): Promise<string | undefined> =>
      (await change({ avatarAttachmentId })).code;
    expect(await wrong(elsewhere)).toBe("ATTACHMENT_NOT_FOUND");
    expect(await wrong("nonsense")).toBe("ATTACHMENT_NOT_FOUND");
    expect(await wrong(text)).toBe("VALIDATION_ERROR");
    expect(await wrong(pending)).toBe("INVALID_STATE");
  });

  test("stays while it is one, also without the object that it belonged to", async () => {
    const contact = await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    const ownerId = contact.body.contactId;
    const avatarAttachmentId = await picture(home.organizationId, { ownerId });
    await change({ avatarAttachmentId });
    const remove = async (): Promise<Answer> =>
      await home.request("DELETE", `/attachments/${avatarAttachmentId}`);
    expect((await remove()).code).toBe("CONFLICT");
    await home.backend.mutation(internal.attachments.removal.removeOfOwner, {
      ...{ organizationId: home.organizationId, ownerId: ownerId as Id<"objects"> },
      isErased: false,
    });
    expect(await profileOf()).toMatchObject({ avatarAttachmentId });
    await change({ avatarAttachmentId: null });
    expect((await remove()).status).toBe(204);
  });

  test("of an organization is nobody's who has left it", async () => {
    const mo = await member();
    const avatarAttachmentId = await picture(home.organizationId);
    await change({ avatarAttachmentId }, mo.request);
    const path = `/tenants/${home.organizationId}/members/${mo.userId}`;
    expect((await owner("DELETE", path)).status).toBe(204);
    expect(await profileOf(mo.request)).toMatchObject({
      avatarAttachmentId: null,
      avatarUrl: null,
    });
    expect((await home.request("DELETE", `/attachments/${avatarAttachmentId}`)).status).toBe(204);
  });
});
