import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { emailKey } from "../kit/email";
import { higherSubtype } from "./contactRules";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectChanges } from "./store";

type Contact = ObjectDoc<"crm_contact">;
type ContactProperties = Properties<"crm_contact">;

/**
 * What a contact becomes when another that is the same person goes into it: its own values stay,
 * missing ones are taken over, tags and registrations are united, the higher subtype counts. A second
 * e-mail or phone is kept in the custom fields `otherEmails` and `otherPhones`.
 */
export function unionOf(target: Contact, source: Contact): ObjectChanges<"crm_contact"> {
  const own = target.customProperties;
  const other = source.customProperties;
  const notes = [own.notes, other.notes].filter(Boolean);
  return {
    subtype: higherSubtype(target.subtype, source.subtype),
    customProperties: {
      ...other,
      ...own,
      tags: [...new Set([...own.tags, ...other.tags])],
      customFields: unitedFields(own, other),
      ...(notes.length > 1 && own.notes !== other.notes
        ? { notes: joined(notes.join("\n\n")) }
        : {}),
      ...unitedRegistrations(own, other),
    },
  };
}

const MAX_NOTES = 20_000;

function joined(notes: string): string {
  return notes.slice(0, MAX_NOTES).toWellFormed();
}

function unitedFields(
  own: ContactProperties,
  other: ContactProperties,
): ContactProperties["customFields"] {
  const fields = {
    ...unpackCustomFields(other.customFields),
    ...unpackCustomFields(own.customFields),
  };
  addTo(fields, "otherEmails", own.email, other.email, emailKey);
  addTo(fields, "otherPhones", own.phone, other.phone, (phone) => phone.replace(/\D/g, ""));
  return packCustomFields(fields);
}

function addTo(
  fields: Record<string, unknown>,
  field: string,
  own: string | undefined,
  other: string | undefined,
  key: (value: string) => string,
): void {
  if (own === undefined || other === undefined || key(own) === key(other)) return;
  const known: unknown = fields[field];
  const list = Array.isArray(known) ? (known as unknown[]) : [];
  fields[field] = [...new Set([...list, other])];
}

function unitedRegistrations(
  own: ContactProperties,
  other: ContactProperties,
): Partial<ContactProperties> {
  const registrations = [...(other.eventRegistrations ?? []), ...(own.eventRegistrations ?? [])];
  if (registrations.length === 0) return {};
  const byEvent = new Map(
    registrations.map((registration) => [registration.eventId, registration]),
  );
  return { eventRegistrations: [...byEvent.values()].slice(-100) };
}
