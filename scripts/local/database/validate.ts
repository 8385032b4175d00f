/**
 * Checks values against the validators that `convex/values` exports as JSON, for documents as for
 * the arguments and results of functions, and refuses in Convex's words.
 */
import type { JSONValue, ValidatorJSON } from "convex/values";
import { decodeId } from "./ids";
import { printLiteral, printValidator, printValue } from "./print";

export type ObjectFieldsJson = Record<string, { fieldType: ValidatorJSON; optional: boolean }>;

/** The name of the table with this number, or null if there is none. */
export type TableNames = (tableNumber: number) => string | null;

type Failure = { text: string; tail?: string; path: string[] };

/** `explains`: whether somebody wants to know why. Nearly everything matches, or is tried in a union. */
type Checking = { tableName: TableNames; explains: boolean };

const UNEXPLAINED: Failure = { text: "", path: [] };

/** Null if the value matches; otherwise what is wrong, and where. */
export function checkValue(
  validator: ValidatorJSON,
  value: JSONValue,
  tableName: TableNames,
): string | null {
  if (check(validator, value, { tableName, explains: false }) === null) return null;
  // Convex looks at fields in their order, which decides what of several faults it names.
  const failure = check(sortFields(validator), value, { tableName, explains: true });
  if (failure === null) return null;
  const path = failure.path.length > 0 ? `Path: ${failure.path.reverse().join("")}` : "";
  return failure.tail === undefined
    ? `${failure.text}${path}`
    : `${failure.text}\n${path}\n${failure.tail}`;
}

export type ValueKind =
  "null" | "boolean" | "string" | "float64" | "int64" | "bytes" | "array" | "object";

/** Which Convex type a piece of Convex JSON is. A commit timestamp counts as the int64 it becomes. */
export function kindOf(value: JSONValue): ValueKind {
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return "float64";
    case "boolean":
      return "boolean";
  }
  if (Array.isArray(value)) return "array";
  if ("$integer" in value || "$commitTs" in value) return "int64";
  if ("$float" in value) return "float64";
  if ("$bytes" in value) return "bytes";
  return "object";
}

function check(validator: ValidatorJSON, value: JSONValue, checking: Checking): Failure | null {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : noMatch(validator, value, checking);
    case "string":
      return typeof value === "string" ? null : noMatch(validator, value, checking);
    case "boolean":
      return typeof value === "boolean" ? null : noMatch(validator, value, checking);
    case "number":
      return kindOf(value) === "float64" ? null : noMatch(validator, value, checking);
    case "bigint":
    case "commitTs":
      return kindOf(value) === "int64" ? null : noMatch(validator, value, checking);
    case "bytes":
      return kindOf(value) === "bytes" ? null : noMatch(validator, value, checking);
    case "literal":
      return checkLiteral(validator.value, value, checking);
    case "id":
      return checkId(validator, value, checking);
    case "array":
      return Array.isArray(value)
        ? checkArray(validator.value, value, checking)
        : noMatch(validator, value, checking);
    case "record":
      return isObject(value)
        ? checkRecord(validator, value, checking)
        : noMatch(validator, value, checking);
    case "object":
      return isObject(value)
        ? checkObject(validator.value, value, checking)
        : noMatch(validator, value, checking);
    case "union":
      return checkUnion(validator, value, checking);
    default:
      validator satisfies never;
      throw new Error(`Unknown validator type: ${JSON.stringify(validator)}`);
  }
}

function sortFields(validator: ValidatorJSON): ValidatorJSON {
  switch (validator.type) {
    case "object": {
      const fields: ObjectFieldsJson = {};
      const entries = Object.entries(validator.value).sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [field, { fieldType, optional }] of entries) {
        fields[field] = { fieldType: sortFields(fieldType), optional };
      }
      return { type: "object", value: fields };
    }
    case "array":
      return { type: "array", value: sortFields(validator.value) };
    case "union":
      return { type: "union", value: validator.value.map(sortFields) };
    default:
      return validator;
  }
}

function noMatch(validator: ValidatorJSON, value: JSONValue, { explains }: Checking): Failure {
  if (!explains) return UNEXPLAINED;
  return {
    text: "Value does not match validator.",
    get tail(): string {
      return `Value: ${printValue(value)}\nValidator: ${printValidator(validator)}`;
    },
    path: [],
  };
}

