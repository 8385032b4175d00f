import * as z from "zod";
import { label, text } from "../../kit/text";
import { anyTime } from "../../kit/time";
import { schemasOf } from "../../ontology/fieldSchemas";
import { partOfViews } from "../../ontology/fieldValues";
import type { ObjectDoc } from "../../ontology/registry";
import type { RecordView } from "../../ontology/view";
import { crmOrganizationType } from "../crmOrganization/type";
import { contactType } from "./type";
import { once } from "../../kit/once";

/** What callers send of contacts beside what the field map says, and the short form of a record. */
const schemas = once(() => schemasOf(contactType));

export type ContactSubtype = (typeof contactType.subtypes)[number];

/** What says who a contact is; its CRM organization is named by `organizationInfo`. */
export const contactFields = once(() => schemas().creation.omit({ crmOrganizationId: true }));

/** What a contact's creation says of the CRM organization that it belongs to. */
export const organizationInfo = once(() =>
  schemasOf(crmOrganizationType).creation.pick({
    ...{ name: true, website: true, industry: true, address: true },
    ...{ taxId: true, billingEmail: true, phone: true },
  }),
);

const NAMELESS = {
  path: ["firstName"],
  message: "is required when lastName, company and email are missing too",
};

type Names = Partial<Record<"firstName" | "lastName" | "company" | "email", string | undefined>>;

function isNamed(contact: Names): boolean {
  return Boolean(contact.firstName ?? contact.lastName ?? contact.company ?? contact.email);
}

/** `POST /crm/contacts`. A contact without any name or e-mail could not be found again. */
export const contactCreation = once(() =>
  z
    .strictObject({ ...contactFields().shape, organizationInfo: organizationInfo().optional() })
    .refine(isNamed, NAMELESS)
    .meta({ id: "ContactCreation" }),
);

/** The same of a device, which names the CRM organization by its id. */
export const syncedContactCreation = once(() =>
  z.strictObject(schemas().creation.shape).refine(isNamed, NAMELESS),
);

export const contactUpdate = once(() => schemas().update);
export const contactPatch = once(() => schemas().patch);
export const contactFilters = once(() => schemas().filters);

export const eventRegistration = once(() =>
  z
    .strictObject({
      eventId: text(200),
      eventName: label(200),
      eventDate: anyTime(),
      attendeeInfo: contactFields()
        .pick({
          ...{ firstName: true, lastName: true, email: true },
          ...{ phone: true, company: true, tags: true },
        })
        .required({ email: true }),
      organizationInfo: organizationInfo().optional(),
    })
    .meta({ id: "EventRegistration" }),
);

/**
 * The documented bodies of contacts are answered literally: they have what the record's view has beside
 * who it is stored as, and lists have its short form.
 */
const detail = once(() =>
  Object.keys(schemas().record.shape).filter(
    (name) => !["_id", "organizationId", "type", "createdBy"].includes(name),
  ),
);
const SUMMARY = [
  ...["id", "name", "firstName", "lastName", "email", "phone", "company"],
  ...["subtype", "status", "source", "tags", "crmOrganizationId"],
  ...["version", "createdAt", "updatedAt"],
];

export const contactDetail = once(() => shapeOf(detail()).meta({ id: "Contact" }));
export const contactSummary = once(() => shapeOf(SUMMARY).meta({ id: "ContactSummary" }));

const details = once(() => partOfViews(contactType.map, detail()));
const summaries = once(() => partOfViews(contactType.map, SUMMARY));

export function detailOf(contact: ObjectDoc<"crm_contact">): RecordView {
  return details()(contact);
}

export function summaryOf(contact: ObjectDoc<"crm_contact">): RecordView {
  return summaries()(contact);
}

function shapeOf(names: readonly string[]): z.ZodObject<Record<string, z.ZodType>> {
  const { shape } = schemas().record;
  return z.object(Object.fromEntries(names.map((name) => [name, shape[name] ?? z.never()])));
}
