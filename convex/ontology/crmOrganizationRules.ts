import * as z from "zod";
import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { customFields } from "../kit/customFieldsInput";
import { emailAddress } from "../kit/emailInput";
import { patchOf } from "../kit/mergePatch";
import { severalOf } from "../kit/several";
import { longText, label, webAddress } from "../kit/text";
import { address } from "./addressInput";
import { nullableFields, tags } from "./contactInput";
import { crmOrganizationType } from "./crmOrganization";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectStore } from "./store";

type CrmOrganization = ObjectDoc<"crm_organization">;

const subtype = z.enum(crmOrganizationType.subtypes);
const status = z.enum(crmOrganizationType.statuses);

/** The filters of the list. */
export const crmOrganizationFilters = { subtype: severalOf(subtype), status: severalOf(status) };

const optionalFields = z.strictObject({
  website: webAddress,
  industry: label(200),
  address,
  taxId: label(50),
  billingEmail: emailAddress,
  phone: label(50),
  notes: longText(20_000),
});
const commonFields = {
  subtype: subtype.optional(),
  status: status.optional(),
  tags: tags.optional(),
  customFields: customFields.optional(),
};

export const crmOrganizationCreation = z
  .strictObject({ name: label(200), ...optionalFields.partial().shape, ...commonFields })
  .meta({ id: "CrmOrganizationCreation" });

export const crmOrganizationUpdate = z.strictObject({
  name: label(200).optional(),
  ...nullableFields(optionalFields.shape),
  ...commonFields,
});

/** `crmOrganizationUpdate` whose address may be sent in part. */
export const crmOrganizationPatch = patchOf(crmOrganizationUpdate).meta({
  id: "CrmOrganizationUpdate",
});

export const crmOrganizationDetail = z
  .object({
    id: z.string(),
    name: z.string(),
    subtype,
    status,
    website: z.string().nullable(),
    industry: z.string().nullable(),
    address: z.record(z.string(), z.string()).nullable(),
    taxId: z.string().nullable(),
    billingEmail: z.string().nullable(),
    phone: z.string().nullable(),
    tags: z.array(z.string()),
    notes: z.string().nullable(),
    customFields: z.record(z.string(), z.unknown()),
    version: z.number().int(),
    createdAt: z.number(),
    updatedAt: z.number(),
  })
  .meta({ id: "CrmOrganization" });

export function crmOrganizationView(
  organization: CrmOrganization,
): z.input<typeof crmOrganizationDetail> {
  const { customProperties: properties } = organization;
  return {
    id: organization._id,
    name: organization.name,
    subtype: organization.subtype,
    status: organization.status,
    website: properties.website ?? null,
    industry: properties.industry ?? null,
    address: properties.address ?? null,
    taxId: properties.taxId ?? null,
    billingEmail: properties.billingEmail ?? null,
    phone: properties.phone ?? null,
    tags: properties.tags,
    notes: properties.notes ?? null,
    customFields: unpackCustomFields(properties.customFields),
    version: organization.version,
    createdAt: organization.createdAt,
    updatedAt: organization.updatedAt,
  };
}

export async function createCrmOrganization(
  store: ObjectStore,
  { subtype = "customer", status = "active", ...fields }: z.output<typeof crmOrganizationCreation>,
): Promise<CrmOrganization> {
  const customProperties = { tags: [], customFields: [], ...storedFields(fields) };
  return await store.insert("crm_organization", {
    subtype,
    status,
    customProperties: { ...customProperties, name: fields.name },
  });
}

/** Given fields change, `null` clears; tags and custom fields are replaced as a whole. */
export async function changeCrmOrganization(
  store: ObjectStore,
  organization: CrmOrganization,
  { subtype, status, ...fields }: z.output<typeof crmOrganizationUpdate>,
): Promise<CrmOrganization> {
  return await store.update(organization, {
    ...(subtype ? { subtype } : {}),
    ...(status ? { status } : {}),
    customProperties: storedFields(fields),
  });
}

type SentFields = Omit<z.output<typeof crmOrganizationUpdate>, "subtype" | "status">;

/** As stored: `null` becomes "remove". */
function storedFields({
  customFields,
  tags,
  ...fields
}: SentFields): Partial<Properties<"crm_organization">> {
  const entries = Object.entries(fields).map(([name, value]) => [name, value ?? undefined]);
  return {
    ...(Object.fromEntries(entries) as Partial<Properties<"crm_organization">>),
    ...(tags ? { tags: [...new Set(tags)] } : {}),
    ...(customFields ? { customFields: packCustomFields(customFields) } : {}),
  };
}
