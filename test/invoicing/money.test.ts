import fc from "fast-check";
import { expect, test } from "vitest";
import { amountText, AmountTooLarge, MAX_AMOUNT } from "../../convex/money/amount";
import { creditable, creditTotals, CreditTooLarge } from "../../convex/money/credit";
import { decimalOf, divideRounded } from "../../convex/money/decimal";
import { type Discount, type PricedLine, taxKey, totalsOf } from "../../convex/money/totals";
import { currencyCodes, minorUnitDecimals } from "../../convex/kit/currencies";

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** A decimal as people write it: up to six decimals for a quantity, four for a percentage. */
const decimal = (min: number, max: number, decimals: number): fc.Arbitrary<number> =>
  fc
    .integer({ min: min * 10 ** decimals, max: max * 10 ** decimals })
    .map((units) => Number(`${units}e-${decimals}`));

const taxed = fc.oneof(
  fc.record({
    taxCategory: fc.constant("standard" as const),
    taxRatePercent: fc.constantFrom(7, 19, 8.1, 5.5, 25.5, 0.0001, 100),
  }),
  fc.record({
    taxCategory: fc.constantFrom("zero", "exempt", "reverse_charge", "outside_scope"),
    taxRatePercent: fc.constant(0),
  }),
);
const lineDiscount = fc.oneof(
  fc.constant({}),
  decimal(0, 100, 4).map((discountPercent) => ({ discountPercent })),
  fc.nat(50).map((discountInCents) => ({ discountInCents })),
);
const line: fc.Arbitrary<PricedLine> = fc
  .record({
    quantity: decimal(-1000, 1000, 6),
    unitPriceInCents: fc.integer({ min: -100_000, max: 1_000_000 }),
    tax: taxed,
    discount: lineDiscount,
  })
  .map(({ tax, discount, ...rest }) => ({ ...rest, ...tax, ...discount }));
const lines = fc.array(line, { minLength: 1, maxLength: 25 });

/** A discount on the whole that its subtotal can bear. */
function discountFor(priced: PricedLine[], share: number): Discount {
  const { subtotalInCents } = totalsOf(priced);
  return subtotalInCents > 0 ? { discountInCents: Math.floor(subtotalInCents * share) } : {};
}
const discounted = fc
  .tuple(lines, fc.constantFrom<"none" | "percent" | "amount">("none", "percent", "amount"))
  .chain(([priced, kind]) =>
    fc.tuple(
      fc.constant(priced),
      kind === "none"
        ? fc.constant<Discount>({})
        : kind === "percent"
          ? decimal(0, 100, 4).map((discountPercent): Discount => ({ discountPercent }))
          : fc.constantFrom(0, 0.001, 0.333, 0.5, 1).map((share) => discountFor(priced, share)),
    ),
  );

test.each([0, 2, 3, 4])("lines add up to totals, in currencies of %i decimals", (decimals) => {
  expect(currencyCodes.some((code) => minorUnitDecimals(code) === decimals)).toBe(true);
  fc.assert(
    fc.property(discounted, ([priced, discount]) => {
      const totals = totalsOf(priced, discount);
      const { subtotalInCents, discountAmountInCents, netAmountInCents, taxes } = totals;
      expect(sum(totals.lines.map((l) => l.totalPriceInCents))).toBe(subtotalInCents);
      expect(sum(totals.lines.map((l) => l.taxAmountInCents))).toBe(totals.taxAmountInCents);
      expect(sum(taxes.map((t) => t.taxableAmountInCents))).toBe(netAmountInCents);
      expect(sum(taxes.map((t) => t.taxAmountInCents))).toBe(totals.taxAmountInCents);
      expect(netAmountInCents).toBe(subtotalInCents - discountAmountInCents);
      expect(totals.totalAmountInCents).toBe(netAmountInCents + totals.taxAmountInCents);
      // As decimal texts of the currency they add up as well.
      const inCurrency = (amount: number): bigint =>
        BigInt(amountText(amount, decimals).replace(".", ""));
      expect(inCurrency(totals.totalAmountInCents)).toBe(
        inCurrency(netAmountInCents) + inCurrency(totals.taxAmountInCents),
      );
    }),
  );
});

test("a discount never makes or loses a unit, and is as large as it was given", () => {
  fc.assert(
    fc.property(discounted, ([priced, discount]) => {
      const plain = totalsOf(priced);
      const { discountAmountInCents, subtotalInCents, taxes } = totalsOf(priced, discount);
      expect(subtotalInCents).toBe(plain.subtotalInCents);
      const taxable = sum(taxes.map((t) => t.taxableAmountInCents));
      expect(taxable + discountAmountInCents).toBe(subtotalInCents);
      if (discount.discountInCents !== undefined) {
        expect(discountAmountInCents).toBe(discount.discountInCents);
      }
    }),
  );
});

