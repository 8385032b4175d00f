import fc from "fast-check";
import { expect, test } from "vitest";
import { columnsOf, fieldsOfCells } from "../../convex/ontology/contactColumns";
import { newBackend } from "../helpers/backend";
import { contactsOf, dataOf, importFile, type Report } from "./bodies";

/** What a file says comes into a contact, or is named: row by row, and in the report. */
const card = (...lines: string[]): string =>
  ["BEGIN:VCARD", "VERSION:3.0", ...lines, "END:VCARD", ""].join("\r\n");

async function imported(file: string, type = "text/vcard", query = "") {
  const { request } = await newBackend();
  const report = dataOf<Report>(await importFile(request, file, { type, query }));
  const rows = await request("GET", `/crm/contacts/imports/${report.importId}/rows`);
  const [contact] = await contactsOf(request);
  return { report, contact, rows: dataOf<{ warnings: object[] }[]>(rows) };
}

test("all addresses, websites and parts of a card come in, the preferred ones first", async () => {
  const { report, contact } = await imported(
    card(
      "N:Gruber;Ida;;Dr.;PhD",
      "FN:Dr. Ida Gruber\\, PhD",
      "NICKNAME:Idi",
      "ORG:Acme;R&D;Lab",
      "ADR;TYPE=HOME:;;Hill 1;Leeds;;LS1;UK",
      "ADR;TYPE=WORK,PREF:;;High St 2;York;;YO1;UK",
      "ADR;TYPE=OTHER:;;Quay 3;Hull;;;",
      "ADR;TYPE=OTHER:;;Quay 3;Hull;;;",
      "URL:https://ida.test",
      "URL:https://acme.test",
      "NOTE:one",
      "NOTE:two",
    ),
  );
  expect(contact).toMatchObject({
    ...{ company: "Acme", notes: "one\n\ntwo" },
    address: { street: "High St 2", city: "York", postalCode: "YO1", country: "UK" },
    customFields: {
      otherAddresses: [
        { street: "Hill 1", city: "Leeds", postalCode: "LS1", country: "UK" },
        { street: "Quay 3", city: "Hull" },
      ],
      ...{ website: "https://ida.test", otherWebsites: ["https://acme.test"] },
      ...{ nickname: "Idi", department: "R&D, Lab", salutation: "Dr.", nameSuffix: "PhD" },
    },
  });
  expect([report.warnings, report.ignoredColumns]).toEqual([[], []]);
});

test("what contacts have no place for is named with its row, and once for the file", async () => {
  const { report, rows } = await imported(
    card("FN:Bo", "TEL;TYPE=CELL:+1 1", "REV:20260101", "X-EMPTY:") +
      card(
        ...[
          "N:Gruber;Ida",
          "FN:Ida Gruber called Idi",
          "TEL;TYPE=FAX:+1 2",
          "ANNIVERSARY:20200101",
        ],
        ...["PHOTO;ENCODING=b:Wlpa", "TITLE:CTO", "ROLE:Lead", "BDAY:19900101", "BDAY:19900102"],
        ...["item1.X-ABDATE:2020-01-01", "this is no property", "GEO:1;2"],
      ),
  );
  expect(report).toMatchObject({ status: "completed", rows: 2, created: 2, failed: 0 });
  const message = "is not kept";
  expect(report.warnings).toEqual([
    { row: 2, path: "BDAY", message: "a second one is not kept" },
    { row: 2, path: "ROLE", message: "TITLE is kept in its place" },
    { row: 2, path: "TEL", message: "numbers of faxes are not kept" },
    { row: 2, path: "FN", message: "says more than N, and is not kept" },
    { row: 2, path: "ANNIVERSARY", message },
    { row: 2, path: "PHOTO", message },
    { row: 2, path: "X-ABDATE", message },
    { row: 2, path: "GEO", message },
    { row: 2, path: "(lines that are no property)", message },
  ]);
  expect(rows.map(({ warnings }) => warnings.length)).toEqual([0, 9]);
  expect(report.ignoredColumns).toEqual([
    ...["ANNIVERSARY", "PHOTO", "X-ABDATE", "GEO", "(lines that are no property)"],
  ]);
});