function isObject(value: JSONValue): value is { [field: string]: JSONValue } {
  return kindOf(value) === "object";
}

function checkLiteral(
  literal: JSONValue,
  value: JSONValue,
  { explains }: Checking,
): Failure | null {
  if (literal === value) return null;
  const special = typeof literal === "object" && typeof value === "object";
  if (special && JSON.stringify(literal) === JSON.stringify(value)) return null;
  if (!explains) return UNEXPLAINED;
  return {
    get text(): string {
      return (
        `\`${printValue(value)}\` does not match literal validator ` +
        `\`v.literal(${printLiteral(literal)})\`.`
      );
    },
    path: [],
  };
}

function checkId(
  validator: ValidatorJSON & { type: "id" },
  value: JSONValue,
  checking: Checking,
): Failure | null {
  if (typeof value !== "string") return noMatch(validator, value, checking);
  const id = decodeId(value);
  const found = id === null ? null : checking.tableName(id.tableNumber);
  if (found === null) return noMatch(validator, value, checking);
  if (found === validator.tableName) return null;
  const from = found.startsWith("_") ? "a system table" : `table \`${found}\``;
  return {
    text:
      `Found ID "${value}" from ${from}, which does not match the table name ` +
      `in validator \`v.id("${validator.tableName}")\`.`,
    path: [],
  };
}

function checkArray(
  element: ValidatorJSON,
  value: JSONValue[],
  checking: Checking,
): Failure | null {
  for (const [i, each] of value.entries()) {
    const failure = check(element, each, checking);
    if (failure !== null) return at(failure, `[${i}]`);
  }
  return null;
}

function checkRecord(
  validator: ValidatorJSON & { type: "record" },
  value: { [field: string]: JSONValue },
  checking: Checking,
): Failure | null {
  for (const [key, each] of Object.entries(value)) {
    const ofKey = check(validator.keys, key, checking);
    if (ofKey !== null) return at(ofKey, ".keys()");
    const ofValue = check(validator.values.fieldType, each, checking);
    if (ofValue !== null) return at(ofValue, ".values()");
  }
  return null;
}

function checkObject(
  fields: ObjectFieldsJson,
  value: { [field: string]: JSONValue },
  checking: Checking,
): Failure | null {
  for (const field in fields) {
    const { fieldType, optional } = fields[field] as ObjectFieldsJson[string];
    const inner = Object.hasOwn(value, field) ? value[field] : undefined;
    if (inner !== undefined) {
      const failure = check(fieldType, inner, checking);
      if (failure !== null) return at(failure, `.${field}`);
    } else if (!optional) {
      return badObject(
        `Object is missing the required field \`${field}\`. Consider wrapping the field ` +
          "validator in `v.optional(...)` if this is expected.",
        fields,
        value,
        checking,
      );
    }
  }
  for (const field in value) {
    if (!Object.hasOwn(fields, field)) {
      return badObject(
        `Object contains extra field \`${field}\` that is not in the validator.`,
        fields,
        value,
        checking,
      );
    }
  }
  return null;
}

function badObject(
  text: string,
  fields: ObjectFieldsJson,
  value: { [field: string]: JSONValue },
  { explains }: Checking,
): Failure {
  if (!explains) return UNEXPLAINED;
  return {
    text,
    // Printed on demand: a union tries members that fail, and their texts are thrown away.
    get tail(): string {
      const validator = printValidator({ type: "object", value: fields });
      return `Object: ${printValue(value)}\nValidator: ${validator}`;
    },
    path: [],
  };
}

function checkUnion(
  validator: ValidatorJSON & { type: "union" },
  value: JSONValue,
  checking: Checking,
): Failure | null {
  // As in Convex, the one member of a trivial union explains itself; of several, none does.
  const [only, ...others] = validator.value;
  if (only !== undefined && others.length === 0) return check(only, value, checking);
  for (const member of validator.value) {
    if (check(member, value, checking) === null) return null;
  }
  return noMatch(validator, value, checking);
}

function at(failure: Failure, step: string): Failure {
  if (failure === UNEXPLAINED) return failure;
  failure.path.push(step);
  return failure;
}
