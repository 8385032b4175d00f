import { v } from "convex/values";
import { storedCustomFields } from "../kit/customFields";
import { onlyVisible } from "../kit/invisible";
import { storedAddress } from "./address";
import { defineObjectType } from "./definition";
import { emailWords, phoneTexts } from "./searchWords";

/** A company or other body that contacts belong to and that projects and invoices are for. */
export const crmOrganizationType = defineObjectType({
  type: "crm_organization",
  resource: "crm organization",
  subtypes: ["customer", "prospect", "partner", "supplier", "other"],
  statuses: ["active", "inactive"],
  properties: v.object({
    name: v.string(),
    website: v.optional(v.string()),
    industry: v.optional(v.string()),
    address: v.optional(storedAddress),
    taxId: v.optional(v.string()),
    billingEmail: v.optional(v.string()),
    phone: v.optional(v.string()),
    tags: v.array(v.string()),
    notes: v.optional(v.string()),
    customFields: storedCustomFields,
  }),
  columns({ customProperties: organization }) {
    return {
      name: organization.name,
      searchText: [
        organization.name,
        organization.website,
        organization.industry,
        ...emailWords(organization.billingEmail),
        ...phoneTexts(organization.phone),
        organization.taxId,
        ...organization.tags,
      ]
        .filter(Boolean)
        .join(" "),
      lookupKey: organizationNameKey(organization.name),
      links: [],
    };
  },
  hasAddresses: true,
  filters: { subtype: "subtype", status: "status" },
});

/** How names of CRM organizations are compared when `organizationInfo` looks for an existing one. */
export function organizationNameKey(name: string): string {
  return onlyVisible(name).normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}
