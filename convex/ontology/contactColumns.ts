import { readCell } from "../kit/csv";
import type { Problem } from "../kit/errors";
import { unpackCustomFields } from "../kit/customFields";
import type { ObjectDoc } from "./registry";

/** Contacts as rows of a CSV file: what an export writes, and what an import reads. */
type Contact = ObjectDoc<"crm_contact">;

const ADDRESS = ["street", "city", "state", "postalCode", "country"] as const;
const TEXTS = [
  "firstName",
  "lastName",
  "email",
  "phone",
  "company",
  "jobTitle",
  "subtype",
  "status",
  "source",
  "sourceRef",
] as const;

/** In the order of an export. */
export const CONTACT_COLUMNS = [
  "id",
  ...TEXTS,
  "tags",
  "notes",
  ...ADDRESS,
  "taxId",
  "customFields",
  "crmOrganizationId",
  "name",
  "version",
  "createdAt",
  "updatedAt",
] as const;
export type ContactColumn = (typeof CONTACT_COLUMNS)[number];

/** An export has them, for people to read; an import leaves them alone. */
const DERIVED: readonly string[] = ["name", "version", "createdAt", "updatedAt"];

/** How other programs call our columns, without case, spaces and marks. */
const OTHER_NAMES: Record<string, ContactColumn> = {
  givenname: "firstName",
  forename: "firstName",
  surname: "lastName",
  familyname: "lastName",
  emailaddress: "email",
  telephone: "phone",
  phonenumber: "phone",
  organization: "company",
  organisation: "company",
  companyname: "company",
  position: "jobTitle",
  labels: "tags",
  categories: "tags",
  note: "notes",
  address: "street",
  streetaddress: "street",
  town: "city",
  region: "state",
  province: "state",
  zip: "postalCode",
  zipcode: "postalCode",
  postcode: "postalCode",
  vatid: "taxId",
  vatnumber: "taxId",
};

const BY_NAME = new Map<string, ContactColumn>([
  ...Object.entries(OTHER_NAMES),
  ...CONTACT_COLUMNS.map((column): [string, ContactColumn] => [bare(column), column]),
]);

/** What is done with columns that contacts do not have. */
export const UNKNOWN_COLUMNS = ["refuse", "ignore", "customFields"] as const;
export type UnknownColumns = (typeof UNKNOWN_COLUMNS)[number];

const CUSTOM = "customFields.";

/**
 * What each column of a file means: a column of ours, `customFields.<key>`, or null for one that is
 * left alone. Columns that nothing is known of, and two of one meaning, are problems.
 */
export function columnsOf(
  header: readonly string[],
  unknownColumns: UnknownColumns,
): { columns: (string | null)[]; ignored: string[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const ignored: string[] = [];
  const columns = header.map((name) => {
    const column = meaningOf(name, unknownColumns);
    if (column !== undefined) return column;
    if (unknownColumns === "ignore") ignored.push(name.trim());
    else
      problems.push({ path: `body.header.${name.trim()}`, message: "is not a column of contacts" });
    return null;
  });
  const seen = new Set<string>();
  for (const [index, column] of columns.entries()) {
    if (column === null) continue;
    if (seen.has(column)) {
      const path = `body.header.${header[index]?.trim() ?? ""}`;
      problems.push({ path, message: `is the second column for ${column}` });
    }
    seen.add(column);
  }
  return { columns, ignored, problems };
}

function meaningOf(header: string, unknown: UnknownColumns): string | null | undefined {
  const name = header.trim();
  // Spreadsheets leave nameless columns at the right edge.
  if (name === "") return null;
  if (name.startsWith(CUSTOM) && name.length > CUSTOM.length) return name;
  const column = BY_NAME.get(bare(name));
  if (column !== undefined) return DERIVED.includes(column) ? null : column;
  return unknown === "customFields" ? CUSTOM + name : undefined;
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[\s._-]/g, "");
}

/** A row's cells as the fields of a contact; empty cells are not given. */
export function fieldsOfCells(
  columns: readonly (string | null)[],
  cells: readonly string[],
): { fields: Record<string, unknown>; problem: Problem | null } {
  const fields: Record<string, unknown> = {};
  const address: Record<string, string> = {};
  let custom: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    const cell = readCell(cells[index] ?? "");
    if (column === null || cell.trim() === "") continue;
    if (column === "customFields") {
      const parsed = jsonObject(cell);
      const message = "must be a JSON object";
      if (!parsed) return { fields, problem: { path: "customFields", message } };
      custom = { ...parsed, ...custom };
    } else if (column.startsWith(CUSTOM)) custom[column.slice(CUSTOM.length)] = cell;
    else if ((ADDRESS as readonly string[]).includes(column)) address[column] = cell;
    else fields[column] = column === "tags" ? tagsOf(cell) : cell;
  }
  if (Object.keys(address).length > 0) fields.address = address;
  if (Object.keys(custom).length > 0) fields.customFields = custom;
  return { fields, problem: null };
}

export function cellsOf(contact: Contact, columns: readonly ContactColumn[]): string[] {
  const { customProperties: properties } = contact;
  const { address, customFields } = properties;
  const custom = unpackCustomFields(customFields);
  const cells: Record<ContactColumn, string | number | undefined> = {
    ...properties,
    ...address,
    id: contact._id,
    subtype: contact.subtype,
    status: contact.status,
    tags: tagsCell(properties.tags),
    customFields: Object.keys(custom).length === 0 ? undefined : JSON.stringify(custom),
    name: contact.name,
    version: contact.version,
    createdAt: new Date(contact.createdAt).toISOString(),
    updatedAt: new Date(contact.updatedAt).toISOString(),
  } as Record<ContactColumn, string | number | undefined>;
  return columns.map((column) => String(cells[column] ?? ""));
}

/** Tags between semicolons, or as JSON where a tag could be taken for two. */
function tagsCell(tags: readonly string[]): string {
  const isPlain = tags.every((tag) => !/[;,|[\]]/.test(tag));
  return isPlain ? tags.join("; ") : JSON.stringify(tags);
}

function tagsOf(cell: string): unknown {
  if (cell.trimStart().startsWith("[")) {
    try {
      return JSON.parse(cell) as unknown;
    } catch {
      // Then it is a tag that begins with a bracket.
    }
  }
  return cell
    .split(/[;,|]/)
    .map((tag) => tag.trim())
    .filter(Boolean);
}

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
