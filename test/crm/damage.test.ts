import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { binaryOf, unitsOf } from "../../convex/kit/charset";
import { csvLine } from "../../convex/kit/csv";
import { encodingBySigns, TextSignsCounter } from "../../convex/kit/textSigns";
import { type FileLayout, readRows } from "../../convex/ontology/contactFile";
import { newBackend } from "../helpers/backend";
import { contactsOf, dataOf, importFile, newContact, type Report } from "./bodies";

/** Files that were cut, put together or saved by several programs: what is whole comes in as it is. */
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(parts.flatMap((part) => [...(typeof part === "string" ? utf8(part) : part)]));

const LAYOUT: FileLayout = {
  format: "csv",
  encoding: "utf-8",
  layout: { delimiter: ",", columns: ["firstName", "lastName", "company", "notes"] },
  ignoredColumns: [],
  position: 0,
};

test("every row of a damaged file is in a figure, and those that are whole are right", () => {
  // Quotes and outer white space aside: with them, a damaged row can end where none would say so.
  const text = fc
    .string({
      unit: fc.constantFrom("a", "b", "é", "😀", ",", ";", " ", "\n", "\r\n"),
      maxLength: 12,
    })
    .map((cell) => cell.replace(/^[\s,;]+|\s+$/g, "") || "x");
  const damages = fc.constantFrom("none", "none", "quote", "byte", "cells");
  const rows = fc.array(fc.record({ cells: fc.tuple(text, text, text), damage: damages }));
  fc.assert(
    fc.property(rows, fc.constantFrom("\n", "\r\n", "\r"), (list, lineEnd) => {
      const lines = list.map(({ cells, damage }, index): string => {
        if (damage === "quote") return `row ${index},a,b,"open${lineEnd}`;
        if (damage === "byte") return `row ${index},a,\xc3(,b${lineEnd}`;
        if (damage === "cells") return `row ${index},a,b,c,d${lineEnd}`;
        const line = csvLine([`row ${index}`, ...cells]);
        return binaryOf(utf8(line)).slice(0, -2) + lineEnd;
      });
      const window = lines.join("");
      const options = { limit: 10_000, atEnd: true, isLongest: true, isWithinRow: false };
      const read = readRows(LAYOUT, window, options);
      expect(read.rows).toHaveLength(list.length);
      expect(read.end).toBe(window.length);
      const told = read.rows.map((row) => ("fields" in row ? row.fields : null));
      expect(told).toEqual(
        list.map(({ cells: [lastName, company, notes], damage }, index) =>
          damage === "none" ? { firstName: `row ${index}`, lastName, company, notes } : null,
        ),
      );
    }),
  );
});

test("rows that an open quote has taken into a cell, and given back late, are read", () => {
  const rows = Array.from({ length: 5 }, (_, i) => `N${i},L${i},C${i},n`).join("\n");
  const window = `A,b,c,"open\n${rows}\nE,e,e,size 5"\nF,f,f,f\n`;
  const options = { limit: 100, atEnd: true, isLongest: true, isWithinRow: false };
  const { rows: read } = readRows(LAYOUT, window, options);
  const names = read.map((row) => ("fields" in row ? row.fields.firstName : null));
  expect(names).toEqual([null, "N0", "N1", "N2", "N3", "N4", "E", "F"]);
});

test.each([
  ["with", [0xef, 0xbb, 0xbf]],
  ["without", []],
])(
  "one byte that is not UTF-8 costs its row alone, %s a mark, and changes nobody who is known",
  async (_what, mark) => {
    const { request } = await newBackend();
    await newContact(request, { firstName: "Jürgen", email: "j@x.test" });
    const file = bytes(
      mark,
      "firstName,email,notes\nJörg,a@x.test,Größe\nJ",
      [0xfc],
      "rgen,j@x.test,\nZoë,z@x.test,naïve\n",
    );
    const report = dataOf<Report>(await importFile(request, file));
    expect(report).toMatchObject({ status: "completed", rows: 3, created: 2, failed: 1 });
    expect(report.errors).toEqual([
      { row: 2, path: "firstName", message: "has bytes that are not utf-8" },
    ]);
    const contacts = await contactsOf(request);
    expect(contacts.map(({ firstName }) => firstName)).toEqual(["Jürgen", "Jörg", "Zoë"]);
  },
);

test("a file of Windows-1252 with rows of UTF-8 in it is read row by row", async () => {
  const { request } = await newBackend();
  const file = bytes("firstName\nJ", [0xf6], "rg\nB", [0xe4], "rbel\nZo", [0xeb], "\nMaría\n");
  await importFile(request, file);
  const names = (await contactsOf(request)).map(({ firstName }) => firstName);
  expect(names).toEqual(["Jörg", "Bärbel", "Zoë", "María"]);
});

test.each([
  ["little-endian with a mark", "utf-16le", true],
  ["big-endian with a mark", "utf-16be", true],
  ["little-endian without one", "utf-16le", false],
])("UTF-16 is read, %s", async (_what, encoding, hasMark) => {
  const { request } = await newBackend();
  const text = `${hasMark ? "\ufeff" : ""}firstName\tnotes\r\nZoë\t"two\r\nlines"\r\n😀 Ko\tx\r\n`;
  const file = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) {
    new DataView(file.buffer).setUint16(index * 2, text.charCodeAt(index), encoding === "utf-16le");
  }
  const report = dataOf<Report>(await importFile(request, file));
  expect(report).toMatchObject({ status: "completed", rows: 2, created: 2 });
  expect(await contactsOf(request)).toMatchObject([
    { firstName: "Zoë", notes: "two\r\nlines" },
    { firstName: "😀 Ko", notes: "x" },
  ]);
});

