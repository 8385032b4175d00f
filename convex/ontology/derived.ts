import { archivedType, cellKey, groupOf, type Tally } from "./counts";
import { RELATION_COLUMNS } from "./columnNames";
import { type ObjectColumns, type ObjectTypeDefinition } from "./definition";
import { type NewObject, objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** What the store keeps in step with an object, derived from the object alone. */

/** The registry's entry without its exact type: what is generic over all types works on this. */
export function definitionOf(type: ObjectType): ObjectTypeDefinition {
  return objectTypes[type];
}

export function columnsOf<T extends ObjectType>(type: T, input: NewObject<T>): ObjectColumns {
  return definitionOf(type).columns(input);
}

/** Every cell that the object counts in: its type's, its type's under each owner, and its own. */
export function talliesOf(object: ObjectDoc): Tally[] {
  if (object.lifecycle === "deleted") return [];
  const { type } = object;
  const counted = object.lifecycle === "archived" ? archivedType(type) : type;
  const definition = definitionOf(type);
  const sums = definition.sums?.(object);
  const cell = { key: cellKey(object), count: 1, ...(sums === undefined ? {} : { sums }) };
  const owners = RELATION_COLUMNS.map((column) => object[column]);
  const groups = [undefined, ...owners.filter((owner) => owner !== undefined)];
  return [
    ...groups.map((owner) => ({ group: groupOf(counted, owner), ...cell })),
    ...(definition.tallies?.(object) ?? []),
  ];
}
