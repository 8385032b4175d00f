import * as z from "zod";
import { type ErrorData, errorDataOf, type PlaceOf, placedData, under } from "../kit/errors";
import { parseArgument } from "../kit/input";
import { anyTime } from "../kit/time";
import { SYNCED_TYPES } from "../ontology/syncedRecord";
import type { SentRecord } from "../ontology/synced";
import { once } from "../kit/once";

/** One change of a push, as a device sends it. */

const uuid = once(() => z.guid("must be a UUID"));

export const sentRecord = once(() =>
  z.strictObject({
    subtype: z.string().max(50).optional(),
    name: z.string().max(1000).optional(),
    description: z.string().max(20_000).nullable().optional(),
    status: z.string().max(50).optional(),
    customProperties: z
      .custom<Record<string, unknown>>(isObject, "must be an object")
      .optional()
      .meta({ type: "object" }),
  }),
);

const identity = once(() => ({
  changeId: z.string().min(1).max(100),
  type: z.enum(SYNCED_TYPES),
  id: z.string().max(64).optional(),
  clientId: uuid().optional().meta({ description: "As the device calls what it made." }),
  baseVersion: z
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: "The version that the device had when it made the change." }),
  clientUpdatedAt: anyTime().meta({ description: "When it was made, by the device's clock." }),
}));

export const pushedChange = once(() =>
  z
    .discriminatedUnion("op", [
      z.strictObject({ op: z.literal("upsert"), ...identity(), data: sentRecord() }),
      z.strictObject({
        op: z.literal("delete"),
        ...identity(),
        data: sentRecord().nullable().optional(),
      }),
    ])
    .refine(({ id, clientId }) => id !== undefined || clientId !== undefined, {
      path: ["id"],
      message: "is required where there is no clientId",
    })
    .meta({ id: "PushedChange" }),
);
export type PushedChange = z.output<ReturnType<typeof pushedChange>>;

export type ChangeError = Pick<ErrorData, "code" | "message" | "details">;
export type ReadChange = { change: PushedChange } | { error: ChangeError };

/** Judges one change for itself, so that one that does not fit does not stop the others. */
export function readChange(sent: unknown, timeZone: string): ReadChange {
  try {
    return { change: parseArgument("", pushedChange(), sent, { timeZone }) };
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    return { error: changeErrorOf(refusal) };
  }
}

/** What a record has beside its `customProperties`. */
const BESIDE = new Set(["subtype", "name", "description", "status", "customProperties", ""]);

/** A refusal of the change's `data`. */
export function changeErrorOf(refusal: ErrorData): ChangeError {
  const { code, message, details } = placedData(refusal, inRecord("data"));
  return { code, message, details };
}

/** Rules have a record's fields as one set; a record has most of them in `customProperties`. */
export function inRecord(name: string): PlaceOf {
  return (field) => {
    const [first = ""] = field.split(".");
    return under(BESIDE.has(first) ? name : `${name}.customProperties`)(field);
  };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isUuid(value: unknown): value is string {
  return uuid().safeParse(value).success;
}

/** Every `clientId` by which a change names objects: its own, and those that its record refers to. */
export function clientIdsOf(change: PushedChange, references: readonly string[]): string[] {
  const named: string[] = change.clientId === undefined ? [] : [change.clientId];
  resolveReferences(change.data ?? {}, references, (value) => {
    if (isUuid(value)) named.push(value);
    return value;
  });
  return named;
}

/** The record with its references replaced by what `resolve` makes of them; `path` names each. */
export function resolveReferences(
  data: SentRecord,
  references: readonly string[],
  resolve: (value: unknown, path: string) => unknown,
): SentRecord {
  if (!data.customProperties) return data;
  const customProperties = references.reduce<unknown>(
    (properties, reference) => replaceAt(properties, reference.split("."), resolve, ""),
    data.customProperties,
  );
  return { ...data, customProperties: customProperties as Record<string, unknown> };
}

function replaceAt(
  value: unknown,
  [step, ...rest]: string[],
  resolve: (value: unknown, path: string) => unknown,
  path: string,
): unknown {
  if (step === undefined) return typeof value === "string" ? resolve(value, path) : value;
  if (step === "*") {
    if (!Array.isArray(value)) return value;
    return value.map((item, index) => replaceAt(item, rest, resolve, `${path}.${index}`));
  }
  if (!isObject(value) || !Object.hasOwn(value as object, step)) return value;
  const fields = value as Record<string, unknown>;
  const inner = path === "" ? step : `${path}.${step}`;
  return { ...fields, [step]: replaceAt(fields[step], rest, resolve, inner) };
}
