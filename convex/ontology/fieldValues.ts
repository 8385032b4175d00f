import { compareValues, type Value } from "convex/values";
import { packCustomFields, type StoredCustomFields, unpackCustomFields } from "../kit/customFields";
import type { Id } from "../_generated/dataModel";
import { missingReference } from "../kit/errors";
import type { MappedRecord } from "./definition";
import { definitionOf } from "./derived";
import { type Field, sentName } from "./fields";
import type { TenantReader } from "./reader";
import type { ObjectDoc, ObjectType } from "./registry";

/** A record's fields between what callers send, what is stored and what is shown: all by the map. */

type Fields = Record<string, unknown>;

/**
 * As stored: `null` becomes "remove" (an explicit `undefined`), ids are those of living objects of the
 * tenant, lists name each thing once. Names that are no field of the map are left out.
 * @throws `<RESOURCE>_NOT_FOUND` for what a reference names
 */
export async function storedValues(
  tenant: TenantReader,
  map: MappedRecord,
  sent: Fields,
): Promise<Fields> {
  const entries = Object.entries(map.fields).flatMap(([name, field]) => {
    const value = sent[sentName(map, name)];
    return value === undefined ? [] : [storedEntry(tenant, name, field, value, sent)];
  });
  return Object.fromEntries(await allInOrder(entries));
}

/** All that was begun; of several refusals the first in the order of the fields, whichever came first. */
async function allInOrder<Value>(begun: Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(begun);
  const values: Value[] = [];
  for (const each of begun) values.push(await each);
  return values;
}

async function storedEntry(
  tenant: TenantReader,
  name: string,
  { nature }: Field,
  value: unknown,
  sent: Fields,
): Promise<[string, unknown]> {
  if (value === null) return [name, undefined];
  switch (nature.kind) {
    case "reference":
      return [name, await referred(tenant, nature.to, value as string, name)];
    case "references": {
      const ids = [...new Set(value as string[])];
      const found = ids.map((id) =>
        referred(tenant, nature.to, id, `${name}.${(value as string[]).indexOf(id)}`),
      );
      return [name, await allInOrder(found)];
    }
    case "referenceBy": {
      const word = (sent[nature.typeIn] ?? nature.otherwise) as string;
      return [name, await referred(tenant, nature.types[word] ?? "", value as string, name)];
    }
    case "members":
      return [name, await membersNamed(tenant, name, value as string[])];
    case "labels":
      return [name, [...new Set(value as string[])]];
    case "ownFields":
      return [name, packCustomFields(value as Fields)];
    default:
      return [name, value];
  }
}

/** @param field what names it */
async function referred(
  tenant: TenantReader,
  type: string,
  id: string,
  field: string,
): Promise<Id<"objects">> {
  const object = await tenant.find(type as ObjectType, id);
  if (!object) throw missingReference(definitionOf(type as ObjectType).resource, field);
  return object._id;
}

/** Of people who are in the organization now. */
async function membersNamed(
  tenant: TenantReader,
  field: string,
  sent: string[],
): Promise<Id<"users">[]> {
  const found = [...new Set(sent)].map(async (id) => {
    const member = await tenant.findMember(id);
    if (!member) throw missingReference("member", `${field}.${sent.indexOf(id)}`);
    return member;
  });
  return await allInOrder(found);
}

/**
 * Own fields that say what is there already, in another order: JSON knows none, and Convex sorts them on
 * their way. They stay as they are.
 */
export function withKnownOrder(map: MappedRecord, before: Fields, values: Fields): Fields {
  const entries = Object.entries(values).map(([name, value]): [string, unknown] => {
    if (map.fields[name]?.nature.kind !== "ownFields") return [name, value];
    const [was, is] = [before[name], value].map((stored) =>
      unpackCustomFields(stored as StoredCustomFields | undefined),
    );
    return [name, compareValues(was as Value, is as Value) === 0 ? before[name] : value];
  });
  return Object.fromEntries(entries);
}

/** What a new object has where nobody says anything. */
export function beginnings({ fields }: MappedRecord): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, { begins }]) =>
      begins === undefined ? [] : [[name, begins]],
    ),
  );
}

/** The record as callers see it, everywhere; a field without a value is null. */
export function mappedView(map: MappedRecord, object: ObjectDoc): View {
  const { _id, organizationId, type, subtype, name, description, status } = object;
  const { createdBy, version, createdAt, updatedAt } = object;
  const { hides = [], nameAs = "name" } = map;
  const { name: _name, ...shown } = shownFields(map, object.customProperties);
  const fields: Record<string, Value> = map.shape === "flat" ? shown : { customProperties: shown };
  return {
    ...{ _id, id: _id, organizationId, type },
    ...(hides.includes("subtype") ? {} : { subtype }),
    ...(hides.includes("name") ? {} : { [nameAs]: name }),
    ...(map.isDescribed ? { description: description ?? null } : {}),
    ...(hides.includes("status") ? {} : { status }),
    ...fields,
    ...{ createdBy, version, createdAt, updatedAt },
  };
}

type View = { [field: string]: Value };

/** Shows the part of a flat record that has these names: long lists do not read what they leave out. */
export function partOfViews(
  map: MappedRecord,
  names: readonly string[],
): (object: ObjectDoc) => View {
  const readers = names.map((name) => [name, readerOf(map, name)] as const);
  return (object) => {
    const view: View = {};
    for (const [name, read] of readers) view[name] = read(object);
    return view;
  };
}

/** What a flat record shows under a name, read alone; as `mappedView` has it. */
function readerOf(map: MappedRecord, name: string): (object: ObjectDoc) => Value {
  const computed = map.computed?.[name];
  if (computed) return ({ customProperties }) => computed.of(customProperties);
  if (name === "id") return ({ _id }) => _id;
  const nature = name === "name" ? undefined : map.fields[name]?.nature;
  const fieldsOf = ({ customProperties }: ObjectDoc): Fields => customProperties;
  if (!nature) return (object) => ((object as Fields)[name] ?? null) as Value;
  if (nature.kind !== "ownFields") return (object) => (fieldsOf(object)[name] ?? null) as Value;
  return (object) =>
    unpackCustomFields(fieldsOf(object)[name] as StoredCustomFields | undefined) as Value;
}

/** As it is shown: what a row of before does not have is what it is assumed to have. */
function valueOf({ presence, begins }: Field, stored: unknown): Value {
  return (stored ?? (presence === "assumed" ? begins : null) ?? null) as Value;
}

/** A caller's own fields stand among those of a nested record, and never instead of one. */
function shownFields(
  { fields, shape, computed = {} }: MappedRecord,
  stored: Fields,
): Record<string, Value> {
  let own: Record<string, Value> = {};
  const shown: Record<string, Value> = {};
  for (const [name, field] of Object.entries(fields)) {
    const { nature } = field;
    if (nature.kind === "internal") continue;
    if (nature.kind !== "ownFields") {
      shown[name] = valueOf(field, stored[name]);
      continue;
    }
    const unpacked = unpackCustomFields(stored[name] as StoredCustomFields | undefined);
    if (shape === "nested") own = { ...own, ...(unpacked as Record<string, Value>) };
    else shown[name] = unpacked as Value;
  }
  for (const [name, { of }] of Object.entries(computed)) shown[name] = of(stored);
  return { ...own, ...shown };
}
