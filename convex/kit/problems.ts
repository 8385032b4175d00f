import * as z from "zod";
import { didYouMean } from "./didYouMean";
import type { FieldProblem, Problem } from "./errors";

/**
 * What a schema finds wrong with a value, in words that go on from the value's path: "body.email: is
 * required". This is the only place where zod's issues become words that a caller reads: whoever reads
 * what came from outside calls `readAs`. A message that a schema has of its own stays.
 */

/** No answer names more; what a caller sent decides how many there are. */
const MAX_PROBLEMS = 50;
/** Of a name that a caller has made up, so much is said back. */
const MAX_NAME = 100;
/** Of a long enumeration, so many values are said. */
const MAX_VALUES = 60;

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;
/** The fields of the object that an issue of unknown ones is about, by that issue's own list. */
type KnownFields = ReadonlyMap<readonly string[], readonly string[]>;

export type ReadValue<Schema extends z.ZodType> =
  { data: z.output<Schema>; problems?: undefined } | { data?: undefined; problems: Problem[] };

/**
 * A value as its schema gives it, or every problem of it, under the path that it stands at (`body`).
 * @param further names that are known beside the schema's own fields
 */
export function readAs<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  value: unknown,
  further: readonly string[] = [],
): ReadValue<Schema> {
  const known = new Map<readonly string[], readonly string[]>();
  const parsed = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") known.set(issue.keys, fieldsOf(issue.inst));
      return inWords(issue);
    },
  });
  if (parsed.success) return { data: parsed.data };
  const problems: Problem[] = [];
  for (const issue of parsed.error.issues) {
    if (problems.length >= MAX_PROBLEMS) break;
    problems.push(...problemsOf(path, issue, known, further));
  }
  return { problems: problems.slice(0, MAX_PROBLEMS) };
}

type ReadFields<Schema extends z.ZodType> =
  { data: z.output<Schema>; problems?: undefined } | { data?: undefined; problems: FieldProblem[] };

/** The same of a record, or of one `field` of it, wherever that stands. */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  field = "",
): ReadFields<Schema> {
  const read = readAs(field, schema, value);
  return read.problems ? { problems: read.problems.map(asField) } : read;
}

export function asField({ path: field, message }: Problem): FieldProblem {
  return { field, message };
}

/** One for each field that is not known, with what may have been meant. */
export function unknownFields(
  path: string,
  names: readonly string[],
  known: readonly string[],
): Problem[] {
  return names.slice(0, MAX_PROBLEMS).map((name) => ({
    path: joined(path, name),
    message: `is not a known field${didYouMean(name, known)}`,
  }));
}

function problemsOf(
  at: string,
  issue: Issue,
  known: KnownFields,
  further: readonly string[] = [],
): Problem[] {
  const path = issue.path.reduce<string>((whole, step) => joined(whole, String(step)), at);
  if (issue.code === "unrecognized_keys") {
    return unknownFields(path, issue.keys, [...(known.get(issue.keys) ?? []), ...further]);
  }
  const meant = issue.code === "invalid_union" ? likeliest(issue.errors) : null;
  return meant
    ? meant.flatMap((inner) => problemsOf(path, inner, known))
    : [{ path, message: issue.message }];
}

/**
 * The problems of the form that was meant, where a value fits none of several: the one in which the
 * fewest fields are wrong. None where each of them refuses the value whole.
 */
function likeliest(forms: readonly Issue[][]): Issue[] | null {
  const begun = forms.filter((issues) => issues.every(isAboutFields));
  const [fewest] = [...begun].sort((one, other) => one.length - other.length);
  return fewest ?? null;
}

function isAboutFields({ code, path }: Issue): boolean {
  return path.length > 0 || code === "unrecognized_keys";
}

function joined(path: string, step: string): string {
  const shown = step.length > MAX_NAME ? `${step.slice(0, MAX_NAME).toWellFormed()}…` : step;
  return path === "" ? shown : `${path}.${shown}`;
}

/** The names that an object has, or a record whose names are an enumeration. */
function fieldsOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  const names = schema instanceof z.ZodRecord ? schema.keyType : null;
  return names instanceof z.ZodEnum ? names.options.map(String) : [];
}

