import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeId,
  encodeId,
  idRange,
  newInternalId,
  parseId,
} from "../../../scripts/local/database/ids";

const internal = fc.uint8Array({ minLength: 16, maxLength: 16 });
const tableNumber = fc.integer({ min: 1, max: 0xffffffff });

import { defined } from "./setup";

describe("ids", () => {
  test("are read back from what they are printed as", () => {
    fc.assert(
      fc.property(tableNumber, internal, (number, bytes) => {
        const id = encodeId(number, bytes);
        expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{31,37}$/);
        expect(decodeId(id)).toEqual({ tableNumber: number, internal: bytes });
      }),
    );
  });

  test("made by Convex are accepted and printed alike", () => {
    for (const id of CONVEX_IDS) {
      const decoded = defined(decodeId(id));
      expect(encodeId(decoded.tableNumber, decoded.internal)).toBe(id);
    }
  });

  test("with one wrong character are refused", () => {
    const [id = ""] = CONVEX_IDS;
    for (let i = 0; i < id.length; i++) {
      const wrong = id.slice(0, i) + (id[i] === "0" ? "1" : "0") + id.slice(i + 1);
      expect(decodeId(wrong)).toBeNull();
    }
  });

  test("have one spelling: neither spare bits nor a padded table number are read", () => {
    // A table number of one byte: 19 bytes in 31 characters leave three spare bits.
    const id = encodeId(5, new Uint8Array(16).fill(7));
    const last = "0123456789abcdefghjkmnpqrstvwxyz".indexOf(id.slice(-1));
    const spelt = "0123456789abcdefghjkmnpqrstvwxyz".charAt(last | 1);
    expect(id.slice(0, -1) + spelt).not.toBe(id);
    expect(decodeId(id.slice(0, -1) + spelt)).toBeNull();
    expect(decodeId(`${id}0`)).toBeNull();
    expect(parseId(PADDED)).toEqual({ error: "Unable to decode ID: Invalid ID length 32" });
  });

  test("that are none are refused in Convex's words", () => {
    expect(parseId("short")).toEqual({ error: "Unable to decode ID: Invalid ID length 5" });
    expect(parseId("u".repeat(32))).toEqual({
      error: "Unable to decode ID: ID wasn't valid base32",
    });
    expect(decodeId("")).toBeNull();
    expect(decodeId("0".repeat(32))).toBeNull();
    expect(decodeId("é".repeat(31))).toBeNull();
  });

  test("of a table lie between its bounds, and no other table's do", () => {
    fc.assert(
      fc.property(internal, (bytes) => {
        const { first, last } = idRange(10_001);
        const id = encodeId(10_001, bytes);
        expect(first <= id && id <= last).toBe(true);
        for (const other of [10_000, 10_002, 10_001 + 128, 1]) {
          const foreign = encodeId(other, bytes);
          expect(first <= foreign && foreign <= last).toBe(false);
        }
      }),
    );
  });

  test("made later sort later, to the millisecond", () => {
    const early = encodeId(10_001, newInternalId(1_700_000_000_000));
    const late = encodeId(10_001, newInternalId(1_700_000_000_001));
    expect(early < late).toBe(true);
  });
});

/** Table 5 as the two bytes 85 00, sixteen times 7, and a good checksum. */
const PADDED = "gm00e1r70w3ge1r70w3ge1r70w3gfx8j";

/** Taken from Convex's documentation and tests. */
const CONVEX_IDS = [
  "k570e9j5cj1t5gf0zwf3tq3vkawxhqr0",
  "m57068j1c1zsxfewzcd3jp3qjttx99vg",
  "nx70paj9d23tdhf40ch42r3zktyxrddc",
  "kg25efbgcywfzkr6h78cjw1pzx85r2ha",
];
