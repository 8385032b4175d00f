import { compareValues, type Value } from "convex/values";
import type * as z from "zod";
import { ApiError } from "../kit/errors";
import { parseFields } from "../kit/input";
import type { Grant } from "../kit/scopes";
import { definitionOf } from "./derived";
import type { ObjectDoc } from "./registry";
import type { InvoicingContext } from "./salesContent";
import {
  type SyncedDoc,
  type SyncedObjectType,
  type SyncRecord,
  syncRecordOf,
} from "./syncedRecord";

/** Where a device's changes are carried out, and what the one who made them may do. */
export type SyncContext = InvoicingContext & { grants: readonly Grant[] };

/** What a change says of an object; what it leaves out stays as it is. */
export type SentRecord = {
  subtype?: string | undefined;
  name?: string | undefined;
  description?: string | null | undefined;
  status?: string | undefined;
  customProperties?: Record<string, unknown> | undefined;
};

type Fields = Record<string, unknown>;

/**
 * How records of a type that devices send become objects: by the schemas and rules that requests go
 * through too. `customProperties` and what stands beside them are one set of fields to both.
 */
type Declaration<T extends SyncedObjectType, C extends z.ZodType, U extends z.ZodType> = {
  type: T;
  /** Where in `customProperties` other objects are named: `contactIds.*` is every one of a list. */
  references: readonly string[];
  creation: () => C;
  /** Absent for what is final once it is there. */
  update?: () => U;
  /** A record's fields under the names that the schemas have for them. */
  input?(sent: Fields, present: Fields): Fields;
  create(context: SyncContext, fields: z.output<C>): Promise<ObjectDoc<T>>;
  change?(context: SyncContext, object: ObjectDoc<T>, fields: z.output<U>): Promise<ObjectDoc<T>>;
  /** Where a status is reached by a rule of its own and not as a field. */
  become?(context: SyncContext, object: ObjectDoc<T>, status: string): Promise<ObjectDoc<T>>;
  /** Absent for what is never deleted. */
  remove?(context: SyncContext, object: ObjectDoc<T>): Promise<void>;
  /** The object that there can be only one of: what a creation then is an update of. */
  twin?(context: SyncContext, fields: z.output<C>): Promise<ObjectDoc<T> | null>;
};

/** A change whose fields are known to be good, and what of them is new to the object. */
export type CheckedFields = { fields: unknown; status: string | undefined };

/** A type's declaration, as those see it who work on all types. */
export type SyncedType = {
  references: readonly string[];
  /** @throws VALIDATION_ERROR; INVALID_STATE for a type that is final */
  check(sent: SentRecord, object: SyncedDoc | null, timeZone: string): CheckedFields;
  twin(context: SyncContext, checked: CheckedFields): Promise<SyncedDoc | null>;
  create(context: SyncContext, checked: CheckedFields): Promise<SyncedDoc>;
  change(context: SyncContext, object: SyncedDoc, checked: CheckedFields): Promise<SyncedDoc>;
  remove(context: SyncContext, object: SyncedDoc): Promise<void>;
};

export function syncedType<
  T extends SyncedObjectType,
  C extends z.ZodType,
  U extends z.ZodType = never,
>(declaration: Declaration<T, C, U>): SyncedType {
  const { type, references, creation, update } = declaration;
  const { resource, properties } = definitionOf(type);
  const final = (): ApiError =>
    new ApiError("INVALID_STATE", `A ${resource} is final: it is neither changed nor deleted.`);
  // `definitionOf` and the registry keep type and document together; a generic signature cannot.
  const own = (object: SyncedDoc): ObjectDoc<T> => object as ObjectDoc<T>;
  const settle = async (
    context: SyncContext,
    object: ObjectDoc<T>,
    status: string | undefined,
  ): Promise<ObjectDoc<T>> =>
    declaration.become && status !== undefined && status !== (object as SyncedDoc).status
      ? await declaration.become(context, object, status)
      : object;
  return {
    references,
    check(sent, object, timeZone) {
      const schema = (object ? update : creation)?.();
      const present = object ? fieldsOf(syncRecordOf(object)) : {};
      const changed = changedFields(fieldsOf(sent), present, object === null);
      if (!schema) {
        // What is final may come back as it went out.
        if (object && Object.keys(changed).length === 0) return { fields: {}, status: undefined };
        throw final();
      }
      const status = declaration.become ? (changed.status as string | undefined) : undefined;
      if (declaration.become) delete changed.status;
      const renamed = declaration.input?.(changed, present) ?? changed;
      const known = withoutDerived(renamed, schema, properties.fields);
      const reading = { timeZone, isChange: object !== null };
      return { fields: parseFields(schema, known, reading), status };
    },
    async twin(context, { fields }) {
      return (await declaration.twin?.(context, fields as z.output<C>)) ?? null;
    },
    async create(context, { fields, status }) {
      const made = await declaration.create(context, fields as z.output<C>);
      return await settle(context, made, status);
    },
    async change(context, object, { fields, status }) {
      const hasFields = Object.keys(fields as Fields).length > 0;
      if (hasFields && !declaration.change) throw final();
      const changed =
        hasFields && declaration.change
          ? await declaration.change(context, own(object), fields as z.output<U>)
          : own(object);
      return await settle(context, changed, status);
    },
    async remove(context, object) {
      if (!declaration.remove) {
        throw new ApiError("INVALID_STATE", `A ${resource} is not deleted.`, {
          details: { status: object.status, allowed: [] },
        });
      }
      await declaration.remove(context, own(object));
    },
  };
}

/** A record's fields as one set. */
export function fieldsOf({ customProperties, ...fields }: SentRecord | SyncRecord): Fields {
  return { ...customProperties, ...fields };
}

/** What is sent of a present object is often its whole record: only what differs is a change. */
function changedFields(sent: Fields, present: Fields, isNew: boolean): Fields {
  const entries = Object.entries(sent).filter(([field, value]) => {
    if (value === undefined) return false;
    // A caller's own field may be called `toString`.
    const known = Object.hasOwn(present, field) ? present[field] : undefined;
    return isNew ? value !== null : !isSame(value, known);
  });
  return Object.fromEntries(entries);
}

/** Absent and null are the same: nothing. */
export function isSame(a: unknown, b: unknown): boolean {
  return compareValues((a ?? null) as Value, (b ?? null) as Value) === 0;
}

/** What only the server says of the type is left out, so that a record can be sent back as it came. */
function withoutDerived(fields: Fields, schema: z.ZodType, stored: Fields): Fields {
  const shape = "shape" in schema ? (schema.shape as Fields) : {};
  const isDerived = (field: string): boolean =>
    !Object.hasOwn(shape, field) && (Object.hasOwn(stored, field) || ALWAYS_DERIVED.has(field));
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !isDerived(field)));
}

const ALWAYS_DERIVED = new Set(["name", "perPerson", "emailStatus"]);
