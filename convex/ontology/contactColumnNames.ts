/** The columns of a CSV file of contacts. */

const ADDRESS = ["street", "city", "state", "postalCode", "country"] as const;
const TEXTS = [
  "firstName",
  "lastName",
  "email",
  "phone",
  "company",
  "jobTitle",
  "subtype",
  "status",
  "source",
  "sourceRef",
] as const;

/** In the order of an export. */
export const CONTACT_COLUMNS = [
  "id",
  ...TEXTS,
  "tags",
  "notes",
  ...ADDRESS,
  "taxId",
  "customFields",
  "crmOrganizationId",
  "name",
  "version",
  "createdAt",
  "updatedAt",
] as const;
export type ContactColumn = (typeof CONTACT_COLUMNS)[number];
