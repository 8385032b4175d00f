/** When permissions for a bucket end, and how what is deleted leaves one that refuses. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend } from "../helpers/backend";
import { eventually } from "../helpers/server";
import { startBucket, type TestBucket } from "./bucket";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TEXT = "Ten hours of work, agreed.";

type Permission = { attachmentId: string; uploadUrl: string; headers: Record<string, string> };

let bucket: TestBucket;
let refusing: Server;
let home: Fixture;

beforeAll(async () => {
  bucket = await startBucket();
  refusing = createServer((_, response) => response.writeHead(403).end());
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await bucket.close();
  await new Promise((resolve) => refusing.close(resolve));
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const [name, value] of Object.entries(bucket.env)) vi.stubEnv(name, value);
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function permit(): Promise<Permission> {
  const body = { fileName: "plan.txt", contentType: "text/plain", size: TEXT.length };
  const answer = await home.request("POST", "/attachments/presign", { body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data as unknown as Permission;
}

const upload = async ({ uploadUrl, headers }: Permission): Promise<number> =>
  (await fetch(uploadUrl, { method: "PUT", headers, body: TEXT })).status;

const rows = async (): Promise<Doc<"attachments">[]> =>
  await home.backend.run(async (ctx) => await ctx.db.query("attachments").collect());

/** The attempt that is due, as the clean-up would take it up. */
async function attempt(): Promise<void> {
  for (const { _id: id } of await rows()) {
    await home.backend.action(internal.attachments.bucketJobs.removeFromBucket, { id });
  }
}

async function attempted(times: number): Promise<void> {
  await eventually(
    async () => (await rows())[0]?.job?.attempts,
    (attempts) => attempts === times,
  );
}

function pass(time: number): void {
  vi.setSystemTime(Date.now() + time);
}

test("no upload passes that does not ask the bucket to replace nothing", async () => {
  const permission = await permit();
  const { "If-None-Match": condition, ...others } = permission.headers;
  expect(condition).toBe("*");
  expect(await upload({ ...permission, headers: others })).toBe(403);
  expect(await upload(permission)).toBe(200);
});

test("a permission to upload ends after fifteen minutes", async () => {
  const permission = await permit();
  pass(14 * MINUTE);
  expect(await upload(permission)).toBe(200);
  pass(2 * MINUTE);
  expect(await upload(permission)).toBe(403);
});

test("an upload that nobody completes is given up after a day, and leaves the bucket", async () => {
  const before = (await bucket.keys()).length;
  expect(await upload(await permit())).toBe(200);
  pass(DAY - MINUTE);
  await home.backend.mutation(internal.attachments.removal.cleanUp, {});
  expect((await bucket.keys()).length).toBe(before + 1);
  pass(2 * MINUTE);
  await home.backend.mutation(internal.attachments.removal.cleanUp, {});
  await eventually(
    async () => (await rows()).length,
    (count) => count === 0,
  );
  expect((await bucket.keys()).length).toBe(before);
});

test("a file that is uploaded again after its deletion, under the same permission, goes too", async () => {
  const before = (await bucket.keys()).length;
  const permission = await permit();
  await upload(permission);
  await home.request("DELETE", `/attachments/${permission.attachmentId}`);
  await attempted(1);
  expect((await bucket.keys()).length).toBe(before);
  expect(await upload(permission)).toBe(200);
  pass(16 * MINUTE);
  await attempt();
  expect([(await bucket.keys()).length, await rows()]).toEqual([before, []]);
});

test("a deletion that the bucket refuses is tried again, ever more rarely, until it succeeds", async () => {
  const before = (await bucket.keys()).length;
  const permission = await permit();
  await upload(permission);
  pass(16 * MINUTE);
  const { port } = refusing.address() as AddressInfo;
  vi.stubEnv("R2_ENDPOINT", `http://127.0.0.1:${port}`);
  await home.request("DELETE", `/attachments/${permission.attachmentId}`);
  await attempted(1);
  const waits: number[] = [];
  // More than enough for the wait to have grown to a day.
  for (let turn = 0; turn < 30 && waits.at(-1) !== DAY; turn++) {
    await attempt();
    const [row] = await rows();
    expect(row).toMatchObject({ status: "deleting", fileName: "" });
    waits.push((row?.job?.at ?? 0) - Date.now());
    pass(2 * DAY);
  }
  expect(waits.at(-1)).toBe(DAY);
  // Each is longer than the one before, until it is about a day (waits are spread by a fifth).
  const growing = waits.filter((wait) => wait < 0.8 * DAY);
  expect(growing).toEqual([...new Set(growing)].sort((a, b) => a - b));
  expect(waits.slice(0, growing.length)).toEqual(growing);
  expect(waits[0]).toBeLessThan(HOUR);
  expect(waits.length).toBeGreaterThan(5);
  const [row] = await rows();
  if (!row?.job) throw new Error("The deletion was given up.");
  // Of two runs of one attempt, the second counts for nothing.
  const again = { id: row._id, lease: row.job.lease, error: null };
  await home.backend.mutation(internal.attachments.bucketJobs.settle, again);
  expect(await rows()).toEqual([row]);
  expect((await bucket.keys()).length).toBe(before + 1);
  vi.stubEnv("R2_ENDPOINT", bucket.url);
  await attempt();
  expect([(await bucket.keys()).length, await rows()]).toEqual([before, []]);
});

test("a deletion of before that was lost is taken up, and what the bucket has of it goes", async () => {
  const before = (await bucket.keys()).length;
  const permission = await permit();
  await upload(permission);
  pass(16 * MINUTE);
  await home.backend.run(async ({ db }) => {
    for (const { _id } of await db.query("attachments").collect()) {
      const lost = { status: "deleting", dueAt: Date.now() - 1, attempts: 3 } as const;
      await db.patch("attachments", _id, { ...lost, job: undefined });
    }
  });
  await home.backend.mutation(internal.jobs.recovery.sweep, {});
  expect(await rows()).toMatchObject([{ job: { state: "queued", attempts: 3 } }]);
  pass(2 * MINUTE);
  await home.backend.mutation(internal.jobs.recovery.recover, { kind: "bucket deletion" });
  await eventually(rows, (left) => left.length === 0);
  expect((await bucket.keys()).length).toBe(before);
});
