import { describe, expect, test } from "vitest";
import { csvLine } from "../../convex/kit/csv";
import { newBackend, newTenant } from "../helpers/backend";
import { sharedFile } from "../helpers/site";
import { contactsOf, dataOf, importFile, type Report } from "./bodies";

type Customer = Record<string, string | number>;

const file = sharedFile("data/chinook/customers.json");
const customers = JSON.parse(file ?? "[]") as Customer[];
const columns = Object.keys(customers[0] ?? {});
const COLUMNS =
  "firstName,lastName,email,phone,company,street,city,state,postalCode,country,customFields";
const EXPORT = `/crm/contacts/export?format=csv&columns=${COLUMNS}`;
const KEEP = { query: "?unknownColumns=customFields" };

/** As a spreadsheet saves it, with semicolons and quotes only where they are needed. */
function asExcelWrites(rows: string[][]): string {
  const cell = (text: string): string =>
    /[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => row.map(cell).join(";") + "\r\n").join("");
}

const rows = [
  columns,
  ...customers.map((customer) => columns.map((name) => String(customer[name]))),
];

/** What Windows-1252 does not have becomes a question mark, as a spreadsheet does it. */
const SPECIALS = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ";
function inWindows1252(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => {
    const special = SPECIALS.indexOf(character);
    if (special >= 0) return 0x80 + special;
    const code = character.charCodeAt(0);
    return code < 0x80 || (code >= 0xa0 && code <= 0xff) ? code : 0x3f;
  });
}

describe.skipIf(file === null)("the 59 customers of ../shared/data/chinook", () => {
  test("survive export and import byte for byte", async () => {
    const { backend, request } = await newBackend();
    const report = dataOf<Report>(await importFile(request, rows.map(csvLine).join(""), KEEP));
    expect(report).toMatchObject({ rows: 59, created: 59, failed: 0, status: "completed" });
    expect(await contactsOf(request)).toMatchObject(
      customers.map((customer) => ({
        firstName: customer["FirstName"],
        lastName: customer["LastName"],
        phone: customer["Phone"] === "" ? null : customer["Phone"],
        email: customer["Email"],
      })),
    );
    const first = await request("GET", EXPORT);
    const { request: elsewhere } = await newTenant(backend);
    expect(dataOf<Report>(await importFile(elsewhere, first.text)).created).toBe(59);
    expect((await elsewhere("GET", EXPORT)).text).toBe(first.text);
  });

  test("are the same contacts when a spreadsheet has saved them, with a mark or in Windows-1252", async () => {
    const { backend, request } = await newBackend();
    await importFile(request, rows.map(csvLine).join(""), KEEP);
    const expected = (await request("GET", EXPORT)).text;

    const { request: marked } = await newTenant(backend);
    const mark = "\ufeff" + asExcelWrites(rows);
    expect(dataOf<Report>(await importFile(marked, mark, KEEP)).created).toBe(59);
    expect((await marked("GET", EXPORT)).text).toBe(expected);

    const { request: ansi } = await newTenant(backend);
    const bytes = inWindows1252(asExcelWrites(rows));
    expect(dataOf<Report>(await importFile(ansi, bytes, KEEP)).created).toBe(59);
    const lossy = Array.from(expected, (c) => (inWindows1252(c)[0] === 0x3f ? "?" : c)).join("");
    expect((await ansi("GET", EXPORT)).text).toBe(lossy);
  });
});
