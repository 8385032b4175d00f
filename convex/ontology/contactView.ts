import type * as z from "zod";
import { unpackCustomFields } from "../kit/customFields";
import type { contactDetail, contactSummary } from "./contactInput";
import { emailKey } from "../kit/email";
import type { ObjectDoc, Properties } from "./registry";

type Contact = ObjectDoc<"crm_contact">;

export function summaryOf(contact: Contact): z.input<typeof contactSummary> {
  const { customProperties: properties } = contact;
  return {
    id: contact._id,
    name: contact.name,
    firstName: properties.firstName ?? null,
    lastName: properties.lastName ?? null,
    email: properties.email ?? null,
    phone: properties.phone ?? null,
    company: properties.company ?? null,
    subtype: contact.subtype,
    status: contact.status,
    source: properties.source,
    tags: properties.tags,
    crmOrganizationId: properties.crmOrganizationId ?? null,
    version: contact.version,
    createdAt: contact.createdAt,
    updatedAt: contact.updatedAt,
  };
}

export function detailOf(contact: Contact): z.input<typeof contactDetail> {
  const { customProperties: properties } = contact;
  return {
    ...summaryOf(contact),
    emailStatus: emailStatusOf(properties),
    jobTitle: properties.jobTitle ?? null,
    sourceRef: properties.sourceRef ?? null,
    notes: properties.notes ?? null,
    address: properties.address ?? null,
    taxId: properties.taxId ?? null,
    customFields: unpackCustomFields(properties.customFields),
  };
}

/** What is known of an address that the contact no longer has says nothing of its present one. */
function emailStatusOf({
  email,
  emailProblem,
}: Properties<"crm_contact">): "bounced" | "complained" | null {
  if (email === undefined || emailProblem === undefined) return null;
  return emailKey(email) === emailKey(emailProblem.email) ? emailProblem.reason : null;
}
