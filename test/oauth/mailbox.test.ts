import PostalMime from "postal-mime";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import { moveClock, openOutbox, type Outbox } from "../delivery/outbox";
import type { Request } from "../helpers/answer";
import { newKey, newMember, requestsOf } from "../helpers/backend";
import { type ApiServer, startApiServer } from "./apiServer";
import { APP, Browser, SITE } from "./browser";
import { CLIENT, type OidcServer, quiet, startOidcServer } from "./oidcServer";

/** Mail of an organization that goes out by a member's connected mailbox, and the tokens for that. */
const MINUTE = 60_000;
let oidc: OidcServer;
let api: ApiServer;
let outbox: Outbox;
let owner: Request;

beforeAll(async () => {
  quiet();
  const callbacks = ["google", "microsoft"].map(
    (name) => `${SITE}/api/v1/auth/oauth/${name}/callback`,
  );
  oidc = await startOidcServer(callbacks, { ttl: { AccessToken: 3600, RefreshToken: 86_400 } });
  api = await startApiServer();
});
afterAll(async () => {
  await Promise.all([oidc.close(), api.close()]);
});
beforeEach(async () => {
  oidc.faults.clear();
  oidc.asked.length = 0;
  oidc.person = { sub: "mailbox", name: "Studio", email: "mail@studio.test", email_verified: true };
  Object.assign(api, { requests: [], next: [], hangsUp: false, answer: () => undefined });
  outbox = await openOutbox({
    RATE_LIMIT_FACTOR: "1000",
    CONVEX_SITE_URL: SITE,
    APP_URL: APP,
    EMAIL_FROM: "",
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    ...Object.fromEntries(
      ["GOOGLE", "MICROSOFT"].flatMap((prefix) => [
        [`${prefix}_CLIENT_ID`, CLIENT.id],
        [`${prefix}_CLIENT_SECRET`, CLIENT.secret],
        [`${prefix}_ISSUER`, oidc.issuer],
        [`${prefix}_API_URL`, api.url],
      ]),
    ),
  });
  owner = requestsOf(outbox.backend, outbox.sessionToken);
});

async function connect(name: "google" | "microsoft"): Promise<string> {
  const headers = { Authorization: `Bearer ${outbox.sessionToken}` };
  await new Browser(outbox.backend).signIn(oidc, name, "?purpose=connect", headers);
  const { data } = (await owner("GET", "/auth/connections")).body;
  return (data as unknown as { id: string }[])[0]?.id ?? "";
}

async function sendBy(name: "google" | "microsoft"): Promise<string> {
  const senderConnectionId = await connect(name);
  const chosen = await owner("PATCH", "/organization", { body: { senderConnectionId } });
  expect(chosen.status).toBe(200);
  oidc.asked.length = 0;
  return senderConnectionId;
}

async function connection(): Promise<Doc<"oauthConnections">> {
  const [row] = await outbox.backend.run(async ({ db }) => db.query("oauthConnections").collect());
  if (!row) throw new Error("There is none.");
  return row;
}

const refreshes = (): number => oidc.asked.filter((path) => path.endsWith("/token")).length;