test("half a character at the end of a file in UTF-16 is its row's error", () => {
  expect(unitsOf(new Uint8Array([0x61, 0, 0x62]), "utf-16le").isWellFormed()).toBe(false);
});

test.each([
  ["utf-8", "Jörg Größe naïve “quoted”"],
  ["windows-1252", "J\xf6rg Gr\xf6\xdfe d\x92Essais \x93Zitat\x94 Caf\xe9"],
  ["windows-1252", "nothing but \x80 5 and \x93quotes\x94"],
  ["macintosh", "J\x9arg K\x9aln Gr\x9a\xa7e \xd2Zitat\xd3 Caf\x8e"],
  ["macintosh", "M\x9fller"],
])("%s is told by the letters of %j", (encoding, text) => {
  const counter = new TextSignsCounter();
  const file = encoding === "utf-8" ? utf8(text) : Uint8Array.from(text, (c) => c.charCodeAt(0));
  for (const byte of file) counter.add(new Uint8Array([byte]));
  counter.end();
  expect(encodingBySigns(counter.signs)).toBe(encoding);
});

test("UTF-8 is told as the platform tells it, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (file) => {
      const counter = new TextSignsCounter();
      counter.add(file);
      counter.end();
      const decode = (): string => new TextDecoder("utf-8", { fatal: true }).decode(file);
      if (counter.signs.invalid === 0) expect(decode).not.toThrow();
      else expect(decode).toThrow();
    }),
  );
});

test("what programs add to CSV is taken: sep=, short and long rows, any line end, a header again", async () => {
  const { request } = await newBackend();
  const file =
    "\ufeffsep=;\r\nfirstName;lastName;email\nAda\rBo;B;;;;\r\n\ufefffirstName;lastName;email\nsep=;\nCy;C\n";
  const report = dataOf<Report>(await importFile(request, file));
  expect(report).toMatchObject({ status: "completed", rows: 5, created: 3, skipped: 2, failed: 0 });
  expect(report.skippedRows).toEqual([
    { row: 3, message: "repeats the header" },
    { row: 4, message: "names the delimiter, for Excel" },
  ]);
  const rows = await request("GET", `/crm/contacts/imports/${report.importId}/rows`);
  expect(dataOf<object[]>(rows)[2]).toMatchObject({
    ...{ row: 3, status: "skipped", id: null, reason: "repeats the header", errors: [] },
  });
});

const card = (name: string, more = ""): string =>
  `BEGIN:VCARD\r\nVERSION:3.0\r\nFN:${name}\r\n${more}END:VCARD\r\n`;
const photo = (bytesOfIt: number): string =>
  `PHOTO;ENCODING=b:${"Wlpa".repeat(bytesOfIt / 4).replace(/.{74}/g, "$&\r\n ")}\r\n`;

async function importedCards(file: string | Uint8Array<ArrayBuffer>): Promise<[Report, string[]]> {
  vi.useFakeTimers();
  const { backend, request } = await newBackend();
  const { importId } = dataOf<Report>(await importFile(request, file, { type: "text/vcard" }));
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  const report = dataOf<Report>(await request("GET", `/crm/contacts/imports/${importId}`));
  vi.useRealTimers();
  return [report, (await contactsOf(request)).map(({ name }) => name)];
}

test("a card with a picture of megabytes comes in without it, and those after it too", async () => {
  const [report, names] = await importedCards(card("A") + card("B", photo(4 << 20)) + card("C"));
  expect(report).toMatchObject({ status: "completed", rows: 3, created: 3, failed: 0 });
  expect(names).toEqual(["A", "B", "C"]);
});

test("a card that is longer than cards are read is refused by name, and those after it are read", async () => {
  const [report, names] = await importedCards(card("A") + card("B", photo(9 << 20)) + card("C"));
  expect(report).toMatchObject({ status: "completed", rows: 3, created: 2, failed: 1 });
  expect(report.errors).toEqual([{ row: 2, message: "is longer than 8 MiB" }]);
  expect(names).toEqual(["A", "C"]);
});

test("cards without an end, without a beginning, or with bad bytes cost themselves alone", async () => {
  const cut = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Cut off\r\n";
  const headless = "VERSION:3.0\r\nFN:Headless\r\nEND:VCARD\r\n";
  const spoilt = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:J";
  const [report, names] = await importedCards(
    bytes(
      card("Zoë") + cut + card("Ärne") + headless + spoilt,
      [0xfc],
      "\r\nEND:VCARD\r\n",
      card("Zú"),
    ),
  );
  expect(names).toEqual(["Zoë", "Ärne", "Zú"]);
  expect(report).toMatchObject({ status: "completed", rows: 6, created: 3, failed: 3 });
  expect(report.errors).toEqual([
    { row: 2, message: "is cut off: END:VCARD is missing" },
    { row: 4, message: "has no beginning: BEGIN:VCARD is missing" },
    { row: 5, message: "FN has bytes that are not utf-8" },
  ]);
});

test("groups are no people: they are passed over, and the report says so", async () => {
  const apple = "N:Team\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n";
  const [report, names] = await importedCards(
    card("Ida") +
      card("Team", apple) +
      card("List", "KIND:Group\r\n") +
      card("Bo", "KIND:individual\r\n"),
  );
  expect(names).toEqual(["Ida", "Bo"]);
  expect(report).toMatchObject({ rows: 4, created: 2, failed: 0, skipped: 2 });
  expect(report.skippedRows[0]).toEqual({ row: 2, message: "is a group, not a person" });
});
