// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import type { Answer, Request } from "../helpers/answer";
import { type Fixture, newBackend, newMember, requestsOf } from "../helpers/backend";
import { lettersOf } from "./letterBox";

let home: Fixture;
let owner: Request;
let nobody: Request;
const PASSWORD = "Lindenallee-47-Nord";

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  vi.stubEnv("APP_URL", "https://app.test");
  vi.stubEnv("CONVEX_SITE_URL", "https://site.test");
  vi.useFakeTimers({ toFake: ["setTimeout", "Date"] });
  home = await newBackend();
  owner = requestsOf(home.backend, home.sessionToken);
  nobody = requestsOf(home.backend, null);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

type Account = { id: Id<"users">; request: Request; organizationId: string | null };
async function account(email: string, more: object = {}): Promise<Account> {
  const body = { email, password: PASSWORD, name: "Mara Winter", ...more };
  const answer = await nobody("POST", "/auth/register", { body });
  const made = answer.body as unknown as {
    user: { id: Id<"users"> };
    sessionToken: string;
    organizationId: string | null;
  };
  const token = (await lettersOf(home.backend, "verification")).at(-1);
  await nobody("POST", "/auth/verify-email", { body: { token } });
  const request = requestsOf(home.backend, made.sessionToken);
  return { id: made.user.id, request, organizationId: made.organizationId };
}
const userOf = async (id: Id<"users">): Promise<Doc<"users"> | null> =>
  await home.backend.run(({ db }) => db.get("users", id));
const join = async (
  { id }: Account,
  role: "owner" | "manager" | "member" = "member",
  organizationId = home.organizationId,
): Promise<void> => {
  await home.backend.run(async ({ db }) => {
    const membership = { organizationId, role, status: "active", createdAt: 1 } as const;
    await db.insert("memberships", { userId: id, ...membership });
  });
};
const jobsDone = async (): Promise<void> => {
  await home.backend.finishAllScheduledFunctions(vi.runAllTimers);
};
const login = async (email: string, password = PASSWORD): Promise<Answer> =>
  await nobody("POST", "/auth/login", { body: { email, password } });
const trail = async (action: string): Promise<readonly { objectId: string }[]> =>
  (await home.request("GET", `/audit?action=${action}`)).body.data as unknown as {
    objectId: string;
  }[];
const mailsOf = async (template: string): Promise<string[]> =>
  (await home.backend.run(({ db }) => db.query("accountMails").collect()))
    .filter((mail) => mail.template === template)
    .map(({ to }) => to);

