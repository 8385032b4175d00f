import { v } from "convex/values";
import type * as z from "zod";
import { withoutEmptyText } from "./emptyText";
import { ApiError, invalid, invalidFields, type Problem } from "./errors";
import { ROUNDED, roundedNumber } from "./jsonNumbers";
import { once } from "./once";
import { asField, readAs, type ReadValue, unknownFields } from "./problems";
import { takesSeveral } from "./several";
import { findUnsafeValue } from "./text";
import { readingIn, TimeZoneNeeded } from "./reading";

/** A request's own words, untouched: names and values as pairs, the body as it came. */
export const requestValidator = v.object({
  params: v.array(v.array(v.string())),
  query: v.array(v.array(v.string())),
  body: v.union(v.string(), v.null()),
});
export type RequestInput = typeof requestValidator.type;

const MAX_PROBLEMS = 50;

/** What of an endpoint's definition says how its requests are read. */
type Schemas = {
  method?: string;
  params?: () => z.ZodObject;
  query?: () => z.ZodObject;
  body?: () => z.ZodType;
  saysUndefined?: readonly string[];
};

/** The same, with each schema made once, for the first request that needs it. */
export function schemasOf({ method, params, query, body, saysUndefined }: Schemas): Schemas {
  return {
    ...{ method, saysUndefined },
    params: params && once(params),
    query: query && once(query),
    body: body && once(body),
  };
}

type Parsed = { params: unknown; query: unknown; body: unknown };

/**
 * Validates the three parts of a request against an endpoint's schemas. A part without a schema must
 * be empty: an unknown parameter is refused, not ignored. Whose days those of the request are is
 * looked up only where it speaks of days.
 * @throws INVALID_JSON, VALIDATION_ERROR with every problem's path (`body.email`, `query.limit`)
 */
export async function parseInput(
  schemas: Schemas,
  request: RequestInput,
  timeZoneOf: () => string | Promise<string>,
): Promise<Parsed> {
  try {
    return readingIn(null, () => parseParts(schemas, request));
  } catch (error) {
    if (!(error instanceof TimeZoneNeeded)) throw error;
  }
  return readingIn(await timeZoneOf(), () => parseParts(schemas, request));
}

function parseParts(schemas: Schemas, request: RequestInput): Parsed {
  const problems: Problem[] = [];
  const params = parsePart(
    "params",
    schemas.params?.(),
    Object.fromEntries(pairs(request.params)),
    problems,
  );
  const given = withoutUndefined(request.query, schemas.saysUndefined);
  // What serve.ts takes out of it before.
  const further = schemas.method === "GET" ? [] : ["dryRun"];
  const querySchema = schemas.query?.();
  const asked = queryRecord(given, querySchema, problems);
  const query = parsePart("query", querySchema, asked, problems, further);
  const body = schemas.body
    ? parseBody(schemas.body(), schemas.method, request.body, problems)
    : undefined;
  if (problems.length > 0) throw invalid(problems.slice(0, MAX_PROBLEMS));
  return { params, query, body };
}

/** How the value of an argument is read. */
type Reading = {
  /** Whose days it speaks of; null where it speaks of none. */
  timeZone: string | null;
  /** Whether it changes what is there, as `PATCH` does. */
  isChange?: boolean;
};

/**
 * Validates what did not come as a request, such as the `data` of a live function.
 * @throws VALIDATION_ERROR with paths that begin with its name
 */
export function parseArgument<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  value: unknown,
  reading: Reading,
): z.output<Schema> {
  const read = readValue(name, schema, value, reading);
  if (read.problems) throw invalid(read.problems);
  return read.data;
}

/**
 * Validates a record, or one `field` of it, that its reader does not know the place of.
 * @throws VALIDATION_ERROR that names the fields
 */
export function parseFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  reading: Reading,
  field = "",
): z.output<Schema> {
  const read = readValue(field, schema, value, reading);
  if (read.problems) throw invalidFields(read.problems.map(asField));
  return read.data;
}

function readValue<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  value: unknown,
  { timeZone, isChange = false }: Reading,
): ReadValue<Schema> {
  const unsafe = findUnsafeValue(value, path);
  if (unsafe) return { problems: [unsafe] };
  const sent = withoutEmptyText(schema, value, isChange);
  return readingIn(timeZone, () => readAs(path, schema, sent));
}

function parsePart(
  part: "params" | "query" | "body",
  schema: z.ZodType | undefined,
  value: unknown,
  problems: Problem[],
  further: readonly string[] = [],
): unknown {
  if (!schema) {
    if (part === "query")
      problems.push(...unknownFields(part, Object.keys(value as object), further));
    return undefined;
  }
  const read = readAs(part, schema, value, further);
  problems.push(...(read.problems ?? []));
  return read.data;
}

function parseBody(
  schema: z.ZodType,
  method: string | undefined,
  body: string | null,
  problems: Problem[],
): unknown {
  const value = body === null ? undefined : readJson(body);
  const unsafe = body === null ? null : (findUnsafeValue(value, "body") ?? findRounded(body));
  if (unsafe) {
    problems.push(unsafe);
    return undefined;
  }
  const given = withoutEmptyText(schema, value, method === "PATCH");
  return parsePart("body", schema, given, problems);
}

function findRounded(body: string): Problem | null {
  const path = roundedNumber(body, "body");
  return path === null ? null : { path, message: ROUNDED };
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable";
    throw new ApiError("INVALID_JSON", `The body is not JSON: ${reason}`);
  }
}

/**
 * Without those of the named parameters that a client's `new URLSearchParams(filters)` wrote for a
 * filter that it has not got.
 */
function withoutUndefined(query: string[][], names: readonly string[] = []): string[][] {
  return query.filter(([name = "", value]) => value !== "undefined" || !names.includes(name));
}

/** Each parameter once; the values of one that takes several are gathered. */
function queryRecord(
  query: string[][],
  schema: z.ZodObject | undefined,
  problems: Problem[],
): Record<string, string | string[]> {
  const record = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of pairs(query)) {
    const unsafe = findUnsafeValue([name, value], "query");
    if (unsafe) problems.push({ ...unsafe, path: `query.${name}` });
    const before = record[name];
    const isFurther = before !== undefined && takesSeveral(schema, name);
    if (before !== undefined && !isFurther)
      problems.push({ path: `query.${name}`, message: "is given more than once" });
    record[name] = isFurther ? [before, value].flat() : value;
  }
  return record;
}

function pairs(list: string[][]): [string, string][] {
  return list.map(([name = "", value = ""]) => [name, value]);
}
