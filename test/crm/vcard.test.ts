import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readVcards } from "../../convex/kit/vcard";
import { newBackend } from "../helpers/backend";
import { type Contact, contactsOf, dataOf, importFile, type Report } from "./bodies";

async function imported(file: string): Promise<{ report: Report; contacts: Partial<Contact>[] }> {
  const { request } = await newBackend();
  const path = fileURLToPath(new URL(`data/${file}`, import.meta.url));
  const answer = await importFile(request, new Uint8Array(await readFile(path)), {
    type: "text/vcard",
  });
  return { report: dataOf<Report>(answer), contacts: await contactsOf(request) };
}

test("a card of version 2.1 as a phone writes it is read, with its own charset and line breaks", async () => {
  const { report, contacts } = await imported("phone-2.1.vcf");
  expect(report).toMatchObject({ status: "completed", rows: 1, created: 1, failed: 0 });
  expect(contacts).toMatchObject([
    {
      firstName: "Jürgen",
      lastName: "Müller",
      email: "juergen@mueller.test",
      phone: "+49 171 5550100",
      address: {
        street: "Grüner Weg 1, Hinterhaus",
        city: "Köln",
        postalCode: "50667",
        country: "Deutschland",
      },
      notes: "Erste Zeile\r\nZweite Zeile, die so lang ist, dass das Telefon sie umbricht",
      customFields: { otherPhones: ["+49 30 5550101"] },
    },
  ]);
});

test("a card of version 2.1 in Windows-1252 is read", async () => {
  const { contacts } = await imported("outlook-2.1-windows-1252.vcf");
  expect(contacts).toMatchObject([
    {
      firstName: "Chloé",
      lastName: "Lefèvre",
      company: "Société Générale d’Essais",
      jobTitle: "Directrice",
    },
  ]);
});

test("cards of version 3.0 as a phone writes them are read: groups, escapes, folds, a company", async () => {
  const { report, contacts } = await imported("apple-3.0.vcf");
  expect(report).toMatchObject({ rows: 2, created: 2, failed: 0 });
  expect(contacts).toMatchObject([
    {
      firstName: "Augusta Ada",
      lastName: "Lovelace",
      company: "Analytical, Ltd.",
      email: "ada@engine.test",
      phone: "+44 20 7946 0123",
      notes: "First; second\nThird \\ fourth",
      tags: ["poet", "mathematician"],
      address: { street: "12 St James's Square, Flat 2", city: "London", postalCode: "SW1Y 4JH" },
      customFields: { otherEmails: ["ada@work.test"], birthday: "1815-12-10" },
    },
    { name: "Bolt & Sons", firstName: null, company: "Bolt & Sons", phone: "+1 212 555 0100" },
  ]);
});

test("cards of version 4.0 are read, and one without a name is refused for itself", async () => {
  const { report, contacts } = await imported("mail-4.0.vcf");
  expect(report).toMatchObject({ rows: 3, created: 2, failed: 1 });
  expect(report.errors).toEqual([
    { row: 2, path: "FN", message: "the card has neither FN nor N nor ORG" },
  ]);
  expect(contacts).toMatchObject([
    {
      firstName: "太郎",
      lastName: "山田",
      email: "taro@yamada.test",
      phone: "+81-3-5555-0100",
      address: { city: "千代田区", state: "東京都" },
      notes: "Emoji 😀 and a comma, too",
    },
    { firstName: "Only", lastName: "Name" },
  ]);
});

const card = (lines: string): string => `BEGIN:VCARD\r\n${lines}\r\nEND:VCARD\r\n`;

test.each([
  ["a version that is not read", card("VERSION:1.0\r\nFN:A"), /version "1.0"/],
  ["a charset that is not read", card("VERSION:2.1\r\nFN;CHARSET=KOI8-R:A"), /KOI8-R/],
  ["a card that is cut off", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n", /END:VCARD is missing/],
])("%s is a row's error, and the other cards are read", async (_what, bad, message) => {
  const { request } = await newBackend();
  const file = card("VERSION:3.0\r\nFN:Good Card") + bad;
  const report = dataOf<Report>(await importFile(request, file, { type: "text/vcard" }));
  expect(report).toMatchObject({ status: "completed", rows: 2, created: 1, failed: 1 });
  expect(report.errors[0]).toMatchObject({
    row: 2,
    message: expect.stringMatching(message) as string,
  });
});

test("a file that is no vCard is refused", async () => {
  const { request } = await newBackend();
  const answer = await importFile(request, "firstName\nAda\n", { type: "text/vcard" });
  expect([answer.status, answer.paths]).toEqual([400, ["body"]]);
});

test("a card within a card is not taken for another contact", () => {
  const inner = card("VERSION:2.1\r\nFN:Agent");
  const { cards } = readVcards(card(`VERSION:2.1\r\nFN:Boss\r\nAGENT:\r\n${inner}`), "utf-8", {
    ...{ limit: 10, atEnd: true, isLongest: true },
  });
  expect(cards).toHaveLength(1);
  const names = cards[0]?.properties.filter(({ name }) => name === "FN");
  expect(names?.map(({ value }) => value)).toEqual(["Boss"]);
});

test("2.1 has no escapes but that of a semicolon, and what is encoded is taken as it decodes", async () => {
  const { request } = await newBackend();
  const file =
    card("VERSION:2.1\r\nN:Nord;Ida\r\nNOTE:See C:\\new\\notes, and D:\\Nord") +
    card(
      "VERSION:2.1\r\nN:Nord;Ben\r\nNOTE;ENCODING=QUOTED-PRINTABLE:On =5C=5Cnas=5Cnew=0D=0Atwo",
    ) +
    card("VERSION:2.1\r\nN:Nord;Cy\r\nORG:a\\;b\\nc;unit") +
    card("VERSION:3.0\r\nN:Nord;Di\r\nNOTE:one\\ntwo\\, C:\\\\new");
  await importFile(request, file, { type: "text/vcard" });
  const contacts = await contactsOf(request);
  expect(contacts.map(({ notes, company }) => notes ?? company)).toEqual([
    "See C:\\new\\notes, and D:\\Nord",
    "On \\\\nas\\new\r\ntwo",
    "a;b\\nc",
    "one\ntwo, C:\\new",
  ]);
});
