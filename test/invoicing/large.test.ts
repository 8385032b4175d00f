/** Invoices as large as they may be, on a host that holds Convex's limits. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Site, startSite } from "../helpers/site";
import { created, invoice, line, shown } from "./books";

/** Of 1,000 lines of this length, just below what a document may hold. */
const LENGTH = 250;
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
  for (let i = 0; i < 25; i++) {
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
    expect(page.data.length).toBeGreaterThan(0);
    listed.push(...page.data.map(({ id }) => id));
    cursor = page.meta.nextCursor === null ? "" : `&cursor=${page.meta.nextCursor}`;
  } while (cursor !== "");
  expect(listed.sort()).toEqual(ids.sort());
}, 60_000);
