import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSigned, linkToken, newLinkSecret, readLinkToken } from "../../convex/attachments/links";
import {
  contentType,
  externalUrl,
  fileName,
  nameOfUrl,
  safeFileName,
} from "../../convex/attachments/names";
import { byteRange } from "../../convex/kit/http/byteRange";

describe("a file name", () => {
  test.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\ada\\plan.pdf", "plan.pdf"],
    ["C:plan.pdf", "plan.pdf"],
    ["/plan.pdf", "plan.pdf"],
    ["  plan.pdf ", "plan.pdf"],
    [".env", ".env"],
    ["a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"],
    ["invoice\u202efdp.exe", "invoicefdp.exe"],
    ["👩‍👧 日本.pdf", "👩‍👧 日本.pdf"],
    ["Z\u0307.txt", "Ż.txt"],
    ["a/", null],
    ["..", null],
    [" . . ", null],
    ["\u0000\u0007", null],
    ["\u200d", null],
    ["", null],
  ])("%j is reduced to %j", (given, left) => {
    expect(safeFileName(given)).toBe(left);
  });

  test("is one that can be reduced no further, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (given) => {
        const left = safeFileName(given);
        if (left === null) return;
        expect(left).not.toMatch(/[/\\\p{Cc}]/u);
        expect(left).not.toMatch(/^\.*$/);
        expect(safeFileName(`/${left}`)).toBe(left);
      }),
    );
  });

  test("is refused when nothing is left, or when it is longer than file systems take", () => {
    expect(fileName().safeParse("../..").success).toBe(false);
    expect(fileName().safeParse("é".repeat(128)).success).toBe(false);
    expect(fileName().safeParse("é".repeat(127)).success).toBe(true);
  });
});

test("a type is one of RFC 6838 that nothing runs", () => {
  expect(contentType().parse(" Application/PDF ")).toBe("application/pdf");
  for (const type of [
    "",
    "pdf",
    "text/html",
    "TEXT/HTML",
    "text/plain; charset=utf-8",
    "a/b\r\nx: y",
  ]) {
    expect(contentType().safeParse(type).success, type).toBe(false);
  }
});

test("an external address is https, without credentials, and names its file", () => {
  for (const url of [
    "http://x.test/",
    "javascript:alert(1)",
    "https://a:b@x.test/",
    "/x",
    "https://",
  ]) {
    expect(externalUrl().safeParse(url).success, url).toBe(false);
  }
  expect(nameOfUrl("https://x.test/a/plan%20b.pdf?c=d")).toBe("plan b.pdf");
  expect(nameOfUrl("https://x.test/%2e%2e%2f")).toBe("x.test");
  expect(nameOfUrl("https://x.test/%E0%A4%A")).toBe("%E0%A4%A");
});

test("a link holds for its attachment, its time and its secret alone", () => {
  const secret = newLinkSecret();
  const token = linkToken("k57abc", 1_800_000_000_000, secret);
  const link = readLinkToken(token);
  expect(link).toMatchObject({ attachmentId: "k57abc", expiresAt: 1_800_000_000_000 });
  if (!link) throw new Error("unread");
  expect(isSigned(link, secret)).toBe(true);
  expect(isSigned(link, newLinkSecret())).toBe(false);
  const [id = "", time = "", mac = ""] = token.split(".");
  for (const forged of [`k57abd.${time}.${mac}`, `${id}.z${time.slice(1)}.${mac}`]) {
    const read = readLinkToken(forged);
    expect(read && isSigned(read, secret), forged).toBe(false);
  }
});

test.each([
  [undefined, null],
  ["bytes=0-0", { first: 0, last: 0 }],
  ["bytes=3-", { first: 3, last: 9 }],
  ["bytes=-4", { first: 6, last: 9 }],
  ["bytes=-99", { first: 0, last: 9 }],
  ["bytes=4-99", { first: 4, last: 9 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", null],
  ["bytes=0-1,3-4", null],
  ["lines=1-2", null],
])("the range %j of ten bytes is %j", (header, range) => {
  expect(byteRange(header, 10)).toEqual(range);
});
