import { expect, test, vi } from "vitest";
import { decoded } from "../../convex/kit/charset";
import { csvLine } from "../../convex/kit/csv";
import { newBackend, newTenant } from "../helpers/backend";
import {
  type Contact,
  contactsOf,
  dataOf,
  importFile,
  newContact,
  type Report,
  rowCount,
} from "./bodies";

test("a CSV creates and updates contacts, and names each row that it refuses", async () => {
  const { request } = await newBackend();
  await newContact(request, { firstName: "Kim", email: "kim@x.test", tags: ["old"] });
  const file = [
    "First Name;lastName;E-Mail;tags;street;customFields.size;source",
    'Ada;"Love\r\nlace";ada@x.test;a; Main 1;L;api',
    "Kim;;KIM@x.test;new;;;",
    "Bad;;not-an-address;;;;",
    "Long;;;;;;;cell",
    "Bo;;;;;;moon",
    ";;;;;;",
    ";;;;Nowhere 1;;",
    "",
  ].join("\r\n");
  const report = dataOf<Report>(await importFile(request, file));
  expect(report).toMatchObject({ status: "completed", rows: 6, created: 1, updated: 1, failed: 4 });
  expect(report.errors.map(({ row, path }) => [row, path])).toEqual([
    [3, "email"],
    [4, undefined],
    [5, "source"],
    [6, "firstName"],
  ]);
  expect(report.errors[1]?.message).toBe("has 8 cells; the header has 7");
  expect(await contactsOf(request)).toMatchObject([
    { firstName: "Kim", email: "KIM@x.test", tags: ["old", "new"] },
    {
      firstName: "Ada",
      lastName: "Love\r\nlace",
      address: { street: "Main 1" },
      customFields: { size: "L" },
    },
  ]);
  const rows = await request("GET", `/crm/contacts/imports/${report.importId}/rows`);
  const told = dataOf<{ row: number; status: string }[]>(rows);
  expect(told.map(({ row, status }) => [row, status])).toEqual([
    [1, "created"],
    [2, "updated"],
    [3, "error"],
    [4, "error"],
    [5, "error"],
    [6, "error"],
  ]);
});

test("unknown columns are named and nothing is written, or they are ignored or kept, as asked", async () => {
  const { backend, request } = await newBackend();
  const file = "firstName,Shoe size,Fax\r\nAda,38,1\r\n";
  const refused = await importFile(request, file);
  expect([refused.status, refused.paths]).toEqual([
    400,
    ["body.header.Shoe size", "body.header.Fax"],
  ]);
  expect(await rowCount(backend, "objects")).toBe(0);
  const ignored = await importFile(request, file, { query: "?unknownColumns=ignore" });
  expect(dataOf<Report>(ignored).ignoredColumns).toEqual(["Shoe size", "Fax"]);
  await importFile(request, file, { query: "?unknownColumns=customFields" });
  expect((await contactsOf(request)).map(({ customFields }) => customFields)).toEqual([
    {},
    { "Shoe size": "38", Fax: "1" },
  ]);
});

test.each([
  ["two columns of one meaning", "email,E-Mail\r\na@x.test,b@x.test\r\n", ["body.header.E-Mail"]],
  ["nothing but white space", "\r\n \r\n", ["body"]],
  ["nothing", "", ["body"]],
  ["a quote in its header that does not end", 'firstName,"email\nAda,a@x.test\n', ["body"]],
] as [string, string | Uint8Array<ArrayBuffer>, string[]][])(
  "a file with %s is refused, and nothing is written",
  async (_what, file, paths) => {
    const { backend, request } = await newBackend();
    const answer = await importFile(request, file);
    expect([answer.status, answer.paths]).toEqual([400, paths]);
    expect(await rowCount(backend, "objects")).toBe(0);
  },
);

