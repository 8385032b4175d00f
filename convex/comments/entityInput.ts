import * as z from "zod";
import { missingReference } from "../kit/errors";
import { once } from "../kit/once";
import { definitionOf } from "../ontology/derived";
import type { TenantReader } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import {
  ENTITY_SYNONYMS,
  ENTITY_TYPES,
  ENTITY_WORDS,
  type EntityWord,
} from "../types/comment/type";

/** How callers name what is commented on, where they mean no comment of it. */
export const entityShape = once(() => ({
  entityType: z
    .enum([...ENTITY_WORDS, ...(Object.keys(ENTITY_SYNONYMS) as (keyof typeof ENTITY_SYNONYMS)[])])
    .transform((word): EntityWord => (isSynonym(word) ? ENTITY_SYNONYMS[word] : word)),
  entityId: z.string().max(64),
}));

export type NamedEntity = { entityType: EntityWord; entityId: string };

/** @throws `<RESOURCE>_NOT_FOUND` for what is not there, or not seen */
export async function entityNamed(
  reader: TenantReader,
  { entityType, entityId }: NamedEntity,
): Promise<ObjectDoc> {
  const type = ENTITY_TYPES[entityType];
  const entity = await reader.find(type, entityId);
  if (!entity) throw missingReference(definitionOf(type).resource, "entityId");
  return entity;
}

function isSynonym(word: string): word is keyof typeof ENTITY_SYNONYMS {
  return word in ENTITY_SYNONYMS;
}
