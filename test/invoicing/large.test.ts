/** Invoices as large as they may be, on a host that holds Convex's limits. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { runInternal, type Site, startSite } from "../helpers/site";
import { created, type Doc, invoice, line, shown } from "./books";

/** Of 1,000 lines of this length, just below what a document may hold. */
const LENGTH = 250;
/** More than a query may read. */
const COUNT = 40;
let site: Site;

beforeAll(async () => {
  site = await startSite();
});
afterAll(async () => {
  await site.server.remove();
});

function lines(letter: string): Record<string, unknown>[] {
  const description = letter.repeat(LENGTH);
  return Array.from({ length: 1000 }, () => line({ description }));
}

test("an invoice of 1,000 long lines is created, changed, sent, credited and listed", async () => {
  const ids: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    const body = invoice({ lineItems: lines("a"), notes: "n".repeat(20_000) });
    ids.push(created(await site.request("POST", "/invoices", { body })).id);
  }
  const path = `/invoices/${ids[0] ?? ""}`;
  const body = { lineItems: lines("ß".slice(0, 1)), notes: "m".repeat(20_000) };
  const tooLarge = await site.request("PATCH", path, { body });
  expect([tooLarge.status, tooLarge.paths]).toEqual([400, ["body.lineItems"]]);
  const headers = { "Idempotency-Key": "large" };
  const change = { body: { ...body, lineItems: lines("b") }, headers };
  shown(await site.request("PATCH", path, change));
  shown(await site.request("POST", `${path}/send`));
  created(await site.request("POST", `${path}/credit-notes`));
  // A page ends before it is larger than a query may read; the cursor goes on.
  const listed: string[] = [];
  let cursor = "";
  do {
    const { body: page } = await site.request("GET", `/invoices?limit=200${cursor}`);
    // Where a page ends with the last row, the next one is empty, and says so.
    if (page.data.length === 0) expect(page.meta.nextCursor).toBeNull();
    listed.push(...page.data.map(({ id }) => id));
    cursor = page.meta.nextCursor === null ? "" : `&cursor=${page.meta.nextCursor}`;
  } while (cursor !== "");
  expect(listed.sort()).toEqual(ids.sort());
  const beyond = await site.request("GET", "/invoices?limit=10&page=4");
  expect([beyond.status, beyond.paths]).toEqual([400, ["query.page"]]);
  // So does a search, which says that there may be more.
  const { body: found } = await site.request("GET", "/invoices?search=INV&limit=1");
  expect(found.meta).toMatchObject({ totalIsCapped: true });
  expect(found.meta.total).toBeLessThan(COUNT);
  const { organizationId, staff } = site.demo;
  const args = { sessionId: staff.sessionToken, organizationId };
  const live = (await runInternal(site, "query", "invoicingOntology:listInvoices", args)) as Doc[];
  expect(live.length).toBeGreaterThan(0);
  expect(live.length).toBeLessThan(COUNT);
}, 90_000);
