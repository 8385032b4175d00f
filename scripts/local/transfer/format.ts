/**
 * How Convex prints documents in an export: as JSON that people can read and that loses nothing. A
 * float has a dot (`5.0`), an int64 has none (`5`); only bytes and the floats that JSON does not know
 * are printed as in its other formats (`{"$bytes": …}`, `{"$float": …}`). A table printed so has the
 * line `"uniform"` in its `generated_schema.jsonl`.
 */
import { convexToJson, jsonToConvex, type JSONValue } from "convex/values";
import type { DocumentJson } from "../database/types";
import { integerJson } from "../database/documents";

export const UNIFORM = '"uniform"';

const STRING = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const STORED_TOKEN = new RegExp(
  String.raw`\{"\$integer":"([^"]*)"\}|\{"\$float":"([^"]*)"\}|${STRING}|${NUMBER}`,
  "g",
);
const EXPORTED_TOKEN = new RegExp(`${STRING}|${NUMBER}`, "g");

const NEGATIVE_ZERO = convexToJson(-0);

/** A stored document's text as a line of an export. */
export function toExportLine(text: string): string {
  return text.replace(STORED_TOKEN, (token, integer?: string, float?: string) => {
    if (integer !== undefined) return Buffer.from(integer, "base64").readBigInt64LE().toString();
    if (float !== undefined) return isNegativeZero(float) ? "-0.0" : token;
    return token.startsWith('"') || /[.eE]/.test(token) ? token : `${token}.0`;
  });
}

/** A line of an export as a document. @throws what is wrong with it */
export function fromExportLine(line: string): DocumentJson {
  return documentOf(line.replace(EXPORTED_TOKEN, numberToken));
}

/** A line that somebody else wrote, in which every number is a float. @throws what is wrong with it */
export function fromPlainLine(line: string): DocumentJson {
  return documentOf(line);
}

/** A value as the store keeps it: what Convex does not allow is refused here. */
export function toDocument(value: unknown): DocumentJson {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("it is not an object");
  }
  return convexToJson(jsonToConvex(value as JSONValue)) as DocumentJson;
}

function documentOf(json: string): DocumentJson {
  return toDocument(JSON.parse(json));
}

function numberToken(token: string): string {
  if (token.startsWith('"')) return token;
  if (!/[.eE]/.test(token)) {
    const integer = BigInt(token);
    if (BigInt.asIntN(64, integer) === integer) return JSON.stringify(integerJson(integer));
  }
  return Object.is(Number(token), -0) ? JSON.stringify(NEGATIVE_ZERO) : token;
}

function isNegativeZero(base64: string): boolean {
  return Object.is(Buffer.from(base64, "base64").readDoubleLE(), -0);
}
