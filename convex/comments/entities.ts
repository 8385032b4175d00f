import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { findOwn } from "../kit/own";
import { customersOf } from "../ontology/portalRules";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { ENTITY_TYPES, type EntityWord } from "../types/comment/type";

/** What comments are about, and what follows from that for who sees them. */

const WORDS = new Map<ObjectType, EntityWord>(
  (Object.entries(ENTITY_TYPES) as [EntityWord, ObjectType][]).map(([word, type]) => [type, word]),
);

/** What callers call an object that is commented on; null of what is not. */
export function wordOf(type: ObjectType): EntityWord | null {
  return WORDS.get(type) ?? null;
}

/** The project that an object is, or is of. */
export function projectIdOf({ _id, type, customProperties }: ObjectDoc): Id<"objects"> | undefined {
  if (type === "project") return _id;
  return "projectId" in customProperties ? customProperties.projectId : undefined;
}

/** The customers who may see what is said to them about it: those who see it, of a task those of its project. */
export async function customersAt(
  ctx: Pick<QueryCtx, "db">,
  entity: ObjectDoc,
): Promise<Id<"objects">[]> {
  if (entity.type !== "task") return customersOf(entity);
  const project = await findOwn(ctx, entity, "objects", entity.customProperties.projectId);
  return project ? customersOf(project) : [];
}

/** Whether customers may ever see what is said about such a thing. */
export function isForCustomers(word: EntityWord): boolean {
  return FOR_CUSTOMERS.has(word);
}
const FOR_CUSTOMERS: ReadonlySet<EntityWord> = new Set<EntityWord>([
  ...(["project", "task", "quote", "invoice", "credit_note", "payment"] as const),
]);