describe("deleting one's account", () => {
  const leave = async ({ request }: Account, password?: string): Promise<Answer> =>
    await request("POST", "/profile/delete", { body: { password, confirm: "delete" } });

  test("asks for the word, for the password where there is one, and for a recent sign-in", async () => {
    const mara = await account("mara@x.test");
    const unsaid = await mara.request("POST", "/profile/delete", { body: { password: PASSWORD } });
    expect(unsaid).toMatchObject({ status: 400, paths: ["body.confirm"] });
    expect(await leave(mara)).toMatchObject({ status: 400, paths: ["body.password"] });
    expect((await leave(mara, "wrong")).code).toBe("INVALID_CREDENTIALS");
    vi.setSystemTime(Date.now() + 601_000);
    expect((await leave(mara, PASSWORD)).code).toBe("REAUTHENTICATION_REQUIRED");
  });

  test("is refused to a last owner, by the names of the organizations", async () => {
    const mara = await account("mara@x.test", { organizationName: "Atelier Winter" });
    const refused = await leave(mara, PASSWORD);
    expect(refused).toMatchObject({ status: 409, code: "CONFLICT" });
    expect(refused.body.error.details).toMatchObject({
      organizations: [{ id: mara.organizationId, name: "Atelier Winter" }],
    });
    expect((await login("mara@x.test")).status).toBe(200);
  });

  test("ends every access, erases what reaches them, and leaves what they did", async () => {
    const mara = await account("mara@x.test");
    await join(mara, "manager");
    await mara.request("PATCH", "/profile", { body: { username: "mara" } });
    await mara.request("PATCH", "/notifications/settings", {
      body: { events: { "invoice.paid": { email: true } } },
    });
    await mara.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    expect((await leave(mara, PASSWORD)).status).toBe(200);

    expect((await mara.request("GET", "/profile")).status).toBe(401);
    expect((await login("mara@x.test")).code).toBe("INVALID_CREDENTIALS");
    await jobsDone();
    expect(await userOf(mara.id)).toEqual({
      ...{ _id: mara.id, _creationTime: expect.any(Number) as number, name: "Mara Winter" },
      ...{ createdAt: expect.any(Number) as number, deletedAt: expect.any(Number) as number },
      ...{ isPlatformAdmin: false, passwordVersion: expect.any(Number) as number },
    });
    const left = await home.backend.run(async ({ db }) => ({
      sessions: (await db.query("sessions").collect()).filter(({ userId }) => userId === mara.id),
      settings: await db.query("notificationSettings").collect(),
      memberships: (await db.query("memberships").collect()).filter(
        ({ userId }) => userId === mara.id,
      ),
      letters: (await db.query("accountMails").collect()).map(({ template }) => template),
      jobs: (await db.query("accountRemovals").collect()).map(({ job }) => job?.state),
    }));
    expect(left).toEqual({
      ...{ sessions: [], settings: [], memberships: [] },
      ...{ letters: ["account_deleted"], jobs: ["succeeded"] },
    });
    expect(await mailsOf("account_deleted")).toEqual(["mara@x.test"]);
    expect(await trail("member.left")).toMatchObject([{ objectId: mara.id }]);
    expect(await trail("user.deleted")).toMatchObject([{ objectId: mara.id }]);
    const did = await trail("contact.created");
    expect(did).toMatchObject([{ actor: { id: mara.id, name: "Mara Winter" } }]);
  });

  test("leaves the address free for another account, which is none of before", async () => {
    const mara = await account("mara@x.test");
    await join(mara);
    await leave(mara, PASSWORD);
    const again = await account("mara@x.test");
    expect(again.id).not.toBe(mara.id);
    expect((await again.request("GET", "/tenants")).body.data).toEqual([]);
  });

  test("of an account of Clerk's is not undone by its tokens or what Clerk tells later", async () => {
    const ada = await newMember(home.backend, []);
    await home.backend.run(async ({ db }) => {
      await db.patch("users", ada.userId, { clerkUserId: "user_ada" });
    });
    await ada.request("POST", "/profile/delete", { body: { confirm: "delete" } });
    const claims = { subject: "user_ada", email: "ada@x.test", name: "Ada" };
    await home.backend.mutation(internal.tenants.users.admit, claims);
    const users = await home.backend.run(({ db }) => db.query("users").collect());
    expect(users.filter(({ email }) => email === "ada@x.test")).toEqual([]);
    expect(await userOf(ada.userId)).toMatchObject({
      name: "Mo",
      deletedAt: expect.any(Number) as number,
    });
  });

  test("of the two owners of an organization, at once, is one's", async () => {
    const [mara, ada] = [
      await account("mara@x.test", { organizationName: "A" }),
      await account("ada@x.test"),
    ];
    await join(ada, "owner", mara.organizationId as Id<"organizations">);
    const answers = await Promise.all([leave(mara, PASSWORD), leave(ada, PASSWORD)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

describe("a copy of what is held of oneself", () => {
  test("is gathered by a job, and there for a day as one file without secrets", async () => {
    const mara = await account("mara@x.test");
    await join(mara, "manager");
    await mara.request("POST", "/crm/contacts", {
      body: { firstName: "Ada", lastName: "Secretly" },
    });
    const asked = await mara.request("POST", "/profile/export");
    expect(asked).toMatchObject({ status: 201 });
    expect(asked.body.data).toMatchObject({ kind: "profile export", status: "queued" });
    const { id } = asked.body.data;
    expect((await mara.request("POST", "/profile/export")).body.data.id).toBe(id);
    await home.backend.finishInProgressScheduledFunctions();
    vi.advanceTimersByTime(1);
    const done = await vi.waitFor(async () => {
      await home.backend.finishInProgressScheduledFunctions();
      const answer = await mara.request("GET", `/profile/exports/${id}`);
      expect(answer.body.data.status).toBe("succeeded");
      return answer.body.data as unknown as {
        progress: number;
        result: { downloadUrl: string; size: number };
      };
    });
    expect(done.progress).toBe(1);
    const file = await home.backend.fetch(done.result.downloadUrl.replace("https://site.test", ""));
    const text = await file.text();
    expect(text).not.toMatch(/Secretly|argon2|fh_session|tokenHash/);
    const held = JSON.parse(text) as Record<string, readonly Record<string, unknown>[]>;
    expect(held["profile"]).toMatchObject([{ email: "mara@x.test", hasPassword: true }]);
    expect(held["memberships"]).toMatchObject([{ role: "manager", name: "Test Studio" }]);
    expect(held["sessions"]).toHaveLength(1);
    expect(held["letters"]).toMatchObject([{ template: "verification", to: "mara@x.test" }]);
    const actions = held["activity"]?.map(({ action }) => action);
    expect(actions).toContain("contact.created");

    expect((await owner("GET", `/profile/exports/${id}`)).code).toBe("EXPORT_NOT_FOUND");
    vi.setSystemTime(Date.now() + 25 * 3600 * 1000);
    await home.backend.mutation(internal.accounts.exportJobs.cleanUp, {});
    expect((await mara.request("GET", `/profile/exports/${id}`)).code).toBe("EXPORT_NOT_FOUND");
    const files = await home.backend.run(({ db }) => db.system.query("_storage").collect());
    expect(files).toEqual([]);
  });
});

describe("joining two accounts of one person", () => {
  const prove = async ({ request }: Account): Promise<string> => {
    const { data } = (await request("POST", "/auth/merge/token")).body;
    return (data as unknown as { token: string }).token;
  };
  const merge = async ({ request }: Account, token: string): Promise<Answer> =>
    await request("POST", "/auth/merge", { body: { token } });

  test("a token is worth nothing once the session that got it has ended", async () => {
    const stays = await account("mara@x.test");
    const goes = await account("mara@old.test");
    const token = await prove(goes);
    await goes.request("POST", "/auth/logout");
    expect((await merge(stays, token)).code).toBe("GONE");
  });

  test("moves what is the other's, keeps the higher role, and ends the other", async () => {
    const stays = await account("mara@x.test");
    const goes = await account("mara@old.test", { organizationName: "Atelier Winter" });
    await join(stays, "member");
    await join(goes, "manager");
    await goes.request("PATCH", "/profile", { body: { username: "mara" } });
    await goes.request("PATCH", "/notifications/settings", {
      headers: { "X-Tenant-Id": goes.organizationId ?? "" },
      body: { events: { "invoice.paid": { email: true } } },
    });
    await home.backend.run(async ({ db }) => {
      await db.patch("users", goes.id, { clerkUserId: "user_mara" });
    });
    const work = { headers: { "X-Tenant-Id": goes.organizationId ?? "" } };
    const project = await goes.request("POST", "/projects", {
      ...work,
      body: { subtype: "internal", name: "Relaunch" },
    });
    const assigned = { projectId: project.body.data.id, title: "Draft", assigneeIds: [goes.id] };
    const task = await goes.request("POST", "/tasks", { ...work, body: assigned });
    expect((await merge(stays, await prove(goes))).status).toBe(200);
    const tenants = (await stays.request("GET", "/tenants")).body.data as unknown as {
      id: string;
      role: string;
    }[];
    expect(tenants.map(({ id, role }) => `${id} ${role}`).sort()).toEqual(
      [`${home.organizationId} manager`, `${goes.organizationId} owner`].sort(),
    );
    expect((await goes.request("GET", "/profile")).status).toBe(401);
    expect(await userOf(stays.id)).toMatchObject({ username: "mara", clerkUserId: "user_mara" });
    const other = await userOf(goes.id);
    expect(other).toMatchObject({ mergedInto: stays.id, deletedAt: expect.any(Number) as number });
    expect(other).not.toHaveProperty("email");
    await jobsDone();
    const settings = await home.backend.run(({ db }) => db.query("notificationSettings").collect());
    expect(settings).toMatchObject([{ userId: stays.id }]);
    const terms = await home.backend.run(({ db }) => db.query("objectTerms").collect());
    expect(terms).toMatchObject([{ objectId: task.body.data.id, term: `assignee:${stays.id}` }]);
    expect(await trail("user.merged")).toMatchObject([{ objectId: stays.id }]);
    expect((await mailsOf("accounts_joined")).sort()).toEqual(["mara@old.test", "mara@x.test"]);
  });

  test("brings passkeys along, and the authenticator that the other account had alone", async () => {
    const stays = await account("mara@x.test");
    const goes = await account("mara@old.test");
    const createdAt = Date.now();
    const passkey = {
      credentialId: "c",
      publicKey: "k",
      counter: 0,
      transports: [],
      rpId: "app.test",
    };
    await home.backend.run(async ({ db }) => {
      const userId = goes.id;
      await db.insert("totpSecrets", { userId, secret: "plain:x", confirmedAt: 1, createdAt });
      await db.insert("recoveryCodes", { userId, codeHash: "h", createdAt });
      const named = { name: "Phone", backedUp: false };
      await db.insert("passkeys", { userId, ...passkey, ...named, createdAt });
      await db.patch("users", userId, { secondFactors: ["totp", "recovery_code", "passkey"] });
    });
    // As who signed in with it.
    await home.backend.run(async ({ db }) => {
      for (const { _id, userId } of await db.query("sessions").collect()) {
        if (userId === goes.id) await db.patch("sessions", _id, { isStrong: true });
      }
    });
    expect((await merge(stays, await prove(goes))).status).toBe(200);
    const passkeys = (await stays.request("GET", "/auth/passkeys")).body.data;
    expect(passkeys).toMatchObject([{ name: "Phone" }]);
    expect(await userOf(stays.id)).toMatchObject({
      secondFactors: ["totp", "recovery_code", "passkey"],
    });
    const [moved] = await home.backend.run(({ db }) => db.query("passkeys").collect());
    expect(moved).toMatchObject({ userId: stays.id, madeFor: goes.id });
  });

  test("takes both proofs: a token once, of another account, lately signed in", async () => {
    const stays = await account("mara@x.test");
    const goes = await account("mara@old.test");
    const token = await prove(goes);
    expect((await merge(goes, token)).code).toBe("CONFLICT");
    expect((await merge(stays, "unknown")).code).toBe("GONE");
    const answers = await Promise.all([merge(stays, token), merge(stays, token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 410]);
    vi.setSystemTime(Date.now() + 601_000);
    expect((await stays.request("POST", "/auth/merge/token")).code).toBe(
      "REAUTHENTICATION_REQUIRED",
    );
  });

  test("gives an account without password or address those of the other", async () => {
    const goes = await account("mara@x.test");
    const clerk = await newMember(home.backend, []);
    const stays = { id: clerk.userId, request: clerk.request, organizationId: null };
    expect((await merge(stays, await prove(goes))).status).toBe(200);
    const answer = await login("mara@x.test");
    expect(answer).toMatchObject({ status: 200, body: { user: { id: clerk.userId } } });
  });
});

describe("one person, whichever way they sign in", () => {
  const viaClerk = async (subject: string, email: string): Promise<Id<"users"> | undefined> => {
    await home.backend.mutation(internal.tenants.users.admit, { subject, email, name: "Ada" });
    const users = await home.backend.run(({ db }) => db.query("users").collect());
    return users.find(({ clerkUserId }) => clerkUserId === subject)?._id;
  };

  test("a user of Clerk's sets a password by a letter, and is the same user", async () => {
    const id = await viaClerk("user_ada", "ada@x.test");
    await nobody("POST", "/auth/forgot-password", { body: { email: "ada@x.test" } });
    vi.advanceTimersByTime(1);
    const token = await vi.waitFor(async () => {
      await home.backend.finishInProgressScheduledFunctions();
      const [found] = await lettersOf(home.backend, "password_reset");
      expect(found).toBeDefined();
      return found;
    });
    const body = { token, password: PASSWORD };
    expect((await nobody("POST", "/auth/reset-password", { body })).status).toBe(200);
    expect(await login("ada@x.test")).toMatchObject({ status: 200, body: { user: { id } } });
    expect(await viaClerk("user_ada", "ada@x.test")).toBe(id);
  });

  test("who registered an address that Clerk proves to be another's has nothing left", async () => {
    const body = { email: "ada@x.test", password: PASSWORD, name: "Eve" };
    const registered = await nobody("POST", "/auth/register", { body });
    const { user, sessionToken } = registered.body as unknown as Body;
    const eve = requestsOf(home.backend, sessionToken);
    expect(await viaClerk("user_ada", "ada@x.test")).toBe(user.id);
    expect((await eve("GET", "/profile")).status).toBe(401);
    expect((await login("ada@x.test")).code).toBe("INVALID_CREDENTIALS");
    expect(await lettersOf(home.backend, "verification")).toHaveLength(1);
    const [token] = await lettersOf(home.backend, "verification");
    expect((await nobody("POST", "/auth/verify-email", { body: { token } })).code).toBe("GONE");
  });
});
type Body = { user: { id: string }; sessionToken: string };
