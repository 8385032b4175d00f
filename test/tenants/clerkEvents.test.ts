import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, TableNames } from "../../convex/_generated/dataModel";
import { startSession } from "../../convex/accounts/sessions";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newMember, ofTests, requestsOf } from "../helpers/backend";
import {
  type ClerkEvent,
  deletion,
  membership,
  organization,
  signedByClerk,
  tell,
  user,
} from "./clerkEvents";

let home: Fixture;
let serial = 0;
/** Of this test alone: they share a deployment, as Clerk's organizations do. */
const named = (word: string): string => `${word}_${serial}`;

beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  home = await newBackend();
  return () => {
    vi.unstubAllEnvs();
  };
});

async function hear(...events: ClerkEvent[]): Promise<void> {
  for (const event of events) {
    expect((await tell(home.request, event)).status, event.type).toBe(200);
  }
}

async function all<Table extends TableNames>(table: Table): Promise<Doc<Table>[]> {
  return await home.backend.run(async ({ db }) => await db.query(table).collect());
}

/** What has become of the events of this test, the last one last. */
async function outcomes(): Promise<(string | undefined)[][]> {
  const events = (await all("incomingEvents")).filter(({ payload }) =>
    payload.includes(`_${serial}"`),
  );
  return events.map(({ type, status, error }) => [type, status, error]);
}

/** The attempt that the failure of before has scheduled, made now. */
async function tryAgain(): Promise<void> {
  for (const { _id: id, status } of await all("incomingEvents")) {
    if (status === "failed") await home.backend.mutation(internal.kit.incoming.retry, { id });
  }
}

async function account(id: string): Promise<Doc<"users"> | undefined> {
  return (await all("users")).find(({ clerkUserId }) => clerkUserId === id);
}

/** Who belongs to the organization at Clerk, as what: Clerk's id of each user, and their role. */
async function membersOf(id: string): Promise<Record<string, string> | null> {
  const at = (await all("organizations")).find((row) => row.clerkOrganizationId === id);
  if (!at) return null;
  const users = await all("users");
  const members = (await all("memberships")).filter(
    ({ organizationId, status }) => organizationId === at._id && status === "active",
  );
  return Object.fromEntries(
    members.map(({ userId, role }) => [
      users.find(({ _id }) => _id === userId)?.clerkUserId ?? "",
      role,
    ]),
  );
}

/** Requests of a user under a session of their own. */
const sign = async (of: Doc<"users">): Promise<ReturnType<typeof requestsOf>> =>
  requestsOf(
    home.backend,
    await home.backend.run(async (ctx) => (await startSession(ctx, of._id, ofTests)).token),
  );

