import fc from "fast-check";
import { expect, test } from "vitest";
import { binaryOf, decoded } from "../../convex/kit/charset";
import { csvLine, dialectOf, readCell, readCsv } from "../../convex/kit/csv";

const FORMULAS = [
  ...["=1+1", "+49 1", "-5", "@SUM(A1)", "\t=1", "'=1", "''+1", "'", "plain", '="a"'],
  ...["\n=1", "\nx", "\r\n", " =1", "\u00a0=1", "\u3000=1", "\u200b=1", "\ufeff=1", "' =1"],
  ...["＝1+1", "＋1", "－1", "＠SUM(1)", " ＝1", "'＝1", "﹦1"],
];

test.each(FORMULAS)(
  "%j is written so that no spreadsheet runs it, and is read back as it was",
  (cell) => {
    const line = csvLine([cell, "x"]);
    expect(line).not.toMatch(/^"?(?:[\t\r\n]|[\s\p{Cf}]*[=+\-@＝＋－＠﹦])/u);
    expect(readAll(line)).toEqual([[cell, "x"]]);
  },
);

const WHOLE = { limit: 1000, atEnd: true, isLongest: true };

function readAll(text: string): (string | null)[][] {
  const binary = binaryOf(new TextEncoder().encode(text));
  const { records } = readCsv(binary, { delimiter: ",", columns: 3 }, WHOLE);
  return records.map(({ cells, problem }) => {
    expect(problem).toBeNull();
    return cells.map((cell) => readCell(decoded(cell, "utf-8") ?? "not UTF-8"));
  });
}

test("what is written is read back, whatever the cells hold", () => {
  const cell = fc.string({ unit: "grapheme" }).map((text) => text.toWellFormed());
  const rows = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1 });
  const filled = rows.map((list) => list.filter((row) => row.some((text) => text.trim() !== "")));
  fc.assert(
    fc.property(filled, (list) => {
      const text = csvLine(["a", "b", "c"]) + list.map(csvLine).join("");
      expect(readAll(text)).toEqual([["a", "b", "c"], ...list]);
    }),
  );
});

test("a file read in windows of any size gives the same records as read at once", () => {
  const text =
    csvLine(["a", "b"]) +
    Array.from({ length: 40 }, (_, i) => csvLine([`${i}`, `"x"\r\n${i}`])).join("");
  const dialect = { delimiter: ",", columns: 2 };
  const whole = readCsv(text, dialect, WHOLE).records;
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 1, max: 9 }),
      (size, limit) => {
        const records = [];
        for (let at = 0; at < text.length;) {
          let length = size;
          for (;;) {
            const atEnd = at + length >= text.length;
            const options = { limit, atEnd, isLongest: atEnd };
            const read = readCsv(text.slice(at, at + length), dialect, options);
            records.push(...read.records);
            at += atEnd && read.records.length < limit ? length : read.end;
            if (read.end > 0 || atEnd) break;
            length *= 2;
          }
        }
        expect(records).toEqual(whole);
      },
    ),
  );
});

test.each([
  ["a,b\r\n1,2\r\n", ","],
  ["a;b\n1,5;2\n", ";"],
  ["a\tb\r1\t2\r", "\t"],
  ['"a\nx";b\r\n1;2\r\n', ";"],
  ["\r\na;b\r\n", ";"],
  ["a\n1\n", ","],
])("the delimiter of %j is %j", (text, delimiter) => {
  expect(dialectOf(text)).toEqual({ delimiter, header: 0 });
});

test.each([
  ["sep=;\r\na,b;c\r\n", { delimiter: ";", header: 7 }],
  ['"sep=|"\na|b\n', { delimiter: "|", header: 8 }],
  ["SEP=\t\ra\tb\r", { delimiter: "\t", header: 6 }],
])("the line for Excel in %j names the delimiter", (text, dialect) => {
  expect(dialectOf(text)).toEqual(dialect);
});

test("Windows-1252 is decoded as the standard has it", () => {
  const bytes = Uint8Array.from([0x80, 0x8a, 0x93, 0x94, 0x99, 0x9f, 0xa3, 0xe9, 0x41]);
  expect(decoded(binaryOf(bytes), "windows-1252")).toBe("€Š“”™Ÿ£éA");
});
