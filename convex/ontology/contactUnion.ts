import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { invalidRecord } from "../kit/errors";
import { unitedIdentity, unitedLists } from "./contactAddresses";
import { MAX_NOTES } from "../types/contact/type";
import { higherSubtype } from "./contactRules";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectChanges } from "./store";

type Contact = ObjectDoc<"crm_contact">;
type ContactProperties = Properties<"crm_contact">;

/**
 * What a contact becomes when another that is the same person goes into it: its own values stay,
 * missing ones are taken over, notes, tags and registrations are united, the higher subtype counts.
 * Further e-mails and phones are kept in the custom fields `otherEmails` and `otherPhones`, and find the
 * contact from then on, as the other's name and vCard do.
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
      customFields: packCustomFields({
        ...unpackCustomFields(other.customFields),
        ...unpackCustomFields(own.customFields),
        ...unitedLists({ ...other, ...own }, own, other),
      }),
      ...unitedNotes(own.notes, other.notes),
      ...unitedRegistrations(own, other),
      merged: unitedIdentity(own, other),
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
    throw invalidRecord([{ field: "notes", message }]);
  }
  return { notes };
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
