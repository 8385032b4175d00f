/** Values and validators as Convex prints them in its error messages. */
import type { JSONValue, ValidatorJSON } from "convex/values";

/** Convex's backend sorts fields, and shows a float64 with a point and an int64 without. */
export function printValue(value: JSONValue): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? `${value}.0` : String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(printValue).join(", ")}]`;
  if (typeof value.$integer === "string") {
    return Buffer.from(value.$integer, "base64").readBigInt64LE().toString();
  }
  if (typeof value.$float === "string") return printSpecialFloat(value.$float);
  if (typeof value.$bytes === "string") return `b${JSON.stringify(value.$bytes)}`;
  if ("$commitTs" in value) return "[unresolved commit timestamp]";
  const fields = inOrder(value).map(([field, inner]) => `${field}: ${printValue(inner)}`);
  return `{${fields.join(", ")}}`;
}

function inOrder<T>(object: Record<string, T>): [string, T][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}

function printSpecialFloat(base64: string): string {
  const value = Buffer.from(base64, "base64").readDoubleLE();
  if (Object.is(value, -0)) return "-0.0";
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "inf" : "-inf";
}

export function printLiteral(literal: JSONValue): string {
  if (typeof literal === "object" && literal !== null) {
    return "$integer" in literal ? "<bigint>" : "<number>";
  }
  return typeof literal === "number" ? printValue(literal) : JSON.stringify(literal);
}

const SIMPLE: Record<string, string> = {
  null: "v.null()",
  number: "v.float64()",
  bigint: "v.int64()",
  commitTs: "v.commitTs()",
  boolean: "v.boolean()",
  string: "v.string()",
  bytes: "v.bytes()",
  any: "v.any()",
};

export function printValidator(validator: ValidatorJSON): string {
  switch (validator.type) {
    case "id":
      return `v.id("${validator.tableName}")`;
    case "literal":
      return `v.literal(${printLiteral(validator.value)})`;
    case "array":
      return `v.array(${printValidator(validator.value)})`;
    case "record":
      return (
        `v.record(${printValidator(validator.keys)}, ` +
        `${printValidator(validator.values.fieldType)})`
      );
    case "union":
      return `v.union(${validator.value.map(printValidator).join(", ")})`;
    case "object": {
      const printed = inOrder(validator.value).map(([field, { fieldType, optional }]) => {
        const type = printValidator(fieldType);
        return `${field}: ${optional ? `v.optional(${type})` : type}`;
      });
      return `v.object({${printed.join(", ")}})`;
    }
    default:
      return SIMPLE[validator.type] ?? validator.type;
  }
}
