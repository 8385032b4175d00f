import { Secret } from "otpauth";
import { expect, test } from "vitest";
import { newTotpSecret, otpauthUrl, stepOfCode } from "../../convex/accounts/totp";

/** RFC 6238, appendix B, for SHA-1: of its eight digits, six are shown (RFC 4226, 5.3). */
const RFC_SECRET = Secret.fromUTF8("12345678901234567890").base32;
const VECTORS: [number, string][] = [
  [59, "94287082"],
  [1_111_111_109, "07081804"],
  [1_111_111_111, "14050471"],
  [1_234_567_890, "89005924"],
  [2_000_000_000, "69279037"],
  [20_000_000_000, "65353130"],
];

test.each(VECTORS)("RFC 6238: at %i seconds the code is %s", (seconds, code) => {
  const shown = code.slice(2);
  const step = Math.floor(seconds / 30);
  expect(stepOfCode(RFC_SECRET, shown, seconds * 1000)).toBe(step);
  for (const moved of [-30, 30]) {
    expect(stepOfCode(RFC_SECRET, shown, (seconds + moved) * 1000)).toBe(step);
  }
  for (const moved of [-60, 60]) {
    expect(stepOfCode(RFC_SECRET, shown, (seconds + moved) * 1000)).toBeNull();
  }
});

test("a secret has 160 bits, and the key URI says whose it is without another meaning", () => {
  const secret = newTotpSecret();
  expect(Secret.fromBase32(secret).bytes).toHaveLength(20);
  const url = new URL(otpauthUrl(secret, { issuer: "Winter: Büro", account: "a:b@x.test" }));
  expect([url.protocol, url.host]).toEqual(["otpauth:", "totp"]);
  expect(decodeURIComponent(url.pathname)).toBe("/Winter  Büro:a b@x.test");
  expect(url.searchParams.get("issuer")).toBe("Winter  Büro");
  expect(url.searchParams.get("secret")).toBe(secret);
});