describe("a mailbox that the organization sends by", () => {
  test("at Microsoft is given the letter, its reader and its id", async () => {
    await sendBy("microsoft");
    const id = await outbox.queue();
    await outbox.run();
    expect(await outbox.message(id)).toMatchObject({
      status: "sent",
      attempts: [{ provider: "microsoft" }],
    });
    expect(api.requests).toEqual([
      {
        path: "/me/sendMail",
        token: expect.stringMatching(/^Bearer [\w-]{43}$/) as string,
        body: {
          saveToSentItems: true,
          message: {
            subject: "Mo invites you to Test Studio",
            body: { contentType: "HTML", content: expect.stringContaining("Hello Ada") as string },
            toRecipients: [{ emailAddress: { address: "ada@x.test" } }],
            internetMessageHeaders: [{ name: "x-freehold-notification", value: id }],
            attachments: [],
          },
        },
      },
    ]);
  });

  test("at Google is given a message from its own address", async () => {
    api.answer = () => ({ id: "gmail-1" });
    await sendBy("google");
    const id = await outbox.queue();
    await outbox.run();
    expect(await outbox.message(id)).toMatchObject({
      status: "sent",
      providerMessageId: "gmail-1",
    });
    const path = api.requests[0]?.path;
    expect(path).toBe("/gmail/v1/users/me/messages/send");
    const raw = Buffer.from(String(api.requests[0]?.body["raw"]), "base64url").toString();
    expect(await PostalMime.parse(raw)).toMatchObject({
      from: { name: "Test Studio", address: "mail@studio.test" },
      to: [{ address: "ada@x.test" }],
      subject: "Mo invites you to Test Studio",
    });
  });

  test("that took a message without a word leaves it unknown, and is not asked again", async () => {
    await sendBy("microsoft");
    api.hangsUp = true;
    const id = await outbox.queue();
    await outbox.run();
    expect((await outbox.message(id)).status).toBe("unknown");
    await outbox.run();
    expect(api.requests).toHaveLength(1);
    api.hangsUp = false;
    api.next = [{ status: 500 }];
    const other = await outbox.queue();
    await outbox.run();
    expect((await outbox.message(other)).status).toBe("unknown");
  });

  test("is asked later where it says so, and gives up what it refuses", async () => {
    await sendBy("microsoft");
    api.next = [{ status: 429, headers: { "Retry-After": "600" } }, { status: 413 }];
    const [later, never] = [await outbox.queue(), await outbox.queue()];
    await outbox.run();
    expect((await outbox.message(later)).job).toMatchObject({ state: "queued", attempts: 1 });
    expect(((await outbox.message(later)).job?.at ?? 0) - Date.now()).toBeGreaterThanOrEqual(
      10 * MINUTE - 1000,
    );
    expect((await outbox.message(never)).status).toBe("failed");
    moveClock(11 * MINUTE);
    await outbox.run();
    expect((await outbox.message(later)).status).toBe("sent");
  });

  test("is given by the member whose it is, and by nobody else", async () => {
    const senderConnectionId = await connect("google");
    const { backend, organizationId } = outbox;
    const manager = await newMember(backend, [{ organizationId, role: "manager" }]);
    const key = await newKey(backend, organizationId, ["*"]);
    for (const request of [manager.request, key.request]) {
      const answer = await request("PATCH", "/organization", { body: { senderConnectionId } });
      expect([answer.status, answer.body.error.code]).toEqual([403, "FORBIDDEN"]);
    }
    const unknown = { body: { senderConnectionId: "nothing" } };
    expect((await owner("PATCH", "/organization", unknown)).status).toBe(403);
  });

  test("is not used any more once its person is no member", async () => {
    await sendBy("google");
    await outbox.backend.run(async ({ db }) => {
      for (const { _id } of await db.query("memberships").collect()) {
        await db.delete("memberships", _id);
      }
    });
    const id = await outbox.queue();
    await outbox.run();
    expect(await outbox.message(id)).toMatchObject({
      status: "queued",
      reason: expect.stringContaining("no member's") as string,
    });
    expect(api.requests).toEqual([]);
  });
});

