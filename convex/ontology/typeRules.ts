import type { MutationCtx } from "../_generated/server";
import type { ObjectDoc, ObjectType, Properties } from "./registry";
import type { ObjectStore } from "./store";

export type RuleContext = { ctx: MutationCtx; store: ObjectStore };

/** Where a type differs from what its map says. */
export type TypeRules<T extends ObjectType> = {
  /** Whether the properties that a creation or a change leads to go together. @throws VALIDATION_ERROR */
  check?(properties: Partial<Properties<T>>): void;
  /** What a new object is given beside what was sent; asked last, after all else was found good. */
  gives?(context: RuleContext): Promise<Partial<Properties<T>>>;
  /** Whether it may be deleted. @throws INVALID_STATE */
  requireRemovable?(object: ObjectDoc<T>): void;
};