test("the order of lines changes nothing", () => {
  const shuffled = discounted.chain(([priced, discount]) =>
    fc.tuple(
      fc.constant(priced),
      fc.shuffledSubarray(
        priced.map((_, index) => index),
        { minLength: priced.length, maxLength: priced.length },
      ),
      fc.constant(discount),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([priced, order, discount]) => {
      const one = totalsOf(priced, discount);
      const other = totalsOf(
        order.flatMap((index) => priced[index] ?? []),
        discount,
      );
      const { lines: shownOne, ...totalsOne } = one;
      const { lines: shownOther, ...totalsOther } = other;
      expect(totalsOther).toEqual(totalsOne);
      const text = (of: typeof shownOne): string[] => of.map((l) => JSON.stringify(l)).sort();
      expect(text(shownOther)).toEqual(text(shownOne));
    }),
  );
});

test("splitting per rate changes nothing", () => {
  fc.assert(
    fc.property(discounted, ([priced, discount]) => {
      const whole = totalsOf(priced, discount);
      const parts = whole.taxes.map((share) => {
        const ofRate = priced.filter((one) => taxKey(one) === taxKey(share));
        const plain = totalsOf(ofRate);
        const discountInCents = plain.subtotalInCents - share.taxableAmountInCents;
        return plain.subtotalInCents === 0 ? plain : totalsOf(ofRate, { discountInCents });
      });
      expect(parts.flatMap((part) => part.taxes)).toEqual(whole.taxes);
      expect(sum(parts.map((part) => part.totalAmountInCents))).toBe(whole.totalAmountInCents);
    }),
  );
});

test("a credit note of the whole invoice and the invoice come to zero, rate by rate", () => {
  fc.assert(
    fc.property(discounted, ([priced, discount]) => {
      const invoice = totalsOf(priced, discount);
      const credit = creditTotals(invoice.taxes, priced, discount);
      expect(credit).toEqual(invoice);
      expect(creditable(invoice.taxes, [credit.taxes])).toEqual([]);
    }),
  );
});

