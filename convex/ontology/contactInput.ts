import * as z from "zod";
import { customFields } from "../kit/customFieldsInput";
import { emailAddress } from "../kit/emailInput";
import { patchOf } from "../kit/mergePatch";
import { longText, label, text, webAddress } from "../kit/text";
import { anyTime } from "../kit/time";
import { address } from "./addressInput";
import { contactType } from "./contact";

/** What callers send of contacts, and what they are shown. */
export const contactSubtype = z.enum(contactType.subtypes);
export const contactStatus = z.enum(contactType.statuses);
export const contactSource = z.enum(["event", "checkout", "api"]);
export type ContactSubtype = z.output<typeof contactSubtype>;

export const tags = z.array(label(50)).max(50, "must have at most 50 entries");

export const MAX_NOTES = 20_000;

export const contactFields = z.strictObject({
  subtype: contactSubtype,
  status: contactStatus,
  firstName: label(200),
  lastName: label(200),
  email: emailAddress,
  phone: label(50),
  company: label(200),
  jobTitle: label(200),
  source: contactSource,
  sourceRef: text(200),
  tags,
  notes: longText(MAX_NOTES),
  address,
  taxId: label(50),
  customFields,
});

export const organizationInfo = z.strictObject({
  name: label(200),
  website: webAddress.optional(),
  industry: label(200).optional(),
  address: address.optional(),
  taxId: label(50).optional(),
  billingEmail: emailAddress.optional(),
  phone: label(50).optional(),
});

/** `POST /crm/contacts`. A contact without any name or e-mail could not be found again. */
export const contactCreation = contactFields
  .partial()
  .extend({ organizationInfo: organizationInfo.optional() })
  .refine((c) => c.firstName ?? c.lastName ?? c.company ?? c.email, {
    path: ["firstName"],
    message: "is required when lastName, company and email are missing too",
  })
  .meta({ id: "ContactCreation" });

const requiredWhenGiven = { subtype: true, status: true, source: true } as const;

/** `PATCH`: every field is optional, and `null` clears those that a contact can do without. */
export const contactUpdate = z.strictObject({
  ...nullableFields(contactFields.omit(requiredWhenGiven).shape),
  ...contactFields.pick(requiredWhenGiven).partial().shape,
  tags: tags.optional(),
  customFields: customFields.optional(),
  crmOrganizationId: z.string().nullable().optional(),
});

/** `contactUpdate` whose address may be sent in part. */
export const contactPatch = patchOf(contactUpdate).meta({ id: "ContactUpdate" });

export const eventRegistration = z
  .strictObject({
    eventId: text(200),
    eventName: label(200),
    eventDate: anyTime,
    attendeeInfo: contactFields
      .pick({
        firstName: true,
        lastName: true,
        email: true,
        phone: true,
        company: true,
        tags: true,
      })
      .partial()
      .required({ email: true }),
    organizationInfo: organizationInfo.optional(),
  })
  .meta({ id: "EventRegistration" });

export const contactSummary = z
  .object({
    id: z.string(),
    name: z.string(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    subtype: contactSubtype,
    status: contactStatus,
    source: contactSource,
    tags: z.array(z.string()),
    crmOrganizationId: z.string().nullable(),
    version: z.number().int(),
    createdAt: z.number(),
    updatedAt: z.number(),
  })
  .meta({ id: "ContactSummary" });

const shownAddress = z.record(z.string(), z.string());

export const contactDetail = contactSummary
  .extend({
    emailStatus: z
      .enum(["bounced", "complained"])
      .nullable()
      .meta({ description: "Why mail to the address no longer goes out; null where it does." }),
    jobTitle: z.string().nullable(),
    sourceRef: z.string().nullable(),
    notes: z.string().nullable(),
    address: shownAddress.nullable(),
    taxId: z.string().nullable(),
    customFields: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "Contact" });

/** Each field of a shape, optional and nullable. */
export function nullableFields<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
): { [F in keyof Shape]: z.ZodOptional<z.ZodNullable<Shape[F]>> } {
  const entries = Object.entries(shape).map(([name, schema]) => [
    name,
    schema.nullable().optional(),
  ]);
  return Object.fromEntries(entries) as {
    [F in keyof Shape]: z.ZodOptional<z.ZodNullable<Shape[F]>>;
  };
}
