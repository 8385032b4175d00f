import type { MappedRecord } from "./definition";
import { definitionOf } from "./derived";
import type { ObjectType } from "./registry";

/** The field map of a type that has one. */
export function mapOf(type: ObjectType): MappedRecord {
  const { map } = definitionOf(type);
  if (!map) throw new Error(`${type} has no field map.`);
  return map;
}
