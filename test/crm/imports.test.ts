import { expect, onTestFinished, test, vi } from "vitest";
import type { MutationCtx } from "../../convex/_generated/server";
import { internal } from "../../convex/_generated/api";
import { ObjectStore } from "../../convex/ontology/store";
import { sealCursor } from "../../convex/kit/page";
import { newBackend } from "../helpers/backend";
import { dataOf, importFile, type Report } from "./bodies";

test("a forged cursor of an import's rows is refused", async () => {
  const { request } = await newBackend();
  const { importId } = dataOf<Report>(await importFile(request, "firstName\nAda\n"));
  const cursor = sealCursor(`import/${importId}`, "forged");
  const answer = await request("GET", `/crm/contacts/imports/${importId}/rows?cursor=${cursor}`);
  expect([answer.status, answer.paths]).toEqual([400, ["query.cursor"]]);
});

test("a large file with a quote that never ends is an error of that row, and is deleted", async () => {
  vi.useFakeTimers();
  const { backend, request } = await newBackend();
  const file = `firstName,notes\nAda,"${"x".repeat(15 * 1024 * 1024)}`;
  const report = dataOf<Report>(await importFile(request, file));
  expect(report).toMatchObject({ status: "running", rows: 1, failed: 1 });
  // More than one transaction may read.
  expect(
    await backend.run(async ({ db }) => await db.query("uploadPieces").first()),
  ).not.toBeNull();
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  const done = dataOf<Report>(await request("GET", `/crm/contacts/imports/${report.importId}`));
  expect(done).toMatchObject({ status: "completed", rows: 1, failed: 1 });
  const left = await backend.run(async ({ db }) => [
    await db.query("uploads").first(),
    await db.query("uploadPieces").first(),
  ]);
  expect(left).toEqual([null, null]);
  vi.useRealTimers();
});

/** An import of 150 rows after its first step, whose further steps fail. */
async function failingImport(spoil: (ctx: MutationCtx) => Promise<void> | void) {
  vi.useFakeTimers();
  const { backend, request } = await newBackend();
  const lines = Array.from({ length: 350 }, (_, i) => `Ada ${i}`);
  const { importId } = dataOf<Report>(
    await importFile(request, ["firstName", ...lines, ""].join("\n")),
  );
  await backend.run(async (ctx) => {
    await spoil(ctx);
  });
  const report = async (): Promise<Report> =>
    dataOf<Report>(await request("GET", `/crm/contacts/imports/${importId}`));
  for (let tries = 0; tries < 20 && (await report()).status === "running"; tries++) {
    await backend.finishAllScheduledFunctions(vi.runAllTimers).catch(() => null);
    vi.setSystemTime(Date.now() + 60 * 60 * 1000);
    await backend.mutation(internal.jobs.recovery.recover, { kind: "import" });
  }
  vi.useRealTimers();
  return { report: await report(), backend };
}

test("an import whose rows cannot be written is given up, and every row of the file is in a figure", async () => {
  const { report, backend } = await failingImport(() => {
    const insert = vi.spyOn(ObjectStore.prototype, "insert");
    insert.mockRejectedValue(new Error("cannot be written"));
    onTestFinished(() => {
      insert.mockRestore();
    });
  });
  expect(report).toMatchObject({ status: "failed", rows: 101, created: 100, failed: 1 });
  expect(report).toMatchObject({ unread: 249, updated: 0, skipped: 0 });
  expect(report.errors).toMatchObject([{ row: 101 }]);
  expect(report.errors[0]?.message).toContain("5 attempts");
  expect(await backend.run(async ({ db }) => await db.query("uploads").first())).toBeNull();
});

test("an import whose file cannot be read is given up, and says that nobody knows what is left", async () => {
  const { report } = await failingImport(async ({ db }) => {
    const upload = await db.query("uploads").first();
    if (upload) await db.delete("uploads", upload._id);
  });
  expect(report).toMatchObject({ status: "failed", rows: 101, created: 100, failed: 1 });
  expect(report).toMatchObject({ unread: null, errors: [{ row: 101 }] });
});
