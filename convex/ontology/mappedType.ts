import type { GenericId } from "convex/values";
import { emailKey } from "../kit/email";
import { type FilterColumn, type RelationColumn } from "./columnNames";
import type { MappedRecord, ObjectColumns, ObjectTypeDefinition, SearchedText } from "./definition";
import { type Field, type FieldMap, storedOf } from "./fields";
import { searchedTexts } from "./searchedTexts";

type StoredObject<Fields extends FieldMap> = ReturnType<typeof storedOf<Fields>>;
type Definition<
  Type extends string,
  Subtype extends string,
  Status extends string,
  Fields extends FieldMap,
> = ObjectTypeDefinition<Type, Subtype, Status, StoredObject<Fields>>;
/** What the fields say already; a type says it where it differs. */
type Derived = "columns" | "filters" | "owners";

export type MappedType<
  Type extends string,
  Subtype extends string,
  Status extends string,
  RecordMap extends MappedRecord<Subtype, Status>,
> = Omit<Definition<Type, Subtype, Status, RecordMap["fields"]>, "map"> & { map: RecordMap };

/**
 * A type whose fields are a map (fields.ts): what is stored, found, filtered and linked comes from the
 * map, and the definition says beside it only where the type differs.
 */
export function defineMappedType<
  const Type extends string,
  const Subtype extends string,
  const Status extends string,
  const RecordMap extends MappedRecord<Subtype, Status>,
>({
  map,
  ...definition
}: Omit<Definition<Type, Subtype, Status, RecordMap["fields"]>, "properties" | "map" | Derived> &
  Partial<Pick<Definition<Type, Subtype, Status, RecordMap["fields"]>, Derived>> & {
    map: RecordMap;
  }): MappedType<Type, Subtype, Status, RecordMap> {
  const fields: RecordMap["fields"] = map.fields;
  const type: Definition<Type, Subtype, Status, RecordMap["fields"]> = {
    columns: ({ description, customProperties }) =>
      mappedColumns(fields, customProperties, description),
    filters: { subtype: "subtype", status: "status", ...filtersOf(fields) },
    owners: ownersOf(fields),
    ...definition,
    properties: storedOf(fields),
  };
  return { ...type, map };
}

/** The columns that a record's fields come to. */
export function mappedColumns(
  fields: FieldMap,
  record: Record<string, unknown>,
  description?: string,
): ObjectColumns {
  const columns: Partial<Record<FilterColumn, string>> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = record[name];
    const column = field.filter ?? (field.keyOf ? "lookupKey" : undefined);
    if (column === undefined || typeof value !== "string") continue;
    columns[column] = comparedBy(field, value);
  }
  const { facet, lookupKey, ...relations } = columns;
  return {
    name: String(record.name),
    searched: [...searchedOf(fields, record), ...searchedTexts({ description })],
    ...(lookupKey === undefined ? {} : { lookupKey }),
    ...(facet === undefined ? {} : { facet }),
    ...(relations as Partial<Record<RelationColumn, GenericId<"objects">>>),
    links: linksOf(fields, record),
  };
}

/** A value as a column has it, and a filter is compared with it. */
export function comparedBy({ keyOf, nature }: Field, value: string): string {
  if (keyOf) return keyOf(value);
  if (nature.kind === "oneOf") return nature.synonyms?.[value] ?? value;
  return nature.kind === "email" ? emailKey(value) : value;
}

function searchedOf(fields: FieldMap, record: Record<string, unknown>): SearchedText[] {
  const { name, ...others } = fields;
  const named = name === undefined ? fields : { name, ...others };
  return Object.entries(named).flatMap(([field, { isSearched, nature }]) => {
    if (!isSearched) return [];
    const texts = [record[field]].flat().filter((text) => typeof text === "string");
    return searchedTexts({ [field]: texts }, nature.kind === "phone" ? "phone" : undefined);
  });
}

function linksOf(fields: FieldMap, record: Record<string, unknown>): ObjectColumns["links"] {
  return Object.entries(fields).flatMap(([name, { linkType }]) => {
    const value = record[name];
    if (linkType === undefined || value === undefined) return [];
    return [value].flat().map((to) => ({ linkType, to: to as GenericId<"objects"> }));
  });
}

function filtersOf(fields: FieldMap): Record<string, FilterColumn> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, { filter }]) =>
      filter === undefined ? [] : [[name, filter]],
    ),
  );
}

function ownersOf(fields: FieldMap): Partial<Record<RelationColumn, string>> {
  return Object.fromEntries(
    Object.values(fields).flatMap(({ filter, nature }) =>
      nature.kind === "reference" && filter !== undefined ? [[filter, nature.to]] : [],
    ),
  );
}
