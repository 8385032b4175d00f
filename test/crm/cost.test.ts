import { expect, test } from "vitest";
import { judged, writeBatch } from "../../convex/ontology/contactBatch";
import { newBackend } from "../helpers/backend";

/** Convex's own: 16,000 documents written, 32,000 read, 4,096 index ranges; a tenth is left free. */
const MOST = { written: 14_400, read: 28_800, ranges: 3686 };

test("a bulk write of 200 contacts with organizations fits into one transaction, with room to spare", async () => {
  const { backend, organizationId } = await newBackend();
  const actor = { type: "system" as const, id: "test", name: "Test" };
  const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
  const items = Array.from({ length: 200 }, (_, i) => ({
    ...{ firstName: "Ada", lastName: `L${i}`, email: `ada${i}@x.test`, phone: `0555${i}000` },
    ...{ tags: ["a", "b"], organizationInfo: { name: `Acme ${i % 50}` } },
  }));
  const judgements = items.map((item) => judged("contact", "item", item));
  const used = await backend.mutation(async (ctx) => {
    await writeBatch(ctx, scope, "contact", judgements);
    const metrics = await ctx.meta.getTransactionMetrics();
    return {
      written: metrics.documentsWritten.used,
      read: metrics.documentsRead.used,
      ranges: metrics.databaseQueries.used,
    };
  });
  console.info(`bulk of 200: ${JSON.stringify(used)}`);
  expect(used.written).toBeGreaterThan(200);
  for (const [what, most] of Object.entries(MOST)) {
    expect(used[what as keyof typeof MOST], what).toBeLessThan(most);
  }
});
