import { readCell } from "../kit/csv";
import { didYouMean } from "../kit/didYouMean";
import { CellsOfRow } from "./contactCells";
import { CONTACT_COLUMNS, type ContactColumn } from "./contactColumnNames";
import { bare, ourColumn, theirColumn } from "./contactHeaders";
import type { FieldsOfRow } from "./contactRow";
import type { FieldProblem } from "../kit/errors";
import { unpackCustomFields } from "../kit/customFields";
import type { ObjectDoc } from "./registry";

/** Contacts as rows of a CSV file: what an export writes, and what an import reads. */
type Contact = ObjectDoc<"crm_contact">;

/** An export has them, for people to read; an import leaves them alone. */
const DERIVED: readonly string[] = ["name", "version", "createdAt", "updatedAt"];

const BY_NAME = new Map(
  CONTACT_COLUMNS.map((column): [string, ContactColumn] => [bare(column), column]),
);

/** What is done with columns that contacts do not have. */
export const UNKNOWN_COLUMNS = ["refuse", "ignore", "customFields"] as const;
export type UnknownColumns = (typeof UNKNOWN_COLUMNS)[number];

const CUSTOM = "customFields.";
const NAMELESS = "";

/**
 * What each column of a file means (contactHeaders.ts), or null for one that is left alone. Columns
 * that nothing is known of, and two of one meaning, are problems.
 */
export function columnsOf(
  header: readonly string[],
  unknownColumns: UnknownColumns,
): { columns: (string | null)[]; ignored: string[]; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const ignored: string[] = [];
  const seen = new Set<string>();
  const has = (names: readonly string[]): boolean =>
    header.some((name) => names.includes(bare(name)));
  // A German "Name" beside "Vorname" is the family's; in an export of ours, it is left alone.
  const nameMeans =
    has(["vorname"]) && !has(["nachname", "familienname", "zuname"]) ? "lastName" : "fullName";
  const columns = header.map((given) => {
    const name = given.trim();
    // Spreadsheets leave nameless columns at the right edge; what they hold is told row by row.
    if (name === "") return NAMELESS;
    const own = ownMeaning(name);
    if (own !== undefined) {
      const meaning = own === null && bare(name) === "name" ? nameMeans : own;
      if (meaning !== null && seen.has(meaning)) {
        const field = `header.${name}`;
        problems.push({ field, message: `is the second column for ${meaning}` });
      }
      if (meaning === null) ignored.push(name);
      else seen.add(meaning);
      return meaning;
    }
    const theirs = theirColumn(name);
    if (typeof theirs === "string" && (isOneOfSeveral(theirs) || !seen.has(theirs))) {
      seen.add(theirs);
      return theirs;
    }
    if (unknownColumns === "customFields" && !seen.has(CUSTOM + name)) {
      seen.add(CUSTOM + name);
      return CUSTOM + name;
    }
    // What a known program adds that contacts have no place for is named, and refused by nobody.
    if (unknownColumns === "ignore" || theirs !== undefined) ignored.push(name);
    else {
      const message = `is not a column of contacts${didYouMean(name, CONTACT_COLUMNS)}`;
      problems.push({ field: `header.${name}`, message });
    }
    return null;
  });
  return { columns, ignored, problems };
}

/** A column of ours; null for one that an import leaves alone, undefined for any other. */
function ownMeaning(name: string): string | null | undefined {
  if (name.startsWith(CUSTOM) && name.length > CUSTOM.length) return name;
  const column = BY_NAME.get(bare(name)) ?? ourColumn(name);
  return column !== undefined && DERIVED.includes(column) ? null : column;
}

function isOneOfSeveral(meaning: string): boolean {
  return /^(email\+|phone\+\d|website\+|middleName|[a-z0-9]+:more)$/.test(meaning);
}

/** A row's cells as the fields of a contact; empty cells are not given. */
export function fieldsOfCells(
  columns: readonly (string | null)[],
  cells: readonly string[],
): FieldsOfRow {
  const row = new CellsOfRow();
  for (const [index, column] of columns.entries()) {
    const cell = readCell(cells[index] ?? "");
    if (column === null || cell.trim() === "") continue;
    if (column === NAMELESS) {
      row.leave(`column ${index + 1}`, "has no name in the header, and is not kept");
      continue;
    }
    const problem = row.take(column, cell);
    if (problem) return { fields: {}, left: [], problem };
  }
  return { fields: row.fields(), left: row.left, problem: null };
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