describe("an event", () => {
  const event = (): ClerkEvent => user("created", named("user"), 1);
  const post = async (options: Parameters<typeof home.request>[2]): Promise<Answer> =>
    await home.request("POST", "/webhooks/clerk", options);

  test("that is not signed as it must be is refused, and leaves nothing", async () => {
    serial += 1;
    const good = signedByClerk(event());
    const long = new Date(Date.now() - 6 * 60_000);
    const bad: Parameters<typeof home.request>[2][] = [
      { raw: good.raw ?? "", token: null },
      { ...good, raw: JSON.stringify(user("created", named("other"), 1)) },
      { ...good, headers: { ...good.headers, "svix-id": "msg_other" } },
      signedByClerk(event(), { at: long }),
      signedByClerk(event(), { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
      { raw: JSON.stringify(event()), token: home.apiKey },
    ];
    for (const request of bad) {
      expect(await post(request)).toMatchObject({ status: 401, code: "INVALID_SIGNATURE" });
    }
    expect(await outcomes()).toEqual([]);
  });

  test("is answered 503 where there is no secret", async () => {
    const signed = signedByClerk(event());
    vi.stubEnv("CLERK_WEBHOOK_SECRET", "");
    const answer = await post(signed);
    vi.stubEnv("CLERK_WEBHOOK_SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    expect(answer).toMatchObject({ status: 503, code: "SERVICE_UNAVAILABLE" });
  });

  test("that comes twice counts once", async () => {
    serial += 1;
    const id = `msg_${serial}`;
    for (let turn = 0; turn < 2; turn++) await post(signedByClerk(event(), { id }));
    expect(await outcomes()).toEqual([["user.created", "applied", undefined]]);
  });

  test("that says nothing to us is recorded with the reason", async () => {
    serial += 1;
    const invited = { id: named("orginv"), email_address: "a@x.test", status: "pending" };
    await hear(
      { type: "organizationInvitation.created", data: invited },
      { type: "session.created", data: { id: named("sess") } },
      { type: "user.updated", data: { id: named("user") } },
      { type: "organization.created", data: { id: named("org"), name: 1 } },
    );
    expect(await outcomes()).toEqual([
      ["organizationInvitation.created", "ignored", expect.stringContaining("Invites") as string],
      ["session.created", "ignored", "Events of this type say nothing to us."],
      ["user.updated", "unreadable", expect.any(String) as string],
      ["organization.created", "unreadable", expect.any(String) as string],
    ]);
    expect(await account(named("user"))).toBeUndefined();
  });
});

describe("a user", () => {
  test("is made, follows Clerk's newest word, and has only verified e-mails", async () => {
    serial += 1;
    const id = named("user");
    const email = `${id}@x.test`;
    await hear(
      user("created", id, 10, { email, verified: false }),
      user("updated", id, 30, { name: "Ada L.", email }),
      user("updated", id, 20, { name: "Late", email: `late${email}` }),
    );
    expect(await account(id)).toMatchObject({ name: "Ada L.", email, isPlatformAdmin: false });
    expect((await outcomes()).at(-1)).toEqual([
      ...["user.updated", "ignored", "Clerk has told of something newer."],
    ]);
  });

  test("who is verified later joins what they are invited to", async () => {
    serial += 1;
    const id = named("user");
    const email = `${id}@x.test`;
    const owner = requestsOf(home.backend, home.sessionToken);
    const path = `/tenants/${home.organizationId}/invite`;
    const { body } = await owner("POST", path, { body: { email, role: "viewer" } });
    const { token } = body.data as unknown as { token: string };
    await hear(user("created", id, 1, { email, verified: false }));
    const made = await account(id);
    if (!made) throw new Error("The user was not made.");
    const person = await sign(made);
    const accept = async (): Promise<Answer> =>
      await person("POST", "/tenants/invites/accept", { body: { token } });
    expect((await accept()).status).toBe(403);
    await hear(user("updated", id, 2, { email }));
    expect(await accept()).toMatchObject({ status: 200, body: { data: { role: "viewer" } } });
  });

  test("who was here before under the verified e-mail is the same person", async () => {
    serial += 1;
    const id = named("user");
    const email = `${id}@x.test`;
    const { organizationId } = home;
    const before = await newMember(home.backend, [{ organizationId, role: "member" }]);
    await home.backend.run(async ({ db }) => {
      await db.patch("users", before.userId, { email, emailKey: email });
    });
    await hear(user("created", id, 1, { email, verified: false }));
    expect((await account(id))?._id).not.toBe(before.userId);
    await hear(user("updated", id, 2, { email }));
    expect((await account(id))?._id).toBe(before.userId);
    await hear(user("created", named("eve"), 1, { email }));
    expect((await account(named("eve")))?.email).toBeUndefined();
  });

  test("who is deleted has no access any more, and nothing late brings them back", async () => {
    serial += 1;
    const [id, at, owner] = [named("user"), named("org"), named("owner")];
    const email = `${id}@x.test`;
    const created = user("created", id, 1, { email });
    const joined = membership("created", { id: named("mem"), of: id, in: at }, 1);
    await hear(
      membership("created", { id: named("own"), of: owner, in: at, role: "org:admin" }, 1),
      ...[created, joined],
    );
    const made = await account(id);
    if (!made) throw new Error("The user was not made.");
    const request = await sign(made);
    expect((await request("GET", "/crm/contacts")).status).toBe(200);
    await hear(deletion("user", id));
    expect((await request("GET", "/tenants")).code).toBe("UNAUTHORIZED");
    const late = user("updated", id, 9, { email, name: "Back" });
    await hear(created, late, { ...joined, type: "organizationMembership.updated" });
    expect(await membersOf(at)).toEqual({ [owner]: "owner" });
    expect(await account(id)).toMatchObject({
      name: "Ada",
      deletedAt: expect.any(Number) as number,
    });
    expect((await account(id))?.email).toBeUndefined();
    const trail = (await all("auditLogs")).filter(({ objectId }) => objectId === made._id);
    expect(trail.map(({ action, actor }) => [action, actor.name])).toEqual([
      ["member.added", "Clerk"],
      ["member.removed", "Clerk"],
    ]);
    // The address is free again, for an account that is another one.
    await hear(user("created", named("next"), 1, { email }));
    expect(await account(named("next"))).toMatchObject({ email });
  });

  test("who is deleted before Clerk told of them is never made", async () => {
    serial += 1;
    const id = named("user");
    await hear(deletion("user", id), user("created", id, 1));
    await home.backend.mutation(internal.tenants.users.admit, { subject: id, name: "Ada" });
    expect(await account(id)).toBeUndefined();
  });
});

describe("an organization", () => {
  test("is founded with its first owner, and takes Clerk's name and roles", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob, eve] = [named("ada"), named("bob"), named("eve")];
    await hear(
      organization("updated", at, 5, "Acme GmbH"),
      membership("created", { id: named("m2"), of: bob, in: at, role: "org:manager" }, 1),
    );
    expect(await membersOf(at)).toBeNull();
    await hear(
      membership("created", { id: named("m1"), of: ada, in: at, role: "org:admin" }, 1),
      membership("created", { id: named("m3"), of: eve, in: at, role: "org:constructor" }, 1),
    );
    await tryAgain();
    expect(await membersOf(at)).toEqual({ [ada]: "owner", [bob]: "manager", [eve]: "viewer" });
    const names = async (): Promise<string[]> =>
      (await all("organizations"))
        .filter(({ clerkOrganizationId }) => clerkOrganizationId === at)
        .map(({ name }) => name);
    expect(await names()).toEqual(["Acme GmbH"]);
    await hear(organization("created", at, 1, "Old"), organization("updated", at, 6, "New"));
    expect(await names()).toEqual(["New"]);
  });

  test("keeps its last owner until there is another; whoever asks sees why", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob] = [named("ada"), named("bob")];
    const owned = { id: named("m1"), of: ada, in: at, role: "org:admin" };
    await hear(
      membership("created", owned, 1),
      membership("updated", { ...owned, role: "org:member" }, 2),
      membership("deleted", owned, 3),
    );
    expect(await membersOf(at)).toEqual({ [ada]: "owner" });
    const made = await account(ada);
    const request = made && (await sign(made));
    const listed = await request?.("GET", "/webhooks/incoming?status=failed");
    expect(listed?.body.data).toMatchObject([
      { type: "organizationMembership.deleted", note: expect.stringContaining("owner") as string },
      { type: "organizationMembership.updated", nextAttemptAt: expect.any(Number) as number },
    ]);
    await hear(membership("created", { id: named("m2"), of: bob, in: at, role: "org:admin" }, 1));
    await tryAgain();
    expect(await membersOf(at)).toEqual({ [bob]: "owner" });
  });

  test("whose owner is deleted keeps a name without access, until there is another", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob] = [named("ada"), named("bob")];
    await hear(membership("created", { id: named("m1"), of: ada, in: at, role: "org:admin" }, 1));
    const made = await account(ada);
    const request = made && (await sign(made));
    await hear(deletion("user", ada));
    expect((await request?.("GET", "/tenants"))?.status).toBe(401);
    expect(await membersOf(at)).toEqual({ [ada]: "owner" });
    await hear(membership("created", { id: named("m2"), of: bob, in: at, role: "org:admin" }, 1));
    const second = await account(bob);
    const theirs = second && (await sign(second));
    const leave = await theirs?.("DELETE", `/tenants/${await idOf(at)}/members/${second?._id}`);
    expect(leave?.code).toBe("CONFLICT");
    await tryAgain();
    expect(await membersOf(at)).toEqual({ [bob]: "owner" });
  });

  test("that is deleted at Clerk keeps its books and its owners, and no member", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob, eve] = [named("ada"), named("bob"), named("eve")];
    const member = { id: named("m2"), of: bob, in: at };
    await hear(
      membership("created", { id: named("m1"), of: ada, in: at, role: "org:admin" }, 1),
      membership("created", member, 1),
      deletion("organization", at),
      membership("updated", member, 5),
      membership("created", { id: named("m3"), of: eve, in: at, role: "org:admin" }, 1),
      organization("updated", at, 9, "Back"),
    );
    expect(await membersOf(at)).toEqual({ [ada]: "owner" });
  });

  test("takes nobody beyond its plan, and whom it has removed only when Clerk adds them anew", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob, eve] = [named("ada"), named("bob"), named("eve")];
    const second = { id: named("m2"), of: bob, in: at };
    await hear(membership("created", { id: named("m1"), of: ada, in: at, role: "org:admin" }, 1));
    await home.backend.run(async ({ db }) => {
      const row = (await db.query("organizations").collect()).find(
        ({ clerkOrganizationId }) => clerkOrganizationId === at,
      );
      if (row) await db.patch("organizations", row._id, { tier: "free" });
    });
    await hear(
      membership("created", second, 1),
      membership("created", { id: named("m3"), of: eve, in: at }, 1),
    );
    expect((await outcomes()).at(-1)?.slice(1)).toEqual([
      ...["failed", "This plan has room for 2 members."],
    ]);
    const owner = await account(ada);
    const request = owner && (await sign(owner));
    const path = `/tenants/${await idOf(at)}/members/${(await account(bob))?._id}`;
    expect((await request?.("DELETE", path))?.status).toBe(204);
    await hear(membership("updated", second, 2));
    expect(await membersOf(at)).toEqual({ [ada]: "owner" });
    await tryAgain();
    expect(await membersOf(at)).toEqual({ [ada]: "owner", [eve]: "member" });
  });

  test("has no open invite left for whom Clerk has added, who takes the invite's place", async () => {
    serial += 1;
    const at = named("org");
    const [ada, bob] = [named("ada"), named("bob")];
    const email = `${bob}@x.test`;
    await hear(
      membership("created", { id: named("m1"), of: ada, in: at, role: "org:admin" }, 1),
      user("created", bob, 1, { email }),
    );
    const organizationId = await idOf(at);
    await home.backend.run(async ({ db }) => {
      const id = db.normalizeId("organizations", organizationId);
      if (id) await db.patch("organizations", id, { tier: "free" });
    });
    const owner = await account(ada);
    const request = owner && (await sign(owner));
    const body = { email, role: "viewer" };
    expect((await request?.("POST", `/tenants/${organizationId}/invite`, { body }))?.status).toBe(
      201,
    );
    await hear(membership("created", { id: named("m2"), of: bob, in: at }, 1));
    expect(await membersOf(at)).toEqual({ [ada]: "owner", [bob]: "member" });
    const open = await request?.("GET", `/tenants/${organizationId}/invites`);
    expect(open?.body.data).toEqual([]);
  });

  test("ends the same in whatever order the events come", async () => {
    const history = (): ClerkEvent[] => {
      const at = named("org");
      const [ada, bob, eve] = [named("ada"), named("bob"), named("eve")];
      const first = { id: named("m1"), of: ada, in: at, role: "org:admin" };
      const second = { id: named("m2"), of: bob, in: at };
      return [
        organization("created", at, 1, "Acme"),
        organization("updated", at, 2, "Acme GmbH"),
        user("created", bob, 1, { name: "Bob" }),
        user("updated", bob, 2, { name: "Bobby" }),
        membership("created", first, 1),
        membership("created", second, 1),
        membership("updated", { ...second, role: "org:admin" }, 2),
        membership("deleted", first, 3),
        membership("created", { id: named("m3"), of: eve, in: at }, 1),
        deletion("user", eve),
      ];
    };
    const order = fc.shuffledSubarray([...history().keys()], { minLength: 10 });
    await fc.assert(
      fc.asyncProperty(order, async (indexes) => {
        serial += 1;
        const events = history();
        await hear(...indexes.flatMap((index) => events[index] ?? []));
        // What fails waits for another; each round settles at least one.
        for (let round = 0; round < 3; round++) await tryAgain();
        expect(await membersOf(named("org"))).toEqual({ [named("bob")]: "owner" });
        expect((await account(named("bob")))?.name).toBe("Bobby");
        const at = (await all("organizations")).find(
          ({ clerkOrganizationId }) => clerkOrganizationId === named("org"),
        );
        expect(at?.name).toBe("Acme GmbH");
      }),
      { numRuns: 12 },
    );
  });
});

async function idOf(clerkOrganizationId: string): Promise<string> {
  const rows = await all("organizations");
  return rows.find((row) => row.clerkOrganizationId === clerkOrganizationId)?._id ?? "";
}
