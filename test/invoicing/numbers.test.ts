/** Two hundred invoices at once, over real HTTP, with and without injected conflicts. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { runInternal, type Site, startSite } from "../helpers/site";
import { created, type Doc, invoice, shown } from "./books";

const AT_ONCE = 200;
let site: Site;

describe.each([0, 0.2])("with conflicts at %d", (conflicts) => {
  beforeAll(async () => {
    site = await startSite({ flags: ["--inject-conflicts", String(conflicts)] });
  });
  afterAll(async () => {
    await site.server.remove();
  });

  test("200 concurrent creations give 200 consecutive numbers", async () => {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => site.request("POST", "/invoices", { body: invoice() })),
    );
    const names = answers.map((answer) => created(answer).name).sort();
    const expected = Array.from(
      { length: AT_ONCE },
      (_, index) => `INV-2026-01-${String(index + 1).padStart(3, "0")}`,
    );
    expect(names).toEqual(expected);
    const { data } = (await site.request("GET", "/integrity")).body;
    expect(data).toMatchObject({ differences: [], complete: true });
  }, 60_000);

  if (conflicts === 0) return;

  test("one reference sent many times at once is one payment", async () => {
    const { id } = created(await site.request("POST", "/invoices", { body: invoice() }));
    shown(await site.request("POST", `/invoices/${id}/send`));
    const body = { paymentMethod: "card", amountInCents: 1000, transactionRef: "pi_1" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => site.request("POST", `/invoices/${id}/pay`, { body })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const last = shown(await site.request("GET", `/invoices/${id}`));
    expect(last.customProperties).toMatchObject({ amountPaidInCents: 1000 });
  }, 60_000);

  test("rounds that run at the same time make each recurring invoice once", async () => {
    const startDay = new Date(Date.now() - 20 * 86_400_000).toISOString().slice(0, 10);
    const schedule = { frequency: "weekly", startDay };
    const { lineItems, billTo } = invoice() as { lineItems: unknown; billTo: unknown };
    for (const title of ["one", "two", "three"]) {
      const body = {
        ...{ title, type: "b2c_single", lineItems, billTo, schedule },
        ...{ backfill: true, delivery: "send" },
      };
      created(await site.request("POST", "/recurring-invoices", { body }));
    }
    const round = async (): Promise<unknown> =>
      await runInternal(site, "mutation", "invoicingJobs:round", { cursor: null });
    await Promise.allSettled(Array.from({ length: 5 }, round));
    // Three runs are due of each: today is the twenty-first day.
    const runs = async (): Promise<number> =>
      (await site.request("GET", `/invoices?status=sent&startDate=${startDay}&limit=200`)).body.data
        .length;
    await eventually(runs, (made) => made === 9);
    await round();
    const templates = (await site.request("GET", "/recurring-invoices")).body.data;
    for (const template of templates as unknown as Doc[]) {
      expect(template.customProperties).toMatchObject({ runs: 3 });
    }
    expect(await runs()).toBe(9);
  }, 60_000);
});
