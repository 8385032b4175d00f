import fc from "fast-check";
import { expect, test } from "vitest";
import { entityTag, hasVersion, requireVersion } from "../../convex/kit/version";
import { refusal } from "../helpers/refusal";

const passes = (ifMatch: string | undefined, version: number): void => {
  requireVersion(ifMatch, version);
};

test.each([undefined, "*", " * ", '"3"', "3", '"1", "3"', '"1","2","3"', 'W/"9", "3"'])(
  "If-Match %j lets version 3 be changed",
  (ifMatch) => {
    expect(() => {
      passes(ifMatch, 3);
    }).not.toThrow();
  },
);

// RFC 9110, 13.1.1: If-Match compares strongly, so a weak tag never matches.
test.each(['"2"', "2", '"1", "2"', 'W/"3"', '"03"', '""', '"3 "'])(
  "If-Match %j does not",
  (ifMatch) => {
    expect(
      refusal(() => {
        passes(ifMatch, 3);
      }),
    ).toMatchObject({ code: "VERSION_MISMATCH", status: 412, details: { current: 3 } });
  },
);

test.each(["", "abc", '"3', "3;4", '"3" "4"', "-1", "*, 3"])(
  "If-Match %j is no list of versions",
  (ifMatch) => {
    expect(
      refusal(() => {
        passes(ifMatch, 3);
      }),
    ).toMatchObject({ code: "VALIDATION_ERROR", details: [{ path: "headers.If-Match" }] });
  },
);

test.each<[string | null, boolean]>([
  [null, false],
  ["", false],
  ['"3"', true],
  ['W/"3"', true],
  ["*", true],
  ['"1", W/"3"', true],
  ['"2"', false],
  ["3", false],
])("If-None-Match %j: the caller has version 3: %j", (ifNoneMatch, expected) => {
  expect(hasVersion(ifNoneMatch, 3)).toBe(expected);
});

test("a version's own tag matches it and no other", () => {
  const version = fc.integer({ min: 1, max: 1e9 });
  fc.assert(
    fc.property(version, version, (one, other) => {
      expect(hasVersion(entityTag(one), other)).toBe(one === other);
    }),
  );
});
