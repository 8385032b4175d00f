import type { Id } from "../_generated/dataModel";
import { requireProjectAction } from "../team/roles";
import { rulesByType } from "../types/rules";
import { definitionOf } from "./derived";
import { beginnings, storedValues, withKnownOrder } from "./fieldValues";
import { mapOf } from "./mapOf";
import type { NewObject, ObjectDoc, ObjectType, Properties, Status } from "./registry";
import { projectOf } from "./sight";
import type { ObjectChanges } from "./store";
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
  } as Partial<Properties<T>>;
  rules?.check?.(properties);
  if (definitionOf(type).belongsTo === "project") {
    const { projectId } = properties as { projectId?: Id<"objects"> };
    await requireRole(context, type, projectId);
  }
  const { begins } = map;
  const { subtype = begins.subtype, status = begins.status, description } = sent;
  const input = {
    ...{ subtype, status, ...(description === undefined ? {} : { description }) },
    customProperties: properties,
  } as NewObject<T>;
  const given = await rules?.gives?.(context, input);
  const customProperties = { ...properties, ...given } as Properties<T>;
  const object = await context.store.insert(type, { ...input, customProperties });
  return (await rules?.entails?.(context, null, object)) ?? object;
}

/** Given fields change, `null` clears; lists and a caller's own fields are replaced as a whole. */
export async function changeRecord<T extends ObjectType>(
  context: RuleContext,
  object: ObjectDoc<T>,
  sent: SentFields,
): Promise<ObjectDoc<T>> {
  const map = mapOf(object.type);
  const rules = rulesOf(object.type);
  await requireRole(context, object.type, projectOf(object));
  const values = await storedValues(context.store, map, sent);
  const known = withKnownOrder(map, object.customProperties, values);
  const properties = { ...object.customProperties, ...known } as Properties<T>;
  rules?.check?.(properties);
  const { subtype, status, description } = sent;
  const next = { status: (status ?? object.status) as Status<T>, properties };
  const entailed = await rules?.changes?.(context, object, next);
  const customProperties = { ...known, ...entailed };
  const changes = {
    ...(subtype === undefined ? {} : { subtype }),
    ...(status === undefined ? {} : { status }),
    ...(description === undefined ? {} : { description: description ?? undefined }),
    customProperties,
  };
  const verb = rules?.verbOf?.(object, next);
  const changed = await context.store.update(object, changes as ObjectChanges<T>, verb);
  if (changed === object) return object;
  return (await rules?.entails?.(context, object, changed)) ?? changed;
}

/** @throws INVALID_STATE, FORBIDDEN where the type's rules keep it; CONFLICT while others point to it */
export async function removeRecord(context: RuleContext, object: ObjectDoc): Promise<void> {
  const rules = rulesOf(object.type);
  await rules?.requireRemovable?.(object, context);
  await requireRole(context, object.type, projectOf(object));
  await rules?.releases?.(context, object);
  await context.store.remove(object);
}

/** A deleted one, as it was. @throws FORBIDDEN where its rules or its project's team keep it; CONFLICT */
export async function restoreRecord<T extends ObjectType>(
  context: RuleContext,
  object: ObjectDoc<T>,
): Promise<ObjectDoc<T>> {
  await rulesOf(object.type)?.requireRestorable?.(object, context);
  await requireRole(context, object.type, projectOf(object));
  return await context.store.restore(object);
}

/** On a project, and on what belongs to it, works who has a role for it there. @throws FORBIDDEN */
async function requireRole(
  { ctx, store }: RuleContext,
  type: ObjectType,
  projectId: Id<"objects"> | undefined,
): Promise<void> {
  if (projectId === undefined) return;
  const project = { organizationId: store.organizationId, _id: projectId };
  const { projectAction = "work" } = definitionOf(type);
  await requireProjectAction(ctx, store.scope, project, projectAction);
}

function rulesOf<T extends ObjectType>(type: T): TypeRules<T> | undefined {
  // The table keeps type and rules together; a generic signature cannot.
  const rules = rulesByType as Partial<Record<ObjectType, unknown>>;
  return rules[type] as TypeRules<T> | undefined;
}
