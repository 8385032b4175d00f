import fc from "fast-check";
import parseAddresses from "email-addresses";
import addressparser from "nodemailer/lib/addressparser";
import { describe, expect, test } from "vitest";
import { emailKey, keptEmail, mailboxOf } from "../../convex/kit/email";
import { emailAddress } from "../../convex/kit/emailInput";

const NO_ADDRESSES = [
  "ida@example.com,",
  "ida@example.com;",
  "ida@example.com>",
  "ida@example.com.",
  "<ida@example.com>",
  "x<ida@example.com>",
  "Ida <ida@example.com>",
  "mailto:ida@example.com",
  "group:ida@example.com;",
  "a,ida@example.com",
  "a@example.com,b@example.com",
  "a@example.com b@example.com",
  "a@b@example.com",
  "ida@example.com(x)evil.example",
  '"a b"@example.com',
  "ida\\@example.com",
  ".ida@example.com",
  "ida.@example.com",
  "i..da@example.com",
  "ida@.com",
  "ida@example..com",
  "ida@-example.com",
  "ida@example-.com",
  "ida@exa_mple.com",
  "ida@exam%61ple.com",
  "ida@example.com:25",
  "ida@example.com/x",
  "ida@example／x.com",
  "ida@localhost",
  "ida@127.0.0.1",
  "ida@0x7f.1",
  "ida@example.0x1",
  "ida@[127.0.0.1]",
  "ida@xn--zz.example",
  "i da@example.com",
  "ida@exam\u00a0ple.com",
  "ida@",
  "@example.com",
  "ida",
  "\u200b",
  "",
  `${"i".repeat(65)}@example.com`,
  `${"ü".repeat(33)}@example.com`,
  `ida@${"e".repeat(64)}.com`,
  `${"i".repeat(60)}@${"e.".repeat(97)}com`,
];

test.each(NO_ADDRESSES)("%j is no address, and is told what one is", (given) => {
  const parsed = emailAddress().safeParse(given);
  expect(parsed.success).toBe(false);
  expect(parsed.error?.issues[0]?.message).toMatch(/^must /);
  expect(mailboxOf(given)).toBeNull();
  expect(keptEmail(given)).toBeNull();
});

test.each([
  "ida@example.com",
  "o'neil@example.com",
  "ida+tag@example.com",
  "a.b/c=d@example.com",
  "ida@sub.example.museum",
  "ida@ab--cd.example",
  "a@b.c",
  "jürgen@bücher.example",
  "用户@例え.example",
  "ida@ශ්‍රී.example",
  `${"i".repeat(64)}@${"e".repeat(63)}.${"f".repeat(63)}.${"g".repeat(57)}.de`,
])("%s is an address, and is kept as it was given", (given) => {
  expect(emailAddress().parse(given)).toBe(given);
  expect(keptEmail(given)).toBe(given);
});

test.each([
  [" ida@example.com\u00a0", "white space around it"],
  ["\ufeffida@example.com", "a byte order mark"],
  ["ida@example.com\u200b", "zero width"],
  ["i\u200dda@example.com", "a joiner that joins nothing"],
  ["ida@exam\u00adple.com", "a soft hyphen"],
  ["\u202eida@example.com\u202c", "bidi controls"],
  ["ida@example.com\u{e0041}", "a tag character"],
])("%j is kept without %s", (given) => {
  expect(emailAddress().parse(given)).toBe("ida@example.com");
  expect(keptEmail(given)).toBe("ida@example.com");
});

describe("one mailbox has one key", () => {
  test.each([
    ["case", "ADA@Example.COM", "ada@example.com"],
    ["composition", "ju\u0308rgen@x.test", "jürgen@x.test"],
    ["the A-label of a domain", "ida@xn--bcher-kva.example", "ida@bücher.example"],
    ["case in another script", "ida@BÜCHER.example", "ida@bücher.example"],
    ["full-width letters of a domain", "ida@ｅxample.com", "ida@example.com"],
    ["an ideographic full stop", "ida@example。com", "ida@example.com"],
    ["what nobody sees", "i\u200bda@exam\u00adple.com", "ida@example.com"],
  ])("%s", (_what, one, other) => {
    expect(emailKey(one)).toBe(emailKey(other));
  });

  test.each([
    ["a tag in the local part", "ada+1@x.test", "ada@x.test"],
    ["a full-width letter in the local part (RFC 6532 keeps it)", "ａda@x.test", "ada@x.test"],
    ["ß, which is a letter of its own", "ida@faß.test", "ida@fass.test"],
  ])("but not %s", (_what, one, other) => {
    expect(emailKey(one)).not.toBe(emailKey(other));
  });

  test("a key is its own key", () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: "binary" })), (given) => {
        expect(emailKey(emailKey(given))).toBe(emailKey(given));
      }),
    );
  });

  test("what older rows have as an address has a key, though it is none", () => {
    expect(emailKey("X<Ida@Example.com>")).toBe("x<ida@example.com>");
  });
});

/** Text as it may be pasted, made of what mail programs give a meaning to. */
const pasted = fc.string({
  unit: fc.constantFrom(...Array.from("aZ9.@@-_+'\"<>()[]:;,\\ \t%/üß例。\u200b\u00ad\u200d＠")),
  maxLength: 30,
});

test("what is taken is the same one address to RFC 5322's grammar and to the mail library", () => {
  const taken = (given: string): void => {
    const mailbox = mailboxOf(given);
    if (mailbox === null) return;
    const options = { rfc6532: true, rejectTLD: true, strict: true };
    const parsed = parseAddresses.parseOneAddress({ input: mailbox, ...options });
    expect(parsed).toMatchObject({ address: mailbox, name: null, comments: "" });
    expect(addressparser(mailbox)).toEqual([{ address: mailbox, name: "" }]);
    expect(emailAddress().safeParse(mailbox).success).toBe(true);
  };
  fc.assert(fc.property(fc.emailAddress(), taken), { numRuns: 300 });
  fc.assert(
    fc.property(pasted, pasted, (a, b) => {
      taken(`${a}@${b}.example`);
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(pasted, taken), { numRuns: 2000 });
});
