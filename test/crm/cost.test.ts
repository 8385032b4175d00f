import { expect, test } from "vitest";
import { judged, writeBatch } from "../../convex/ontology/batch";
import { type Fixture, newBackend } from "../helpers/backend";

/** Convex's own: 16,000 documents written, 32,000 read, 4,096 index ranges; a tenth is left free, of ranges a fifth. */
const MOST = { written: 14_400, read: 28_800, ranges: 3276 };

type ContactItem = { organizationInfo: object; email: string };
type Used = { written: number; read: number; ranges: number };

/** Writes the items as one batch, in one transaction; answers their ids, what was used, and how many were refused. */
async function batch(
  { backend, organizationId }: Fixture,
  items: object[],
): Promise<{ ids: string[]; used: Used; refused: number }> {
  const actor = { type: "system" as const, id: "test", name: "Test" };
  const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
  const judgements = items.map((item) => judged("contact", item, "UTC"));
  return await backend.mutation(async (ctx) => {
    const results = await writeBatch(ctx, scope, "contact", judgements);
    const metrics = await ctx.meta.getTransactionMetrics();
    const used = {
      written: metrics.documentsWritten.used,
      read: metrics.documentsRead.used,
      ranges: metrics.databaseQueries.used,
    };
    const ids = results.flatMap((result) => (result.status === "error" ? [] : [result.id]));
    return { ids, used, refused: results.length - ids.length };
  });
}

function expectRoom(what: string, used: Used): void {
  console.info(`bulk of 200, ${what}: ${JSON.stringify(used)}`);
  for (const [name, most] of Object.entries(MOST)) {
    expect(used[name as keyof Used], `${what}: ${name}`).toBeLessThan(most);
  }
}

function contactOf(i: number, version: string, organization: string): object {
  return {
    ...{ firstName: `Ada${version}`, lastName: `L${i}`, email: `ada${i}${version}@x.test` },
    ...{ phone: `0555${i}000${version.length}`, tags: ["a", "b"] },
    organizationInfo: { name: organization },
  };
}

test.each([
  ["", 0, 50],
  [", of which the last is refused", 200, 200],
  [", of which every tenth is refused", 10, 50],
  [", each with a new organization and every tenth refused", 10, 200],
])(
  "a bulk write of 200 contacts with organizations%s fits into one transaction, with room to spare",
  async (what, every, organizations) => {
    const items = Array.from({ length: 200 }, (_, i) =>
      every && i % every === every - 1
        ? { id: "missing" }
        : contactOf(i, "", `Acme ${i % organizations}`),
    );
    const { used } = await batch(await newBackend(), items);
    expect(used.written).toBeGreaterThan(200);
    expectRoom(`created${what}`, used);
  },
);

test.each([0, 2, 10])(
  "a bulk write that changes everything of 200 contacts, of each %i one refused as late as can be, fits",
  async (every) => {
    const fixture = await newBackend();
    const first = Array.from({ length: 200 }, (_, i) => contactOf(i, "", `Acme ${i}`));
    const { ids } = await batch(fixture, first);
    const isRefused = (i: number): boolean => every > 0 && i % every === every - 1;
    const items = ids.map((id, i) => {
      const { organizationInfo: _info, ...fields } = contactOf(i, "x", "") as ContactItem;
      // An address that another has is found out last.
      return { id, ...fields, ...(isRefused(i) ? { email: `ada${(i + 1) % 200}@x.test` } : {}) };
    });
    const { used, refused } = await batch(fixture, items);
    expect(refused).toBeGreaterThanOrEqual(every && Math.floor(200 / every) - 1);
    expectRoom(`changed, each ${every} refused`, used);
  },
);
