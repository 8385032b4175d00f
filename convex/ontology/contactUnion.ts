import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { invalid } from "../kit/errors";
import { emailKey } from "../kit/email";
import { MAX_NOTES } from "./contactInput";
import { higherSubtype } from "./contactRules";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectChanges } from "./store";

type Contact = ObjectDoc<"crm_contact">;
type ContactProperties = Properties<"crm_contact">;

/**
 * What a contact becomes when another that is the same person goes into it: its own values stay,
 * missing ones are taken over, notes, tags and registrations are united, the higher subtype counts. A
 * second e-mail or phone is kept in the custom fields `otherEmails` and `otherPhones`.
 * @throws VALIDATION_ERROR when the notes of both are longer than those of one contact may be
 */
export function unionOf(target: Contact, source: Contact): ObjectChanges<"crm_contact"> {
  const own = target.customProperties;
  const other = source.customProperties;
  return {
    subtype: higherSubtype(target.subtype, source.subtype),
    customProperties: {
      ...other,
      ...own,
      tags: [...new Set([...own.tags, ...other.tags])],
      customFields: unitedFields(own, other),
      ...unitedNotes(own.notes, other.notes),
      ...unitedRegistrations(own, other),
    },
  };
}

/** Notes are what people wrote: they are never cut. */
function unitedNotes(
  own: string | undefined,
  other: string | undefined,
): Pick<ContactProperties, "notes"> {
  if (!own || !other || own === other) return {};
  const notes = `${own}\n\n${other}`;
  if (notes.length > MAX_NOTES) {
    const lengths = `${own.length} and ${other.length} characters`;
    const message = `of the two contacts have ${lengths}, together more than the ${MAX_NOTES} that one contact holds; shorten one of them, then merge`;
    throw invalid([{ path: "notes", message }]);
  }
  return { notes };
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
  return { eventRegistrations: [...byEvent.values()] };
}
