import { archivedType, cellKey, groupOf, type Tally } from "./counts";
import { RELATION_COLUMNS, type RelationColumn } from "./columnNames";
import { ANY_TYPE, type ObjectColumns, type ObjectTypeDefinition } from "./definition";
import { type NewObject, objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** What the store keeps in step with an object, derived from the object alone. */

/** The registry's entry without its exact type: what is generic over all types works on this. */
export function definitionOf(type: ObjectType): ObjectTypeDefinition {
  return objectTypes[type];
}

export function columnsOf<T extends ObjectType>(type: T, input: NewObject<T>): ObjectColumns {
  return definitionOf(type).columns(input);
}

/** As groups name an owner: one that any column may have says in which it stands. */
export function ownerNamed(type: ObjectType, column: RelationColumn, owner: string): string {
  return definitionOf(type).owners?.[column] === ANY_TYPE ? `${column}:${owner}` : owner;
}

/** Every cell that the object counts in: its type's, its type's under each owner, and its own. */
export function talliesOf(object: ObjectDoc): Tally[] {
  if (object.lifecycle === "deleted") return [];
  const { type } = object;
  const counted = object.lifecycle === "archived" ? archivedType(type) : type;
  const definition = definitionOf(type);
  const sums = isSummed(object) ? definition.sums?.(object) : undefined;
  const cell = { key: cellKey(object), count: 1, ...(sums === undefined ? {} : { sums }) };
  const owners = RELATION_COLUMNS.flatMap((column) => {
    const owner = object[column];
    return owner === undefined ? [] : [ownerNamed(type, column, owner)];
  });
  return [
    ...[undefined, ...owners].map((owner) => ({ group: groupOf(counted, owner), ...cell })),
    ...(definition.tallies?.(object) ?? []),
  ];
}

/** Whether the object's counts have its sums; one of before there were any has none of them there. */
export function isSummed({ type, isSummed: is }: ObjectDoc): boolean {
  return is === true || definitionOf(type).sumsBegan === undefined;
}

/** What a write of an object of the type says of that. */
export function summedFrom(type: ObjectType): { isSummed?: true } {
  return definitionOf(type).sumsBegan === undefined ? {} : { isSummed: true };
}
