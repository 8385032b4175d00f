import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import { importFile } from "../crm/bodies";
import { type Fixture, newBackend } from "../helpers/backend";

/** Work in steps as jobs: imports and merges that are interrupted, cancelled, or of before. */
let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const rows = (count: number): string =>
  ["firstName", ...Array.from({ length: count }, (_, i) => `Ada ${i}`), ""].join("\n");

/** An import whose first step is done; what it scheduled is lost. */
async function lostImport(): Promise<Doc<"contactImports">> {
  await importFile(home.request, rows(350));
  await lose();
  return await imported();
}

async function lose(): Promise<void> {
  await home.backend.run(async (ctx) => {
    for (const { _id } of await ctx.db.system.query("_scheduled_functions").collect()) {
      await ctx.scheduler.cancel(_id);
    }
  });
}

async function imported(): Promise<Doc<"contactImports">> {
  const row = await home.backend.run(({ db }) => db.query("contactImports").first());
  if (!row) throw new Error("There is no import.");
  return row;
}

async function recovered(kind: string): Promise<number> {
  const args = { kind };
  return (await home.backend.mutation(internal.jobs.recovery.recover, args)).interrupted;
}

const finish = async (): Promise<void> => {
  await home.backend.finishAllScheduledFunctions(vi.runAllTimers);
};

const LATER = 11 * 60 * 1000;

test("a lost step is done once, under a lease of its own; whoever shows the one before does nothing", async () => {
  const { _id: importId, job } = await lostImport();
  expect(job).toMatchObject({ state: "running", progress: { done: expect.any(Number) as number } });
  expect(await recovered("import")).toBe(0);
  vi.setSystemTime(Date.now() + LATER);
  expect(await recovered("import")).toBe(1);
  const before = (await imported()).rows;
  const late = { importId, lease: job?.lease ?? 0 };
  await home.backend.mutation(internal.crmJobs.continueImport, late);
  expect((await imported()).rows).toBe(before);
  await finish();
  expect(await imported()).toMatchObject({
    ...{ status: "completed", rows: 350, created: 350 },
    job: { state: "succeeded", attempts: 1 },
  });
});

test("an import of before goes on where it was", async () => {
  const { _id } = await lostImport();
  const steppedAt = Date.now() - LATER;
  await home.backend.run(async ({ db }) => {
    await db.patch("contactImports", _id, { job: undefined, steppedAt, attempts: 2 });
  });
  await home.backend.mutation(internal.jobs.recovery.sweep, {});
  expect((await imported()).job).toMatchObject({ state: "running", interruptions: 2 });
  await finish();
  await home.backend.mutation(internal.jobs.recovery.recover, { kind: "import" });
  await finish();
  expect(await imported()).toMatchObject({ status: "completed", rows: 350 });
});

test("a cancelled import ends with its next step, and every row of its file is in a figure", async () => {
  await importFile(home.request, rows(350));
  const { _id: id } = await imported();
  await home.backend.mutation(internal.jobs.administration.cancel, { kind: "import", id });
  await finish();
  const { body } = await home.request("GET", `/crm/contacts/imports/${id}`);
  expect(body.data).toMatchObject({ status: "failed", created: 100, failed: 1, unread: 249 });
  expect(body.data).toMatchObject({
    errors: [{ row: 101, message: expect.stringContaining("cancelled") as string }],
  });
  expect((await imported()).job?.state).toBe("cancelled");
});

test("a merge whose step was lost goes on by itself, there and back", async () => {
  const ids: string[] = [];
  for (const firstName of ["Ada", "Grace"]) {
    const made = await home.request("POST", "/crm/contacts", { body: { firstName } });
    ids.push(made.body.contactId);
  }
  const [target, sourceId] = ids;
  await home.backend.run(async ({ db }) => {
    const source = sourceId === undefined ? null : db.normalizeId("objects", sourceId);
    if (!source) throw new Error("There is no source.");
    for (let i = 0; i < 150; i++) {
      await db.insert("attachments", {
        ...{ organizationId: home.organizationId, ownerId: source, fileName: `${i}.txt` },
        ...{ status: "ready", place: "external", url: "https://x.test/", uploader: "test" },
        ...{ version: 1, createdBy: "test", createdAt: 0, updatedAt: 0 },
      });
    }
  });
  const merge = async (): Promise<Doc<"contactMerges"> | null> =>
    await home.backend.run(({ db }) => db.query("contactMerges").first());
  await home.request("POST", `/crm/contacts/${target}/merge`, { body: { sourceId } });
  await lose();
  expect(await merge()).toMatchObject({ status: "moving", moved: 100, job: { state: "running" } });
  vi.setSystemTime(Date.now() + LATER);
  expect(await recovered("merge")).toBe(1);
  await finish();
  expect(await merge()).toMatchObject({ status: "done", moved: 150, job: { state: "succeeded" } });
});