test("a file of another media type is refused, and the two that are taken are named", async () => {
  const { request } = await newBackend();
  const answer = await importFile(request, "{}", { type: "application/json" });
  expect([answer.status, answer.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  expect(answer.body.error.details).toMatchObject({
    supported: expect.arrayContaining(["text/csv", "text/vcard"]) as unknown,
  });
});

test("a quote that is never closed is its row's error, and those after it are read", async () => {
  const { request } = await newBackend();
  const report = dataOf<Report>(await importFile(request, 'firstName,notes\nAda,x\nBo,"y\nCy,z\n'));
  expect(report).toMatchObject({ rows: 3, created: 2, failed: 1 });
  expect(report.errors[0]).toMatchObject({ row: 2, message: "has quotes that do not match" });
});

test.each([
  ["a mark of UTF-8", "text/csv", [0xef, 0xbb, 0xbf, 0x4a, 0xc3, 0xb6], "Jö"],
  ["Windows-1252 that is not UTF-8", "text/csv", [0x4a, 0xf6, 0x80], "Jö€"],
  ["a charset in Content-Type", "text/csv; charset=iso-8859-1", [0x4a, 0xf6], "Jö"],
  ["UTF-8 without a word of it", "text/csv", [0x4a, 0xc3, 0xb6], "Jö"],
  ["letters of a Mac's", "text/csv", [0x4a, 0x9a, 0x72, 0x67, 0x20, 0x47, 0x72, 0xa7], "Jörg Grß"],
])("the encoding is told by %s", async (_what, type, bytes, name) => {
  const { request } = await newBackend();
  const [mark, rest] = bytes[0] === 0xef ? [bytes.slice(0, 3), bytes.slice(3)] : [[], bytes];
  const header = Array.from("firstName\r\n", (character) => character.charCodeAt(0));
  const file = new Uint8Array([...mark, ...header, ...rest]);
  expect(dataOf<Report>(await importFile(request, file, { type })).created).toBe(1);
  expect((await contactsOf(request))[0]?.firstName).toBe(name);
});

test("a file that is not in the charset that Content-Type names is refused", async () => {
  const { request } = await newBackend();
  const file = new Uint8Array([0x61, 0xf6]);
  const wrong = await importFile(request, file, { type: "text/csv; charset=utf-8" });
  expect([wrong.status, wrong.paths]).toEqual([400, ["body"]]);
  const unknown = await importFile(request, file, { type: "text/csv; charset=koi8-r" });
  expect([unknown.status, unknown.paths]).toEqual([400, ["headers.Content-Type"]]);
});

test("a dry run reports what an import would do, row for row, and writes no contact", async () => {
  vi.useFakeTimers();
  const { backend, request } = await newBackend();
  await newContact(request, { email: "known@x.test" });
  const before = await rowCount(backend, "objects");
  const lines = Array.from({ length: 250 }, (_, i) => `Ada ${i},ada${i % 240}@x.test`);
  const file = ["firstName,email", ...lines, "Kim,known@x.test", "Bad,no", ""].join("\n");
  const dry = dataOf<Report>(await importFile(request, file, { query: "?dryRun=true" }));
  expect(dry).toMatchObject({ dryRun: true, status: "running", rows: 100 });
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  const report = dataOf<Report>(await request("GET", `/crm/contacts/imports/${dry.importId}`));
  const told = { rows: 252, created: 240, updated: 11, failed: 1, status: "completed" };
  expect(report).toMatchObject(told);
  expect(await rowCount(backend, "objects")).toBe(before);
  const real = dataOf<Report>(await importFile(request, file));
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  const done = dataOf<Report>(await request("GET", `/crm/contacts/imports/${real.importId}`));
  expect(done).toMatchObject({ ...told, dryRun: false });
  vi.useRealTimers();
});

test("the file of an import that is done is deleted", async () => {
  const { backend, request } = await newBackend();
  await importFile(request, "firstName\nAda\n");
  const left = await backend.run(async ({ db }) => [
    ...(await db.query("uploads").collect()),
    ...(await db.query("uploadPieces").collect()),
  ]);
  expect(left).toEqual([]);
});

test("an import is another organization's secret", async () => {
  const { backend, request } = await newBackend();
  const { importId } = dataOf<Report>(await importFile(request, "firstName\nAda\n"));
  const { request: foreign } = await newTenant(backend);
  for (const path of [
    `/crm/contacts/imports/${importId}`,
    `/crm/contacts/imports/${importId}/rows`,
  ]) {
    const answer = await foreign("GET", path);
    expect([answer.status, answer.code]).toEqual([404, "IMPORT_NOT_FOUND"]);
  }
});

test("an id in a file updates the contact of this organization, and is passed over elsewhere", async () => {
  const { backend, request } = await newBackend();
  const id = await newContact(request, { firstName: "Ada" });
  const file = `id,lastName\n${id},Lovelace\n`;
  expect(dataOf<Report>(await importFile(request, file)).updated).toBe(1);
  const { request: foreign } = await newTenant(backend);
  expect(dataOf<Report>(await importFile(foreign, file)).created).toBe(1);
  expect(await contactsOf(request)).toMatchObject([{ id, firstName: "Ada", lastName: "Lovelace" }]);
});

test("the same key and file again gets the first report, and imports nothing", async () => {
  const { request } = await newBackend();
  const options = {
    raw: "firstName\nAda\n",
    headers: { "Content-Type": "text/csv", "Idempotency-Key": "k" },
  };
  const first = await request("POST", "/crm/contacts/import", options);
  const second = await request("POST", "/crm/contacts/import", options);
  expect(second.headers.get("Idempotency-Replayed")).toBe("true");
  expect(second.text).toBe(first.text);
  const other = await request("POST", "/crm/contacts/import", {
    ...options,
    raw: "firstName\nBo\n",
  });
  expect(other.code).toBe("IDEMPOTENCY_KEY_REUSED");
  expect(await contactsOf(request)).toHaveLength(1);
});

const TRICKY = [
  { firstName: "=cmd|' /C calc'!A0", lastName: "+1", company: "-x", jobTitle: "@y", notes: "'=z" },
  { firstName: 'Quote " and, comma', notes: "two\r\nlines\n", tags: ["a;b", "c,d", "[e]"] },
  { firstName: "Ünïcödé 😀", email: "ü@x.test", customFields: { größe: ["L", 1, null] } },
  { company: "Only a company", address: { street: "1", city: "C", country: "DE" }, taxId: "DE1" },
];

test("what is exported comes back unchanged in another organization", async () => {
  const { backend, request } = await newBackend();
  for (const fields of TRICKY) await newContact(request, fields);
  const columns =
    "firstName,lastName,email,phone,company,jobTitle,subtype,status,source,tags,notes,street,city,country,taxId,customFields";
  const path = `/crm/contacts/export?format=csv&columns=${columns}`;
  const first = await request("GET", path);
  expect(first.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
  expect(first.headers.get("Content-Disposition")).toBe('attachment; filename="contacts.csv"');
  for (const cell of ["'=cmd", "'+1", "'-x", "'@y", "''=z"]) expect(first.text).toContain(cell);
  const { request: elsewhere } = await newTenant(backend);
  expect(dataOf<Report>(await importFile(elsewhere, first.text)).created).toBe(TRICKY.length);
  expect((await elsewhere("GET", path)).text).toBe(first.text);
});

test("an export of everything can be imported again as it is, and changes nothing", async () => {
  const { request } = await newBackend();
  for (const fields of TRICKY) await newContact(request, fields);
  const before = await request("GET", "/crm/contacts/export");
  const report = dataOf<Report>(await importFile(request, before.text));
  expect(report).toMatchObject({ updated: TRICKY.length, created: 0, failed: 0 });
  expect((await request("GET", "/crm/contacts/export")).text).toBe(before.text);
});

test.each(["csv", "json"])(
  "a %s export goes on at its cursor, and has every contact once",
  async (format) => {
    const { request } = await newBackend();
    const items = Array.from({ length: 200 }, (_, i) => ({ firstName: `N${i}` }));
    for (let i = 0; i < 3; i++) await request("POST", "/crm/contacts/bulk", { body: { items } });
    const ids: string[] = [];
    let cursor: string | null = "";
    for (let answers = 1; cursor !== null; answers++) {
      const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const answer = await request("GET", `/crm/contacts/export?format=${format}&limit=250${from}`);
      if (format === "csv") {
        ids.push(
          ...answer.text
            .trim()
            .split("\r\n")
            .slice(1)
            .map((line) => line.split(",")[0] ?? ""),
        );
        cursor = answer.headers.get("X-Next-Cursor");
      } else {
        ids.push(...dataOf<Contact[]>(answer).map(({ id }) => id));
        cursor = answer.body.meta.nextCursor;
      }
      expect(answers).toBeLessThanOrEqual(3);
    }
    expect([ids.length, new Set(ids).size]).toEqual([600, 600]);
  },
);

test("an export takes the filters of the list, and refuses what is no column, format or cursor", async () => {
  const { request } = await newBackend();
  await newContact(request, { firstName: "Lea", subtype: "lead" });
  await newContact(request, { firstName: "Cus", subtype: "customer" });
  const leads = await request("GET", "/crm/contacts/export?subtype=lead&columns=firstName");
  expect(leads.text).toBe("firstName\r\nLea\r\n");
  for (const [query, path] of [
    ["columns=shoe", "query.columns.0"],
    ["format=xml", "query.format"],
    ["cursor=nope", "query.cursor"],
    ["limit=10001", "query.limit"],
    ["color=red", "query.color"],
  ]) {
    const answer = await request("GET", `/crm/contacts/export?${query}`);
    expect([answer.status, answer.paths]).toEqual([400, [path]]);
  }
});

test("cells are decoded where they are cut, and not across", () => {
  expect(csvLine(["ä", "b"])).toBe("ä,b\r\n");
  expect(decoded("\xc3\xa4", "utf-8")).toBe("ä");
});