/** For a schema that is read within another one's transform, whose issues it hands on. */
export function inWords(issue: RawIssue): string {
  const { input } = issue;
  if (input === undefined && issue.code !== "custom") return "is required";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${nounOf(issue.expected)}${instead(input, issue.expected)}`;
    case "invalid_value":
      return `must be ${choiceOf(issue.values)}${near(input, issue.values)}`;
    case "too_small":
      return boundOf(issue, issue.inclusive === false ? "more than" : "at least", issue.minimum);
    case "too_big":
      return boundOf(issue, issue.inclusive === false ? "less than" : "at most", issue.maximum);
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return FORMATS[issue.format] ?? "has not the form that it must have";
    case "invalid_union":
      return unionOf(issue);
    case "invalid_key":
      return "is not a name that it may have";
    case "invalid_element":
      return "has an entry that is not allowed";
    case "unrecognized_keys":
      return "has unknown fields";
    case "custom":
      return "is not valid";
  }
}

const NOUNS: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  record: "an object",
  object: "an object",
  null: "null",
  undefined: "left out",
  never: "left out",
};

function nounOf(expected: string): string {
  return NOUNS[expected] ?? `a ${expected}`;
}

/** `, not a number`: what was sent, where that is of another kind than a number that does not do. */
function instead(input: unknown, expected?: string): string {
  if (typeof input === "number" && (expected === "number" || expected === "int")) return "";
  if (input === null || typeof input === "boolean") return `, not ${input}`;
  return `, not ${nounOf(Array.isArray(input) ? "array" : typeof input)}`;
}

const FORMATS: Record<string, string> = {
  email: "must be an e-mail address",
  url: "must be a web address",
  uuid: "must be a UUID",
  guid: "must be a UUID",
  date: "must be a day such as 2026-08-31",
  datetime: "must be a time such as 2026-08-31T10:00:00Z",
  time: "must be a time of day such as 10:00",
};

function choiceOf(values: readonly unknown[]): string {
  if (values.length === 1) return said(values[0]);
  const shown = values.slice(0, MAX_VALUES).map(said).join(", ");
  const more = values.length - MAX_VALUES;
  return `one of ${shown}${more > 0 ? ` and ${more} others` : ""}`;
}

/** Words as they are; what would not be read as one value is quoted. */
function said(value: unknown): string {
  const isWord = typeof value === "string" && /^[^\s,"]+$/.test(value);
  return isWord ? value : JSON.stringify(value);
}

function near(input: unknown, values: readonly unknown[]): string {
  if (typeof input !== "string") return instead(input);
  return didYouMean(
    input,
    values.filter((value) => typeof value === "string"),
  );
}

const COUNTED: Record<string, [one: string, many: string]> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
  set: ["entry", "entries"],
  map: ["entry", "entries"],
  file: ["byte", "bytes"],
};

function boundOf(
  { origin, exact }: { origin: string; exact?: boolean | undefined },
  how: string,
  limit: number | bigint,
): string {
  const units = COUNTED[origin];
  const bound = exact ? "exactly" : how;
  if (!units) return `must be ${bound} ${limit}`;
  if (bound === "at least" && Number(limit) === 1) return "must not be empty";
  return `must have ${bound} ${limit} ${Number(limit) === 1 ? units[0] : units[1]}`;
}

type UnionIssue = Extract<RawIssue, { code: "invalid_union" }>;

/** What goes for all forms together, where none of them was meant. */
function unionOf(issue: UnionIssue): string {
  const { input, errors } = issue;
  const options: unknown = "options" in issue ? issue.options : undefined;
  if (Array.isArray(options) && "discriminator" in issue) {
    const given = (input as Record<string, unknown>)[String(issue.discriminator)];
    return given === undefined
      ? "is required"
      : `must be ${choiceOf(options)}${near(given, options)}`;
  }
  const asked = errors.map(([first]) => wantedBy(first));
  const whole = asked.filter((wanted) => wanted !== null);
  if (whole.length === 0) return "fits none of the forms that it may have";
  const nouns = [...new Set(whole)];
  const last = nouns.pop();
  return `must be ${nouns.length > 0 ? `${nouns.join(", ")} or ${last}` : last}`;
}

function wantedBy(issue: Issue | undefined): string | null {
  if (issue?.code === "invalid_type") return nounOf(issue.expected);
  if (issue?.code === "invalid_value") return issue.values.map(said).join(", ");
  return /^must be (.+)$/.exec(issue?.message ?? "")?.[1] ?? null;
}
