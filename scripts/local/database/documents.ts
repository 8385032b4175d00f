/** What a document may be, however a table describes it: Convex's limits, checked in one walk. */
import type { JSONValue } from "convex/values";
import {
  formatBytes,
  MAX_ARRAY_LENGTH,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_FIELDS,
  MAX_DOCUMENT_NESTING,
  MAX_FIELD_NAME_LENGTH,
  MAX_NESTED_FIELD_NAME_LENGTH,
} from "./limits";
import type { DocumentJson } from "./types";
import { kindOf } from "./validate";

/** A document as the store keeps it: its printed JSON and its size as Convex counts it. */
export type StoredDocument = {
  readonly text: string;
  readonly size: number;
  /** What the text says, of a document that was just printed: nobody changes it. */
  readonly fields?: DocumentJson;
};

const PLACEHOLDER = '{"$commitTs":null}';

/** Checks a document and prints it with its fields in order, as Convex hands it out. */
export function printDocument(document: DocumentJson): StoredDocument {
  const sorted: DocumentJson = {};
  let fields = 0;
  let size = 2;
  for (const field of Object.keys(document).sort()) {
    const value = document[field];
    if (value === undefined) continue;
    if (field !== "_id" && field !== "_creationTime") {
      checkFieldName(field);
    }
    sorted[field] = value;
    fields++;
    size += field.length + 1 + measure(value, 1);
  }
  // The two system fields come on top of what the developer may use.
  checkFieldCount(fields - 2);
  if (size > MAX_DOCUMENT_BYTES) {
    throw new Error(
      `Value is too large (${formatBytes(size)} > maximum size ${formatBytes(MAX_DOCUMENT_BYTES)})`,
    );
  }
  return { text: JSON.stringify(sorted), size, fields: sorted };
}

export function idOf(document: DocumentJson): string {
  if (typeof document._id !== "string") throw new Error("A stored document has no `_id`.");
  return document._id;
}

export function creationTimeOf(document: DocumentJson): number {
  const { _creationTime: time } = document;
  if (typeof time !== "number") throw new Error("A stored document has no `_creationTime`.");
  return time;
}

/** Quotes are escaped inside strings, so this text can only be a placeholder. */
export function hasPlaceholder(text: string): boolean {
  return text.includes(PLACEHOLDER);
}

export function resolvePlaceholders(text: string, commitTs: bigint): string {
  return text.replaceAll(PLACEHOLDER, JSON.stringify(integerJson(commitTs)));
}

export function integerJson(value: bigint): { $integer: string } {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return { $integer: bytes.toString("base64") };
}

/** The value at a path such as `a.b`, or undefined if the document has none. */
export function readField(document: DocumentJson, path: string): JSONValue | undefined {
  if (!path.includes(".")) return Object.hasOwn(document, path) ? document[path] : undefined;
  let value: JSONValue | undefined = document;
  for (const field of path.split(".")) {
    if (value === undefined || kindOf(value) !== "object") return undefined;
    const object = value as DocumentJson;
    value = Object.hasOwn(object, field) ? object[field] : undefined;
  }
  return value;
}

/** The size of a value as `getConvexSize` of `convex/values` counts it; throws over a limit. */
function measure(value: JSONValue, depth: number): number {
  if (value === null) return 1;
  switch (typeof value) {
    case "boolean":
      return 1;
    case "number":
      return 9;
    case "string":
      checkText(value);
      return 2 + Buffer.byteLength(value);
  }
  if (Array.isArray(value)) return measureArray(value, depth + 1);
  if (typeof value.$bytes === "string") return 2 + Buffer.byteLength(value.$bytes, "base64");
  if ("$integer" in value || "$float" in value || "$commitTs" in value) return 9;
  return measureObject(value, depth + 1);
}

function measureArray(value: JSONValue[], depth: number): number {
  if (value.length > MAX_ARRAY_LENGTH) {
    throw new Error(
      `Array length is too long (${value.length} > maximum length ${MAX_ARRAY_LENGTH})`,
    );
  }
  checkNesting(depth);
  let size = 2;
  for (const element of value) size += measure(element, depth);
  return size;
}

function measureObject(value: DocumentJson, depth: number): number {
  checkNesting(depth);
  const fields = Object.entries(value);
  checkFieldCount(fields.length);
  let size = 2;
  for (const [field, inner] of fields) {
    checkFieldName(field, MAX_NESTED_FIELD_NAME_LENGTH);
    size += field.length + 1 + measure(inner, depth);
  }
  return size;
}

function checkNesting(depth: number): void {
  if (depth <= MAX_DOCUMENT_NESTING) return;
  throw new Error(
    `Document is too nested (nested ${depth} levels deep > maximum nesting ${MAX_DOCUMENT_NESTING})`,
  );
}

function checkFieldCount(fields: number): void {
  if (fields <= MAX_DOCUMENT_FIELDS) return;
  throw new Error(`Object has too many fields (${fields} > maximum number ${MAX_DOCUMENT_FIELDS})`);
}

const USUAL_FIELD_NAME = /^[A-Za-z][A-Za-z0-9]*$/;

export function checkFieldName(field: string, maxLength = MAX_FIELD_NAME_LENGTH): void {
  if (field.length <= maxLength && USUAL_FIELD_NAME.test(field)) return;
  if (field === "") throw new Error("Field name cannot be empty");
  if (field.startsWith("$")) {
    throw new Error(`Field name ${field} starts with '$', which is reserved.`);
  }
  if (field.startsWith("_")) {
    throw new Error(
      `Field '${field}' starts with an underscore, which is only allowed for system fields like '_id'`,
    );
  }
  for (const character of field) {
    if (character < " " || character > "~") {
      throw new Error(
        `Field name ${field} has invalid character '${character}': ` +
          "Field names can only contain non-control ASCII characters",
      );
    }
  }
  if (field.length > maxLength) {
    throw new Error(`Field name is too long (${field.length} > maximum ${maxLength})`);
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) {
    throw new Error("String contains an unpaired surrogate, which Convex cannot store.");
  }
}
