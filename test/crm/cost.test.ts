import { expect, test } from "vitest";
import { judged, writeBatch } from "../../convex/ontology/contactBatch";
import { newBackend } from "../helpers/backend";

/** Convex's own: 16,000 documents written, 32,000 read, 4,096 index ranges; a tenth is left free, of ranges a fifth. */
const MOST = { written: 14_400, read: 28_800, ranges: 3276 };

test.each([
  ["", 0, 50],
  [", of which the last is refused", 200, 200],
  [", of which every tenth is refused", 10, 50],
])(
  "a bulk write of 200 contacts with organizations%s fits into one transaction, with room to spare",
  async (_what, every, organizations) => {
    const { backend, organizationId } = await newBackend();
    const actor = { type: "system" as const, id: "test", name: "Test" };
    const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
    const items = Array.from({ length: 200 }, (_, i) => ({
      ...{ firstName: "Ada", lastName: `L${i}`, email: `ada${i}@x.test`, phone: `0555${i}000` },
      ...{ tags: ["a", "b"], organizationInfo: { name: `Acme ${i % organizations}` } },
    }));
    const judgements = items.map((item, i) =>
      judged("contact", "item", every && i % every === every - 1 ? { id: "missing" } : item),
    );
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
  },
);
