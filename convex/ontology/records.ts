import { rulesByType } from "../types/rules";
import { beginnings, storedValues, withKnownOrder } from "./fieldValues";
import { mapOf } from "./mapOf";
import type { NewObject, ObjectDoc, ObjectType } from "./registry";
import type { ObjectChanges, ObjectStore } from "./store";
import type { RuleContext, TypeRules } from "./typeRules";

/**
 * Creating, changing and deleting objects of the types that have a field map: by the map, and by what
 * their rules say beside it. Fields come as the schemas of the map have read them (fieldSchemas.ts).
 */
export type SentFields = Record<string, unknown>;

/** @throws VALIDATION_ERROR, `<RESOURCE>_NOT_FOUND` for what it refers to, CONFLICT */
export async function createRecord<T extends ObjectType>(
  context: RuleContext,
  type: T,
  sent: SentFields,
): Promise<ObjectDoc<T>> {
  const map = mapOf(type);
  const rules = rulesOf(type);
  const properties = {
    ...beginnings(map),
    ...(await storedValues(context.store, map, sent)),
  };
  rules?.check?.(properties);
  const { begins } = map;
  const { subtype = begins.subtype, status = begins.status, description } = sent;
  const given = await rules?.gives?.(context);
  const input = {
    ...{ subtype, status, ...(description === undefined ? {} : { description }) },
    customProperties: { ...properties, ...given },
  };
  return await context.store.insert(type, input as NewObject<T>);
}

/** Given fields change, `null` clears; lists and a caller's own fields are replaced as a whole. */
export async function changeRecord<T extends ObjectType>(
  store: ObjectStore,
  object: ObjectDoc<T>,
  sent: SentFields,
): Promise<ObjectDoc<T>> {
  const map = mapOf(object.type);
  const values = await storedValues(store, map, sent);
  const customProperties = withKnownOrder(map, object.customProperties, values);
  rulesOf(object.type)?.check?.({ ...object.customProperties, ...customProperties });
  const { subtype, status, description } = sent;
  const changes = {
    ...(subtype === undefined ? {} : { subtype }),
    ...(status === undefined ? {} : { status }),
    ...(description === undefined ? {} : { description: description ?? undefined }),
    customProperties,
  };
  return await store.update(object, changes as ObjectChanges<T>);
}

/** @throws INVALID_STATE where the type's rules keep it; CONFLICT while others point to it */
export async function removeRecord(store: ObjectStore, object: ObjectDoc): Promise<void> {
  rulesOf(object.type)?.requireRemovable?.(object);
  await store.remove(object);
}

function rulesOf(type: ObjectType): TypeRules<ObjectType> | undefined {
  const rules: Partial<Record<ObjectType, TypeRules<ObjectType>>> = rulesByType;
  return rules[type];
}