describe("the tokens of a connection", () => {
  test("are refreshed when they are over, the new refresh token in place of the old", async () => {
    await sendBy("google");
    const before = await connection();
    moveClock(61 * MINUTE);
    await outbox.queue();
    await outbox.run();
    expect(api.requests).toHaveLength(1);
    const after = await connection();
    expect(after.grant).toBe(before.grant + 1);
    expect(after.refreshToken).not.toBe(before.refreshToken);
    moveClock(61 * MINUTE);
    await outbox.queue();
    await outbox.run();
    expect([api.requests.length, (await connection()).grant]).toEqual([2, before.grant + 2]);
  });

  test("are refreshed once, however many want one at once, and nobody loses the newest", async () => {
    await sendBy("google");
    moveClock(61 * MINUTE);
    for (let count = 0; count < 5; count++) await outbox.queue();
    await outbox.run();
    expect(refreshes()).toBe(1);
    expect(new Set(api.requests.map(({ token }) => token)).size).toBe(1);
    expect(api.requests).toHaveLength(5);
  });

  test("are refreshed when the provider refuses one before its time", async () => {
    await sendBy("microsoft");
    api.next = [{ status: 401 }];
    const id = await outbox.queue();
    await outbox.run();
    expect((await outbox.message(id)).status).toBe("sent");
    expect([refreshes(), api.requests.length]).toEqual([1, 2]);
    expect(api.requests[0]?.token).not.toBe(api.requests[1]?.token);
  });

  test.each([
    ["", 400],
    [", also where that is said with the status of a success", 200],
  ])(
    "that are dead make the connection expired, and its person is told once%s",
    async (_, status) => {
      const id = await sendBy("google");
      oidc.faults.set("/token", { status, body: { error: "invalid_grant" } });
      moveClock(61 * MINUTE);
      const mail = await outbox.queue();
      await outbox.run();
      await outbox.backend.mutation(internal.delivery.queue.wake, {
        organizationId: outbox.organizationId,
      });
      const { data } = (await owner("GET", "/auth/connections")).body;
      expect(data).toMatchObject([{ id, status: "expired", lastError: "invalid_grant" }]);
      const told = async (): Promise<string[]> =>
        await outbox.backend.run(async ({ db }) =>
          (await db.query("accountMails").collect()).map(({ template }) => template),
        );
      expect((await told()).filter((template) => template === "oauth_expired")).toHaveLength(1);
      // It waits with the reason, and goes out as soon as the mailbox is connected again.
      moveClock(MINUTE);
      await outbox.run();
      expect(await outbox.message(mail)).toMatchObject({
        status: "queued",
        reason: expect.stringContaining("must be connected again") as string,
      });
      oidc.faults.clear();
      await outbox.backend.run(async ({ db }) => {
        for (const { _id } of await db.query("sessions").collect()) {
          await db.patch("sessions", _id, { authenticatedAt: Date.now() });
        }
      });
      await connect("google");
      await outbox.run();
      expect((await outbox.message(mail)).status).toBe("sent");
      expect((await told()).filter((template) => template === "oauth_expired")).toHaveLength(1);
    },
  );

  test("stay where the provider does not answer: the message waits, and says why", async () => {
    await sendBy("google");
    oidc.faults.set("/token", "down");
    moveClock(61 * MINUTE);
    const id = await outbox.queue();
    await outbox.run();
    expect(await outbox.message(id)).toMatchObject({ status: "queued" });
    const { status, lastError } = await connection();
    expect([status, lastError]).toEqual(["active", expect.any(String)]);
    oidc.faults.clear();
    moveClock(MINUTE);
    await outbox.run();
    expect((await outbox.message(id)).status).toBe("sent");
    expect((await connection()).lastError).toBeUndefined();
    vi.useRealTimers();
  });
});

