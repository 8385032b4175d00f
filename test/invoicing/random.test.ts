/** Random books: whatever is done, and whatever is refused, all figures tell the same story. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Books, type Doc, line, openBooks } from "./books";

type Step = { invoice: number; action: Action; amount: number; rate: number };
type Action = "create" | "send" | "pay" | "refund" | "credit" | "creditAll" | "writeOff" | "cancel";

const step: fc.Arbitrary<Step> = fc.record({
  invoice: fc.nat(5),
  action: fc.constantFrom<Action>(
    "create",
    "send",
    "send",
    "pay",
    "pay",
    "refund",
    "credit",
    "creditAll",
    "writeOff",
    "cancel",
  ),
  amount: fc.integer({ min: 1, max: 15_000 }),
  rate: fc.constantFrom(0, 7, 19, 8.1),
});

async function take(books: Books, contactId: string, ids: string[], step: Step): Promise<void> {
  const { amount, rate: taxRatePercent } = step;
  const priced = line({ unitPriceInCents: amount, taxRatePercent });
  if (step.action === "create" || ids.length === 0) {
    const lineItems = [priced, line({ quantity: 0.333, discountPercent: 12.5 })];
    ids.push((await books.draft({ billTo: { contactId }, lineItems, discountPercent: 3.3 })).id);
    return;
  }
  const path = `/invoices/${ids[step.invoice % ids.length] ?? ""}`;
  const paymentMethod = "card";
  const requests: Record<Exclude<Action, "create">, [string, object]> = {
    send: ["send", {}],
    pay: ["pay", { paymentMethod, amountInCents: amount }],
    refund: ["pay", { paymentMethod, amountInCents: -amount }],
    credit: ["credit-notes", { lineItems: [priced] }],
    creditAll: ["credit-notes", {}],
    writeOff: ["write-off", { amountInCents: amount }],
    cancel: ["cancel", {}],
  };
  const [action, body] = requests[step.action];
  const { status } = await books.post(`${path}/${action}`, body);
  // What does not fit is refused; nothing ever fails.
  expect([200, 201, 400, 409]).toContain(status);
}

test("after any steps, dues, balance, statement and reports agree", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const books = await openBooks();
      const contactId = await books.contact();
      const ids: string[] = [];
      for (const one of steps) await take(books, contactId, ids, one);
      const listed = (await books.get("/invoices?limit=200")).body.data as unknown as Doc[];
      const issued = listed.filter(({ status }) => !["draft", "cancelled"].includes(status));
      const due = sum(issued.map(({ customProperties: p }) => Number(p["amountDueInCents"])));
      const gross = sum(issued.map(({ customProperties: p }) => p.totalAmountInCents));
      const rows = async (path: string): Promise<Record<string, number>[]> =>
        (await books.get(path)).body.data as unknown as Record<string, number>[];
      const balance = await rows(`/crm/contacts/${contactId}/balance`);
      expect(sum(balance.map((row) => row["openInCents"]))).toBe(due);
      const [statement] = await rows(`/crm/contacts/${contactId}/statement?from=0&to=${LATE}`);
      expect(statement?.["closingBalanceInCents"] ?? 0).toBe(due);
      expect(statement?.["invoicedInCents"] ?? 0).toBe(gross);
      const open = await rows("/reports/open-items?asOf=2026-06-01");
      expect(sum(open.map((row) => row["totalInCents"]))).toBe(due);
      const revenue = await rows("/reports/revenue?from=2026-01&to=2034-12");
      const invoiced = ["invoicedNetInCents", "invoicedTaxInCents"] as const;
      expect(sum(revenue.flatMap((row) => invoiced.map((name) => row[name])))).toBe(gross);
      const tax = await rows("/reports/tax?from=2026-01&to=2034-12");
      expect(sum(tax.map((row) => row["taxInCents"]))).toBe(
        sum(revenue.map((row) => row["taxInCents"])),
      );
    }),
    { numRuns: 12 },
  );
}, 120_000);

const LATE = Date.UTC(2034, 0, 1);

function sum(numbers: (number | undefined)[]): number {
  return numbers.reduce<number>((a, b = 0) => a + b, 0);
}
