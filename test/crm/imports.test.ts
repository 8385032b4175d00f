import { expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
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

test("an import whose step fails every time is given up, and says so", async () => {
  vi.useFakeTimers();
  const { backend, request } = await newBackend();
  const lines = Array.from({ length: 150 }, (_, i) => `Ada ${i}`);
  const { importId } = dataOf<Report>(
    await importFile(request, ["firstName", ...lines, ""].join("\n")),
  );
  await backend.run(async ({ db }) => {
    const upload = await db.query("uploads").first();
    if (upload) await db.delete("uploads", upload._id);
  });
  for (let hour = 0; hour < 6; hour++) {
    await backend.finishAllScheduledFunctions(vi.runAllTimers).catch(() => null);
    vi.setSystemTime(Date.now() + 60 * 60 * 1000);
    await backend.mutation(internal.crmMaintenance.cleanUp, {});
  }
  const report = dataOf<Report>(await request("GET", `/crm/contacts/imports/${importId}`));
  expect(report).toMatchObject({ status: "failed", rows: 101, created: 100, failed: 1 });
  expect(report.errors).toMatchObject([{ row: 101 }]);
  expect(report.errors[0]?.message).toContain("5 attempts");
  vi.useRealTimers();
});