describe("the next appointments with a contact", () => {
  const ADA = "Ada@X.test";
  const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
  type Findings = { events: { title: string }[]; unread: unknown[] };

  async function contact(email = "ada@x.test"): Promise<string> {
    return (await owner("POST", "/crm/contacts", { body: { firstName: "Ada", email } })).body
      .contactId;
  }

  async function eventsWith(id: string, request = owner): Promise<Findings> {
    const answer = await request("GET", `/crm/contacts/${id}/events`);
    expect(answer.status).toBe(200);
    return answer.body.data as unknown as Findings;
  }

  test("come from Google, with those alone that the contact is invited to", async () => {
    await connect("google");
    api.answer = () => ({
      items: [
        {
          ...{ id: "2", summary: "Call", location: "Zoom", htmlLink: "https://calendar.test/2" },
          ...{ start: { dateTime: at(3) }, end: { dateTime: at(4) }, attendees: [{ email: ADA }] },
        },
        {
          ...{
            id: "1",
            summary: "Fair",
            start: { date: "2026-11-20" },
            end: { date: "2026-11-22" },
          },
          attendees: [{ email: "bob@x.test" }, { email: ADA }],
        },
        {
          id: "3",
          summary: "Mentions ada@x.test",
          start: { dateTime: at(1) },
          end: { dateTime: at(2) },
        },
        { id: "4", status: "cancelled", start: { dateTime: at(1) }, end: { dateTime: at(2) } },
      ],
    });
    const { id: connectionId } = { id: (await connection())._id };
    const none = { location: null, url: null };
    const whole = { startsAt: null, endsAt: null, startDate: "2026-11-20", endDate: "2026-11-21" };
    expect(await eventsWith(await contact())).toEqual({
      unread: [],
      events: [
        { id: "1", connectionId, title: "Fair", ...none, ...whole },
        {
          ...{ id: "2", connectionId, title: "Call", location: "Zoom" },
          ...{ url: "https://calendar.test/2", startDate: null, endDate: null },
          ...{ startsAt: Date.parse(at(3)), endsAt: Date.parse(at(4)) },
        },
      ],
    });
    const asked = new URL(api.requests[0]?.path ?? "", api.url);
    expect(asked.pathname).toBe("/calendar/v3/calendars/primary/events");
    expect(asked.searchParams.get("q")).toBe("ada@x.test");
  });

  test("come from Microsoft page by page, twenty at most, and from no other address", async () => {
    await connect("microsoft");
    const event = (number: number): object => ({
      ...{ id: String(number), subject: `Call ${number}`, isAllDay: false, isCancelled: false },
      start: { dateTime: `2026-11-21T10:${String(number).padStart(2, "0")}:00.0000000` },
      end: { dateTime: "2026-11-21T12:00:00.0000000" },
      ...{ location: { displayName: "" }, attendees: [{ emailAddress: { address: ADA } }] },
    });
    const page = (from: number): object[] => Array.from({ length: 15 }, (_, i) => event(from + i));
    api.answer = (path) =>
      path.includes("skip")
        ? { value: page(0) }
        : { value: page(15), "@odata.nextLink": `${api.url}/me/calendarView?skip=15` };
    const { events } = await eventsWith(await contact());
    expect(events.map(({ title }) => title)).toEqual(
      Array.from({ length: 20 }, (_, number) => `Call ${number}`),
    );
    expect(events[1]).toMatchObject({ startsAt: Date.UTC(2026, 10, 21, 10, 1), location: null });
    api.answer = () => ({ value: [], "@odata.nextLink": "https://evil.test/me" });
    expect((await eventsWith(await contact())).unread).toMatchObject([
      { error: "another_address" },
    ]);
  });

  test("say which calendar could not be read, and are the caller's own alone", async () => {
    await connect("google");
    const id = await contact();
    api.next = [{ status: 500 }];
    expect(await eventsWith(id)).toMatchObject({
      events: [],
      unread: [{ provider: "google", email: "mail@studio.test", error: "http_500" }],
    });
    expect((await connection()).lastError).toBe("http_500");
    api.requests.length = 0;
    const { backend, organizationId } = outbox;
    const other = await newMember(backend, [{ organizationId, role: "viewer" }]);
    expect(await eventsWith(id, other.request)).toEqual({ events: [], unread: [] });
    expect(api.requests).toEqual([]);
    const missing = await owner("GET", "/crm/contacts/nobody/events");
    expect([missing.status, missing.body.error.code]).toEqual([404, "CONTACT_NOT_FOUND"]);
  });

  test("are asked for at no provider by who has no request left", async () => {
    await connect("google");
    const id = await contact();
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.002"); // four a minute
    const ask = async (): Promise<number> =>
      (await owner("GET", `/crm/contacts/${id}/events`)).status;
    await vi.waitFor(async () => {
      expect(await ask()).toBe(429);
    });
    api.requests.length = 0;
    expect(await ask()).toBe(429);
    expect(api.requests).toEqual([]);
  });
});
