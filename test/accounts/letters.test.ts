import fc from "fast-check";
import { expect, test } from "vitest";
import { accountLetter, type AccountLetter } from "../../convex/accounts/letters";
import { deviceName } from "../../convex/accounts/deviceName";
import { accountLink, tokenOfLink } from "../../convex/accounts/links";
import { nameOf, shortError } from "../../convex/delivery/providers/message";
import {
  linkTemplate,
  noticeTemplate,
  secondFactorChange,
} from "../../convex/schemas/accountMailSchemas";

/** What letters about accounts say. */
const WINDOWS =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0";
const LINK = "https://app.test/reset-password#token=fh_1";

const LETTER: AccountLetter = {
  template: "new_device",
  language: "en",
  to: "ada@x.test",
  data: { email: "new@x.test", userAgent: WINDOWS, ip: "192.0.2.7", provider: "microsoft" },
  said: {
    ...{ recipient: "Ada", timeZone: "America/Los_Angeles" },
    from: { name: "Studio", address: "mail@studio.test" },
  },
  at: Date.UTC(2026, 10, 20, 2, 30),
  goodUntil: Date.UTC(2026, 10, 20, 3, 30),
};

const withLink = linkTemplate.members.map(({ value }) => value);
const notices = noticeTemplate.members.map(({ value }) => value);

test.each([...withLink, ...notices])("the plain text of %s, in both languages", (template) => {
  const link = withLink.some((each) => each === template) ? LINK : undefined;
  for (const language of ["en", "de"] as const) {
    const data = { ...LETTER.data, change: "passkey_added" as const };
    const letter = accountLetter({ ...LETTER, template, language, data }, link);
    expect(`${letter.subject}\n\n${letter.text}`).toMatchSnapshot();
    expect(letter.html.includes(`href="${LINK}"`)).toBe(link !== undefined);
  }
});

test("each change of a second factor is said in both languages", () => {
  const said = secondFactorChange.members.flatMap(({ value: change }) =>
    (["en", "de"] as const).map(
      (language) =>
        accountLetter(
          { ...LETTER, template: "second_factor_changed", language, data: { change } },
          undefined,
        ).text.split("\n\n")[1],
    ),
  );
  expect(new Set(said).size).toBe(2 * secondFactorChange.members.length);
  expect(said).not.toContain("");
});

test("a moment is that of the person's zone, which is named; of nobody's zone it is UTC", () => {
  expect(accountLetter(LETTER, undefined).text).toContain(
    "Time: 19 November 2026 at 18:30 (America/Los_Angeles)",
  );
  const { timeZone: _timeZone, ...said } = LETTER.said;
  expect(accountLetter({ ...LETTER, said }, undefined).text).toContain(
    "Time: 20 November 2026 at 02:30 (UTC)",
  );
});

test.each([
  [WINDOWS, "Edge, Windows"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Safari, iPhone",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Chrome, macOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
    "Chrome, Android",
  ],
  ["curl/8.11.0", "curl"],
  ["Mozilla/5.0", null],
  ["", null],
  [undefined, null],
])("%s is told as %s", (userAgent, name) => {
  expect(deviceName(userAgent)).toBe(name);
});

test("whatever a program calls itself, a letter shows no address, mark-up or line of its own", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
      for (const hostile of [
        text,
        `${text} Firefox/1`,
        `Call +1 555 or see evil.example/${text}`,
      ]) {
        expect(deviceName(hostile) ?? "none").toMatch(/^[\w-]+(?: [\w-]+)?(?:, [\w-]+)?$/);
      }
    }),
  );
  expect(deviceName("evil.example/pay now")).toBeNull();
  expect(deviceName("https://evil.example")).toBeNull();
});

test("the token of a link is read back from it, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (token) => {
      expect(tokenOfLink(accountLink("unlock", token.toWellFormed()))).toBe(token.toWellFormed());
    }),
  );
});

test.each([
  ["Studio <mail@x.test>", "Studio"],
  ['"Studio: \\"Süd\\"" <mail@x.test>', 'Studio: "Süd"'],
  ["mail@x.test", null],
  ["<mail@x.test>", null],
])("the name in EMAIL_FROM %s is %s", (from, name) => {
  expect(nameOf(from)).toBe(name);
});

test("an error is kept without the token of a link, however it is quoted", () => {
  for (const quoted of [
    LINK,
    LINK.replace("=", "%3D"),
    LINK.replace("=", "=3D"),
    "fh_reset_1-a_b",
  ]) {
    const said = shortError(`554 blocked\n ${quoted} (spam)`);
    expect(said).toMatch(/^554 blocked .*… \(spam\)$/);
    expect(said).not.toMatch(/fh_/);
  }
});
