import type { Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { contactType } from "./contact";
import { creditNoteType } from "./creditNote";
import { crmOrganizationType } from "./crmOrganization";
import { frontendUserType } from "./frontendUser";
import { invoiceType } from "./invoice";
import { paymentType } from "./payment";
import { projectType } from "./project";
import { quoteType } from "./quote";
import { recurringInvoiceType } from "./recurringInvoice";

/** Every object type. A new type is added here, in its own file, and nowhere else. */
export const objectTypes = {
  crm_contact: contactType,
  crm_organization: crmOrganizationType,
  frontend_user: frontendUserType,
  project: projectType,
  invoice: invoiceType,
  payment: paymentType,
  credit_note: creditNoteType,
  quote: quoteType,
  recurring_invoice: recurringInvoiceType,
};

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
