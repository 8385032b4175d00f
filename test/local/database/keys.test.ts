import fc from "fast-check";
import { compareValues, convexToJson, type JSONValue, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  afterPrefix,
  encodeDescending,
  encodeKey,
  endOfValue,
  idOfKey,
  isPending,
  resolveKey,
} from "../../../scripts/local/database/keys";

const field = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,3}$/);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("", "\0", "\u0001", "a\0", "a\0b", "a", "é", "e\u0301", "\uffff", "😀", "日本"),
);
const float = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Infinity, -Infinity, NaN, Number.MIN_VALUE, -Number.MIN_VALUE, 1e308),
);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    float,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    text,
    fc.uint8Array({ maxLength: 4 }).map((bytes) => new Uint8Array(bytes).buffer),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(field, tie("value"), { maxKeys: 3 }).map((object) => ({ ...object })),
  ),
}));

function key(of: Value | undefined): string {
  return encodeKey(of === undefined ? undefined : convexToJson(of));
}

function sign(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

describe("keys", () => {
  test("sort as Convex sorts the values", () => {
    const maybe = fc.oneof(value, fc.constant(undefined));
    fc.assert(
      fc.property(maybe, maybe, (a, b) => {
        expect(sign(key(a), key(b))).toBe(Math.sign(compareValues(a, b)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("sort as tuples when they are joined", () => {
    const pair = fc.tuple(value, value);
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const joined = sign(key(a[0]) + key(a[1]), key(b[0]) + key(b[1]));
        expect(joined).toBe(Math.sign(compareValues(a[0], b[0]) || compareValues(a[1], b[1])));
      }),
      { numRuns: 1_000 },
    );
  });

  test("say where they end, and none begins with another", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(endOfValue(key(a) + key(b), 0)).toBe(key(a).length);
        if (key(a) !== key(b)) expect(key(a).startsWith(key(b))).toBe(false);
      }),
    );
  });

  test("are bytes, as the store wants them", () => {
    fc.assert(
      fc.property(value, (a) => {
        expect(Buffer.from(key(a), "latin1").toString("latin1")).toBe(key(a));
      }),
    );
  });

  test("lie below the end of their prefix", () => {
    fc.assert(fc.property(value, value, (a, b) => key(a) + key(b) < afterPrefix(key(a))));
  });

  test("sort a commit timestamp that is not known yet after all that are", () => {
    const pending = encodeKey({ $commitTs: null });
    expect(pending > key(2n ** 63n - 1n)).toBe(true);
    expect(pending < key(-Infinity)).toBe(true);
  });

  test("become those of the commit timestamp once it is known, whatever its bytes and their neighbours", () => {
    const int64 = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      // `$&`, `$1` and the mark's own bytes.
      fc.constantFrom(0x24262431n, 0x0103010301030103n, 0x3101030103n),
    );
    fc.assert(
      fc.property(int64, value, value, int64, (commitTs, before, after, neighbour) => {
        const known = convexToJson(commitTs);
        const keyWith = (stamp: JSONValue): string =>
          key(neighbour) + key(before) + encodeKey([stamp]) + encodeKey(stamp) + key(after);
        const pending = keyWith({ $commitTs: null });
        expect(isPending(pending)).toBe(true);
        expect(isPending(keyWith(known))).toBe(false);
        expect(resolveKey(pending, known)).toBe(keyWith(known));
      }),
      { numRuns: 1_000 },
    );
  });

  test("in descending form turn the order round", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        expect(sign(encodeDescending(a), encodeDescending(b))).toBe(-sign(key(a), key(b)) + 0);
      }),
    );
  });

  test("give back the id at their end", () => {
    const id = "j57038fsnnb8qa7ghz7b1d6djmr9k37h";
    fc.assert(fc.property(value, (a) => idOfKey(key(a) + key(1) + key(id)) === id));
  });
});
