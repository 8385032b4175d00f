import type { z } from "zod";
import type { Doc } from "../_generated/dataModel";
import { contactType } from "./contact";
import { crmOrganizationType } from "./crmOrganization";

/** Every object type. A new type is added here, in its own file, and nowhere else. */
export const objectTypes = {
  crm_contact: contactType,
  crm_organization: crmOrganizationType,
};

export type ObjectType = keyof typeof objectTypes;
export type ObjectDoc<T extends ObjectType = ObjectType> = Extract<Doc<"objects">, { type: T }>;

type Definition<T extends ObjectType> = (typeof objectTypes)[T];
export type Subtype<T extends ObjectType> = Definition<T>["subtypes"][number];
export type Status<T extends ObjectType> = Definition<T>["statuses"][number];
export type Properties<T extends ObjectType> = z.output<Definition<T>["properties"]>;
