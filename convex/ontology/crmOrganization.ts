import * as z from "zod";
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
  properties: z.object({
    name: z.string(),
    website: z.string().optional(),
    industry: z.string().optional(),
    address: storedAddress.optional(),
    taxId: z.string().optional(),
    billingEmail: z.string().optional(),
    phone: z.string().optional(),
    tags: z.array(z.string()),
    notes: z.string().optional(),
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
