/**
 * The expressions of `.filter()`, compiled once a query. Comparisons order values as indexes do
 * (a missing field before null, null before everything else); arithmetic takes two numbers of one
 * kind; logic takes booleans only.
 */
import type { JSONValue } from "convex/values";
import { integerJson, readField } from "./documents";
import { encodeKey } from "./keys";
import { printValue } from "./print";
import type { DocumentJson } from "./types";
import { kindOf } from "./validate";

/** Undefined stands for a field that a document does not have. */
type Value = JSONValue | undefined;
type Expression = (document: DocumentJson) => Value;

export type Filter = (document: DocumentJson) => boolean;

export function compileFilter(json: JSONValue): Filter {
  const expression = compile(json);
  return (document) => asBoolean(expression(document));
}

function compile(json: JSONValue): Expression {
  const entries =
    typeof json === "object" && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  const [[operator, operand] = ["", null], ...others] = entries;
  if (others.length > 0) throw invalid(json);
  switch (operator) {
    case "$field":
      if (typeof operand !== "string") throw invalid(json);
      return compileField(operand);
    case "$literal":
      return compileLiteral(operand);
    case "$eq":
      return compare(operand, (order) => order === 0);
    case "$neq":
      return compare(operand, (order) => order !== 0);
    case "$lt":
      return compare(operand, (order) => order < 0);
    case "$lte":
      return compare(operand, (order) => order <= 0);
    case "$gt":
      return compare(operand, (order) => order > 0);
    case "$gte":
      return compare(operand, (order) => order >= 0);
    case "$add":
      return arithmetic(
        operand,
        "add",
        (a, b) => a + b,
        (a, b) => a + b,
      );
    case "$sub":
      return arithmetic(
        operand,
        "subtract",
        (a, b) => a - b,
        (a, b) => a - b,
      );
    case "$mul":
      return arithmetic(
        operand,
        "multiply",
        (a, b) => a * b,
        (a, b) => a * b,
      );
    case "$div":
      return arithmetic(
        operand,
        "divide",
        (a, b) => a / b,
        (a, b) => a / b,
      );
    case "$mod":
      return arithmetic(
        operand,
        "mod",
        (a, b) => a % b,
        (a, b) => a % b,
      );
    case "$neg":
      return negate(compile(operand));
    case "$and": {
      const all = compileList(operand);
      return (document) => all.every((each) => asBoolean(each(document)));
    }
    case "$or": {
      const any = compileList(operand);
      return (document) => any.some((each) => asBoolean(each(document)));
    }
    case "$not": {
      const inner = compile(operand);
      return (document) => !asBoolean(inner(document));
    }
    default:
      throw invalid(json);
  }
}

function invalid(json: JSONValue): Error {
  return new Error(`Invalid filter expression: ${JSON.stringify(json)}`);
}

function compileList(operand: JSONValue): Expression[] {
  if (!Array.isArray(operand)) {
    throw invalid(operand);
  }
  return operand.map(compile);
}

function compilePair(operand: JSONValue): [Expression, Expression] {
  const [left, right, ...rest] = compileList(operand);
  if (left === undefined || right === undefined || rest.length > 0) {
    throw invalid(operand);
  }
  return [left, right];
}

function compileField(path: string): Expression {
  return (document) => readField(document, path);
}

function compileLiteral(literal: JSONValue): Expression {
  const missing =
    typeof literal === "object" && literal !== null && !Array.isArray(literal)
      ? "$undefined" in literal
      : false;
  const value = missing ? undefined : literal;
  return () => value;
}

function compare(operand: JSONValue, accept: (order: number) => boolean): Expression {
  const [left, right] = compilePair(operand);
  return (document) => accept(compareValues(left(document), right(document)));
}

function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : 1;
  const left = encodeKey(a);
  const right = encodeKey(b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

type Number64 = { kind: "int64"; value: bigint } | { kind: "float64"; value: number };

function toNumber(value: Value): Number64 | null {
  if (value === undefined) return null;
  if (typeof value === "number") return { kind: "float64", value };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  if (typeof value.$integer === "string") {
    return { kind: "int64", value: Buffer.from(value.$integer, "base64").readBigInt64LE() };
  }
  if (typeof value.$float === "string") {
    return { kind: "float64", value: Buffer.from(value.$float, "base64").readDoubleLE() };
  }
  return null;
}

function fromFloat(value: number): JSONValue {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return { $float: bytes.toString("base64") };
}

function fromInteger(value: bigint, tooLarge: string): JSONValue {
  if (BigInt.asIntN(64, value) !== value) throw new Error(tooLarge);
  return integerJson(value);
}

function arithmetic(
  operand: JSONValue,
  name: string,
  integers: (a: bigint, b: bigint) => bigint,
  floats: (a: number, b: number) => number,
): Expression {
  const [left, right] = compilePair(operand);
  return (document) => {
    const a = left(document);
    const b = right(document);
    const x = toNumber(a);
    const y = toNumber(b);
    if (x?.kind === "float64" && y?.kind === "float64") return fromFloat(floats(x.value, y.value));
    if (x?.kind === "int64" && y?.kind === "int64") {
      if (y.value === 0n && (name === "divide" || name === "mod")) {
        throw new Error(`Cannot ${name} ${x.value} by zero`);
      }
      return fromInteger(
        integers(x.value, y.value),
        `Cannot ${name} ${x.value} and ${y.value}: the result is out of range for Int64`,
      );
    }
    throw new Error(`Cannot ${name} ${describe(a)} and ${describe(b)}`);
  };
}

function negate(inner: Expression): Expression {
  return (document) => {
    const value = inner(document);
    const number = toNumber(value);
    if (number === null) throw new Error(`Cannot negate ${describe(value)}`);
    return number.kind === "float64"
      ? fromFloat(-number.value)
      : fromInteger(
          -number.value,
          `Cannot negate ${number.value}: the result is out of range for Int64`,
        );
  };
}

const TYPE_NAMES = {
  null: "Null",
  boolean: "Boolean",
  string: "String",
  float64: "Float64",
  int64: "Int64",
  bytes: "Bytes",
  array: "Array",
  object: "Object",
} as const;

function describe(value: Value): string {
  if (value === undefined) return "undefined (type Undefined)";
  return `${printValue(value)} (type ${TYPE_NAMES[kindOf(value)]})`;
}

function asBoolean(value: Value): boolean {
  if (typeof value === "boolean") return value;
  const found = value === undefined ? "undefined" : printValue(value);
  throw new Error(`Expected a boolean in a filter expression, got ${found}`);
}
