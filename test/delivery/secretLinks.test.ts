// @vitest-environment node
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import { moveClock, openOutbox, type Outbox } from "./outbox";
import { RESEND_ENV, type ResendServer, startResend } from "./resendServer";

/** Links that let their reader in: nobody but the one whom they go to gets to see them. */
const HOUR = 60 * 60 * 1000;
const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString("base64");
const LINK = "https://x.test/verify?token=very-secret";

let resend: ResendServer;
let outbox: Outbox;

beforeEach(async () => {
  resend = await startResend();
  outbox = await openOutbox({ ...RESEND_ENV, RESEND_BASE_URL: resend.url, ENCRYPTION_KEY });
});

afterEach(async () => {
  await resend.close();
});

const secretLink = (expiresIn = HOUR) => ({ url: LINK, expiresAt: Date.now() + expiresIn });

/** Everything that is stored, as text. */
async function everythingStored(): Promise<string> {
  const stored = await outbox.backend.run(async ({ db }) => [
    await db.query("notifications").collect(),
    await db.query("auditLogs").collect(),
    await db.query("events").collect(),
    await db.system.query("_scheduled_functions").collect(),
  ]);
  return inspect(stored, { depth: Infinity, maxArrayLength: Infinity });
}

test("a link reaches its reader, and stands in no row and no answer", async () => {
  const id = await outbox.queue({ secretLink: secretLink() });
  expect(await everythingStored()).not.toContain("very-secret");
  const before = await outbox.request("GET", `/notifications/${id}`);
  expect(before.text).toContain("Accept the invitation:\\n#hidden");
  expect(before.text).not.toContain("very-secret");
  expect(before.text).not.toContain("secretUrl");
  await outbox.run();
  expect(resend.taken[0]?.email.text).toContain(LINK);
  const after = await outbox.request("GET", "/notifications?channel=email");
  expect(after.text).not.toContain("very-secret");
  expect(await everythingStored()).not.toContain("very-secret");
});

test("a link is forgotten once it is sent, so a copy needs a new one", async () => {
  const id = await outbox.queue({ secretLink: secretLink() });
  await outbox.run();
  const sent = await outbox.message(id);
  expect(sent.secretUrl).toBeUndefined();
  const again = await outbox.request("POST", `/notifications/${id}/resend`);
  expect(again).toMatchObject({ status: 409, code: "CONFLICT" });
});

test("a letter that failed can be sent again with its link, while the link is good", async () => {
  resend.faults.push({ status: 422, name: "validation_error" });
  const id = await outbox.queue({ secretLink: secretLink() });
  await outbox.run();
  const again = await outbox.request("POST", `/notifications/${id}/resend`);
  expect(again.status).toBe(201);
  await outbox.run();
  expect(resend.taken[0]?.email.text).toContain(LINK);
  expect((await outbox.message(id)).secretUrl).toBeUndefined();
});

test("a link that has expired is not sent, and is forgotten", async () => {
  const late = await outbox.queue({ secretLink: secretLink() });
  moveClock(2 * HOUR);
  await outbox.run();
  const expired = { status: "failed", reason: "Its link expired before it could be sent." };
  expect(await outbox.message(late)).toMatchObject(expired);
  expect(resend.requests).toBe(0);
});

test("links of letters that wait for a provider are forgotten when they expire", async () => {
  resend.down = { status: 503, name: "internal_server_error" };
  const waiting = await outbox.queue({ secretLink: secretLink() });
  const good = await outbox.queue({ secretLink: secretLink(5 * HOUR) });
  await outbox.run();
  moveClock(2 * HOUR);
  const swept = await outbox.backend.mutation(internal.delivery.retention.forgetLinks, {});
  expect(swept).toEqual({ forgotten: 1 });
  const gone = await outbox.message(waiting);
  expect(gone.status).toBe("failed");
  expect(gone.secretUrl).toBeUndefined();
  expect((await outbox.message(good)).secretUrl).toBeDefined();
});