test("an invoice credited in parts comes to zero, whatever each part's tax was rounded to", () => {
  const positive = fc.array(
    fc.record({ net: fc.integer({ min: 1, max: 5000 }), rate: fc.constantFrom(7, 19, 8.1) }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(positive, fc.infiniteStream(fc.nat(1000)), (nets, cuts) => {
      const priced = nets.map(({ net, rate }) => priceOf(net, rate));
      const invoice = totalsOf(priced);
      const notes: (typeof invoice)["taxes"][] = [];
      let credited = 0;
      for (let left = invoice.taxes; left.length > 0; left = creditable(invoice.taxes, notes)) {
        const share = left[0];
        if (!share) break;
        const part = Math.min(share.taxableAmountInCents, 1 + (cuts.next().value as number));
        const note = creditTotals(left, [priceOf(part, share.taxRatePercent)]);
        expect(sum(note.lines.map((l) => l.taxAmountInCents))).toBe(note.taxAmountInCents);
        notes.push(note.taxes);
        credited += note.totalAmountInCents;
      }
      expect(credited).toBe(invoice.totalAmountInCents);
    }),
    { numRuns: 50 },
  );
});

test("a closing note's lines share its tax, however far it is from their rate", () => {
  const nets = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(nets, fc.nat(1000), (prices, tax) => {
      const priced = prices.map((price) => priceOf(price, 19));
      const left = totalsOf(priced).taxes.map((share) => ({ ...share, taxAmountInCents: tax }));
      const note = creditTotals(left, priced);
      const shown = note.lines.map((l) => l.taxAmountInCents);
      expect(sum(shown)).toBe(tax);
      expect(note.taxAmountInCents).toBe(tax);
      expect(Math.min(...shown)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("more than is left of a rate is not credited, nor a rate that the invoice lacks", () => {
  const { taxes } = totalsOf([priceOf(100, 19)]);
  expect(() => creditTotals(taxes, [priceOf(101, 19)])).toThrow(CreditTooLarge);
  expect(() => creditTotals(taxes, [priceOf(1, 7)])).toThrow(CreditTooLarge);
  expect(() => creditTotals(taxes, [{ ...priceOf(1, 19), quantity: -1 }])).toThrow(CreditTooLarge);
});

test("a document and its mirror image differ in sign alone", () => {
  fc.assert(
    fc.property(lines, decimal(0, 100, 4), (priced, discountPercent) => {
      const mirrored = priced.map((one) => ({
        ...one,
        quantity: -one.quantity,
        ...(one.discountInCents === undefined ? {} : { discountInCents: -one.discountInCents }),
      }));
      const one = totalsOf(priced, { discountPercent });
      const other = totalsOf(mirrored, { discountPercent });
      expect(other.totalAmountInCents + one.totalAmountInCents).toBe(0);
      expect(other.taxAmountInCents + one.taxAmountInCents).toBe(0);
    }),
  );
});

test("nothing depends on binary floating point: it agrees with arithmetic on fractions", () => {
  const cents = fc.integer({ min: -1_000_000, max: 1_000_000 });
  fc.assert(
    fc.property(fc.nat(9_999_999), cents, fc.nat(6), (units, price, scale) => {
      const quantity = Number(`${units}e-${scale}`);
      const [shown] = totalsOf([{ ...priceOf(price, 0), quantity }]).lines;
      const doubled = 2n * BigInt(units) * BigInt(price);
      const whole = 10n ** BigInt(scale);
      const half = doubled < 0n ? -whole : whole;
      expect(BigInt(shown?.totalPriceInCents ?? 0)).toBe((doubled + half) / (2n * whole));
    }),
  );
});

test.each([
  // Each of these is off by one in binary floating point with Math.round.
  [1.005, 100, 101],
  [8.345, 100, 835],
  [0.285, 1000, 285],
  [1.15, 10, 12],
  [-1.15, 10, -12],
  [2.5, 1, 3],
  [-2.5, 1, -3],
  [0.000001, 500_000, 1],
])("%d × %i is %i", (quantity, unitPriceInCents, net) => {
  const { subtotalInCents } = totalsOf([{ ...priceOf(unitPriceInCents, 0), quantity }]);
  expect(subtotalInCents).toBe(net);
});

test("tax is computed on the rate's sum, not line by line", () => {
  const { taxAmountInCents, lines: shown } = totalsOf([3, 3, 3].map(() => priceOf(3, 19)));
  // 9 × 19 % is 1.71; three times 0.57 rounded would be 3.
  expect(taxAmountInCents).toBe(2);
  expect(shown.map((l) => l.taxAmountInCents).sort()).toEqual([0, 1, 1]);
});

test("the documented example: 10 × 10000 at 7 %", () => {
  const totals = totalsOf([{ ...priceOf(10_000, 7), quantity: 10 }]);
  expect(totals).toMatchObject({
    subtotalInCents: 100_000,
    taxAmountInCents: 7000,
    totalAmountInCents: 107_000,
  });
});

test("a line's discount is taken before it is rounded, once", () => {
  expect(totalsOf([{ ...priceOf(101, 0), discountPercent: 50 }]).subtotalInCents).toBe(51);
  expect(totalsOf([{ ...priceOf(100, 0), discountInCents: 1 }]).subtotalInCents).toBe(99);
});

test("amounts beyond the largest are refused, and name their line", () => {
  const tooLarge = { ...priceOf(MAX_AMOUNT, 0), quantity: 2 };
  const attempt = (): unknown => totalsOf([priceOf(1, 0), tooLarge]);
  expect(attempt).toThrow(AmountTooLarge);
  expect(attempt).toThrow(expect.objectContaining({ line: 1 }));
  expect(() => totalsOf([priceOf(MAX_AMOUNT, 0), priceOf(1, 0)])).toThrow(AmountTooLarge);
});

test("a number is read as the decimal that it was written as", () => {
  expect(decimalOf(0.1)).toEqual({ units: 1n, scale: 1 });
  expect(decimalOf(1e-7)).toEqual({ units: 1n, scale: 7 });
  expect(decimalOf(1e21)).toEqual({ units: 10n ** 21n, scale: 0 });
  expect(decimalOf(-0.0025)).toEqual({ units: -25n, scale: 4 });
  expect(() => decimalOf(Number.NaN)).toThrow(RangeError);
});

test("halves go away from zero", () => {
  const rounded = [1n, 3n, 5n, -1n, -3n, -5n].map((n) => divideRounded(n, 2n));
  expect(rounded).toEqual([1n, 2n, 3n, -1n, -2n, -3n]);
  expect(divideRounded(-1n, -2n)).toBe(1n);
});

test.each([
  [12_345, 2, "123.45"],
  [5, 2, "0.05"],
  [-5, 3, "-0.005"],
  [120, 0, "120"],
  [1, 4, "0.0001"],
])("%i of %i decimals reads %s", (amount, decimals, text) => {
  expect(amountText(amount, decimals)).toBe(text);
});

function priceOf(unitPriceInCents: number, taxRatePercent: number): PricedLine {
  const taxCategory = taxRatePercent === 0 ? "zero" : "standard";
  return { quantity: 1, unitPriceInCents, taxCategory, taxRatePercent };
}
