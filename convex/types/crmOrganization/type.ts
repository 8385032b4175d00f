import { onlyVisible } from "../../kit/invisible";
import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType } from "../../ontology/mappedType";

/** A company or other body that contacts belong to and that projects and invoices are for. */
export const crmOrganizationType = defineMappedType({
  type: "crm_organization",
  resource: "crm organization",
  area: "crm",
  subtypes: ["customer", "prospect", "partner", "supplier", "other"],
  statuses: ["active", "inactive"],
  verbs: CHANGED,
  map: {
    shape: "flat",
    begins: { subtype: "customer", status: "active" },
    statusIsGiven: true,
    fields: {
      name: field.label(200, { isSearched: true, keyOf: organizationNameKey }).required,
      website: field.webAddress({ isSearched: true }).optional,
      industry: field.label(200, { isSearched: true }).optional,
      address: field.address().optional,
      billingEmail: field.email({ isSearched: true }).optional,
      phone: field.phone({ isSearched: true }).optional,
      taxId: field.label(50, { isSearched: true }).optional,
      tags: field.labels(50, 50, { isSearched: true }).beginning([]),
      notes: field.longText(20_000).optional,
      customFields: field.ownFields(),
    },
  },
});

/** How names of CRM organizations are compared when `organizationInfo` looks for an existing one. */
export function organizationNameKey(name: string): string {
  return onlyVisible(name).normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}