test("text between cards is an error of its own, and blank lines and marks are nothing", async () => {
  const { report } = await imported(
    `${card("FN:A")}\r\nlost\r\n${card("FN:B")}\r\n\ufeff${card("FN:C")}\r\n\x1a`,
  );
  expect(report).toMatchObject({ status: "completed", rows: 4, created: 3, failed: 1 });
  expect(report.errors).toEqual([
    { row: 2, message: "stands outside of a card: BEGIN:VCARD is missing" },
  ]);
});

test("columns that are left alone are named; a cell under no name, or that says more, warns", async () => {
  const { report, contact } = await imported(
    'firstName,name,version,street,Address 1,tags,Labels,subtype,Lifecycle Stage,,\r\n"Ida","Ida Gruber",3,Hill 1,Yard,a,b,customer,Opportunity,x,\r\nBo,Bo,,,,,,,,,\r\n',
    "text/csv",
  );
  expect(report).toMatchObject({ status: "completed", rows: 2, created: 2, failed: 0 });
  expect(report.ignoredColumns).toEqual(["version"]);
  expect(report.warnings).toEqual([
    { row: 1, path: "column 10", message: "has no name in the header, and is not kept" },
    { row: 1, path: "name", message: "says more than the other columns, and is not kept" },
  ]);
  expect(contact).toMatchObject({
    ...{ address: { street: "Hill 1, Yard" }, tags: ["a", "b"], subtype: "customer" },
    customFields: { lifecycleStage: "Opportunity" },
  });
});

test("whatever columns a row has, each of its values is in a field, or warned of", () => {
  const names = [
    ...["firstName", "lastName", "Middle Name", "email", "E-mail 2 - Value", "phone", "Mobile"],
    ...["street", "Street 2", "Address 1", "Home Street", "Home City", "Work Street", "city"],
    ...[
      "tags",
      "Labels",
      "Lifecycle Stage",
      "Website",
      "Website 2 - Value",
      "customFields.otherEmails",
    ],
    ...["company", "notes", "name", "", "customFields.x", "Salutation", "PO Box", "House Number"],
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(names), (header) => {
      const cells = header.map((_, index) => `value${index}x`);
      const { columns, problems } = columnsOf(header, "refuse");
      expect(problems).toEqual([]);
      const { fields, left } = fieldsOfCells(columns, cells);
      const text = JSON.stringify(fields);
      const missing = cells.filter((cell) => !text.includes(cell));
      expect(left).toHaveLength(missing.length);
    }),
  );
});

test("a row with a hundred things wrong is an error, and those after it are read", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `$${"é".repeat(190)}${i}`);
  const row = names.map(() => "x").join(",");
  const lines = Array.from({ length: 99 }, () => `Ida,${row}`);
  const file = [`firstName,${names.join(",")}`, ...lines, `Bo${",".repeat(100)}`, ""].join("\n");
  const { report } = await imported(file, "text/csv", "?unknownColumns=customFields");
  expect(report).toMatchObject({ status: "completed", rows: 100, created: 1, failed: 99 });
  expect(report.errors[9]?.message).toMatch(/; and 40 more$/);
});

test("a file of more columns than are read is refused and told how many", async () => {
  const { request } = await newBackend();
  const header = ["firstName", ...Array.from({ length: 9000 }, (_, i) => `c${i}`)].join(",");
  const answer = await importFile(request, `${header}\nIda\n`, { query: "?unknownColumns=ignore" });
  expect([answer.status, answer.paths]).toEqual([400, ["body.header"]]);
  expect(answer.text).toContain("at most 1000");
});

test("custom fields whose numbers would be rounded are their row's error", async () => {
  const file = 'firstName,customFields\nIda,"{""n"":9007199254740993}"\nBo,"{""n"":1e21}"\n';
  const { report, contact } = await imported(file, "text/csv");
  expect(report).toMatchObject({ rows: 2, created: 1, failed: 1 });
  expect(report.errors).toMatchObject([{ row: 1, path: "customFields.n" }]);
  expect(contact).toMatchObject({ firstName: "Bo", customFields: { n: 1e21 } });
});
