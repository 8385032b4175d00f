import type { MutationCtx } from "../_generated/server";
import type { NewObject, ObjectDoc, ObjectType, Properties, Status } from "./registry";
import type { ObjectStore } from "./store";

export type RuleContext = {
  ctx: MutationCtx;
  store: ObjectStore;
  /** The caller insists: what a rule only warns of is done. */
  isForced?: boolean;
};

/** What a change leads to. */
export type Next<T extends ObjectType> = { status: Status<T>; properties: Properties<T> };

/** Where a type differs from what its map says. */
export type TypeRules<T extends ObjectType> = {
  /** Whether the properties that a creation or a change leads to go together. @throws VALIDATION_ERROR */
  check?(properties: Partial<Properties<T>>): void;
  /** What a new object is given beside what was sent; asked last, after all else was found good. */
  gives?(
    context: RuleContext,
    input: Pick<NewObject<T>, "status"> & { customProperties: Partial<Properties<T>> },
  ): Promise<Partial<Properties<T>>>;
  /** What a change entails for the fields that rules keep, and whether it may be. */
  changes?(
    context: RuleContext,
    object: ObjectDoc<T>,
    next: Next<T>,
  ): Promise<Partial<Properties<T>>>;
  /** The verb of a change that is more than an update: `completed`. */
  verbOf?(object: ObjectDoc<T>, next: Next<T>): string | undefined;
  /** What a creation (`before` is null) or a change entails for other objects; the object as it is then. */
  entails?(
    context: RuleContext,
    before: ObjectDoc<T> | null,
    after: ObjectDoc<T>,
  ): Promise<ObjectDoc<T>>;
  /** Whether it may be deleted. @throws INVALID_STATE, FORBIDDEN */
  requireRemovable?(object: ObjectDoc<T>, context: RuleContext): void | Promise<void>;
  /** Whether it may be brought back to life. @throws FORBIDDEN */
  requireRestorable?(object: ObjectDoc<T>, context: RuleContext): void | Promise<void>;
  /** What its deletion takes from other objects, or takes with it. */
  releases?(context: RuleContext, object: ObjectDoc<T>): Promise<void>;
};
