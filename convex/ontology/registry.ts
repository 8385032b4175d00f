import type { Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { objectTypes } from "../types";

export { objectTypes };

export type ObjectType = keyof typeof objectTypes;
export type ObjectDoc<T extends ObjectType = ObjectType> = Extract<Doc<"objects">, { type: T }>;

type Definition<T extends ObjectType> = (typeof objectTypes)[T];
export type Subtype<T extends ObjectType> = Definition<T>["subtypes"][number];
export type Status<T extends ObjectType> = Definition<T>["statuses"][number];
export type Properties<T extends ObjectType> = Infer<Definition<T>["properties"]>;

/** What a caller decides of a new object; the rest is derived. */
export type NewObject<T extends ObjectType> = {
  subtype: Subtype<T>;
  status: Status<T>;
  description?: string;
  customProperties: Properties<T>;
};
