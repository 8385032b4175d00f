import * as z from "zod";
import { type FieldProblem, invalidFields } from "./errors";
import { readFields } from "./problems";

/**
 * Changes as JSON Merge Patch has them (RFC 7396): an object in a change is merged into the one that is
 * there, field by field and as deep as it goes; `null` removes a field, a list takes the place of the
 * one before. What has keys of the caller's own, such as custom fields, is one value here, as a list is.
 *
 * A change is read by `patchOf` of the schema of its fields, and `mergedChanges` makes whole objects of
 * it again, which that schema allows.
 */

/**
 * Objects that are another thing when one of these fields is given: a party that is named, a schedule
 * whose frequency is. Then nothing is kept of the one before.
 */
export const beginsAnew = z.registry<{ with: readonly string[] }>();

type Shape = Readonly<Record<string, z.ZodType>>;

/** A field of a change: the objects in it may be sent in part. */
type Patched<F> =
  F extends z.ZodOptional<infer Inner>
    ? z.ZodOptional<Patched<Inner> & z.ZodType>
    : F extends z.ZodNullable<infer Inner>
      ? z.ZodNullable<Patched<Inner> & z.ZodType>
      : F extends z.ZodObject<infer Fields>
        ? z.ZodObject<PatchShape<Fields>, z.core.$strict>
        : F;

/** The fields of such an object: each may be left out, and `null` removes those that may be absent. */
type PatchShape<Fields> = {
  -readonly [F in keyof Fields]: Fields[F] extends z.ZodOptional<infer Inner>
    ? z.ZodOptional<z.ZodNullable<Patched<Inner> & z.ZodType>>
    : z.ZodOptional<Patched<Fields[F]> & z.ZodType>;
};

type PatchOf<Fields extends Shape> = z.ZodObject<
  { -readonly [F in keyof Fields]: Patched<Fields[F]> & z.ZodType },
  z.core.$strict
>;

/** A schema of changes, whose nested objects are whole, as one that takes them in part. */
export function patchOf<Fields extends Shape>(update: z.ZodObject<Fields>): PatchOf<Fields> {
  const fields = Object.entries(update.shape);
  const shape = Object.fromEntries(fields.map(([name, field]) => [name, patched(field)]));
  return z.strictObject(shape) as PatchOf<Fields>;
}

function patched(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodOptional) return described(patched(inside(field)).optional(), field);
  if (field instanceof z.ZodNullable) return described(patched(inside(field)).nullable(), field);
  if (!(field instanceof z.ZodObject)) return field;
  const fields = Object.entries(field.shape as Shape).map(([name, one]): [string, z.ZodType] => [
    name,
    one instanceof z.ZodOptional
      ? described(patched(inside(one)).nullable().optional(), one)
      : patched(one).optional(),
  ]);
  return described(z.strictObject(Object.fromEntries(fields)), field);
}

function inside(wrapper: z.ZodOptional | z.ZodNullable): z.ZodType {
  return wrapper.unwrap() as z.ZodType;
}

/** The name of a schema is not that of its patch. */
function described(made: z.ZodType, field: z.ZodType): z.ZodType {
  const { id: _id, ...meta } = field.meta() ?? {};
  return Object.keys(meta).length === 0 ? made : made.meta(meta);
}

/**
 * A change whose objects have been merged into those that are present. They are held to the schema as a
 * whole then; what was wrong with the present ones already, and is not in the change, does not stand in
 * its way.
 * @throws VALIDATION_ERROR that names the fields
 */
export function mergedChanges<Fields extends Shape>(
  update: z.ZodObject<Fields>,
  present: object,
  patch: object,
): z.output<z.ZodObject<Fields>> {
  const problems: FieldProblem[] = [];
  const shape: Shape = update.shape;
  const entries = Object.entries(patch).map(([field, given]): [string, unknown] => {
    const schema = nestedObject(shape[field]);
    if (!schema || !isRecord(given)) return [field, given];
    const before = (present as Record<string, unknown>)[field];
    const merged = mergeInto(schema, isRecord(before) ? before : {}, given);
    const known = isRecord(before) ? problemsIn(field, schema, before) : [];
    const knownProblems = new Set(known.map(keyOf));
    const isNew = (problem: FieldProblem): boolean =>
      !knownProblems.has(keyOf(problem)) || isNamed(given, problem.field.slice(field.length + 1));
    problems.push(...problemsIn(field, schema, merged).filter(isNew));
    return [field, merged];
  });
  if (problems.length > 0) throw invalidFields(problems);
  return Object.fromEntries(entries) as z.output<z.ZodObject<Fields>>;
}

/** RFC 7396, for objects whose fields are known. */
function mergeInto(
  schema: z.ZodObject,
  known: Record<string, unknown>,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  const shape = schema.shape as Shape;
  const decisive = beginsAnew.get(schema)?.with ?? [];
  const isAnew = decisive.some((field) => (patch[field] ?? undefined) !== undefined);
  const merged = new Map(isAnew ? [] : Object.entries(known));
  for (const [field, given] of Object.entries(patch)) {
    const nested = nestedObject(shape[field]);
    if (given === null) merged.delete(field);
    else if (nested && isRecord(given)) {
      const before = merged.get(field);
      merged.set(field, mergeInto(nested, isRecord(before) ? before : {}, given));
    } else if (given !== undefined) merged.set(field, given);
  }
  return Object.fromEntries(merged);
}

/** What a schema finds wrong in a value that was read already. */
function problemsIn(field: string, schema: z.ZodType, value: unknown): FieldProblem[] {
  return readFields(schema, value, field).problems ?? [];
}

function nestedObject(field: z.ZodType | undefined): z.ZodObject | null {
  if (field instanceof z.ZodOptional || field instanceof z.ZodNullable) {
    return nestedObject(inside(field));
  }
  return field instanceof z.ZodObject ? field : null;
}

function keyOf({ field, message }: FieldProblem): string {
  return `${field} ${message}`;
}

/** Whether a change says something of what a path leads to. */
function isNamed(patch: Record<string, unknown>, path: string): boolean {
  const [first = "", ...rest] = path.split(".");
  if (!Object.hasOwn(patch, first)) return false;
  const given = patch[first];
  return rest.length === 0 || !isRecord(given) || isNamed(given, rest.join("."));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
