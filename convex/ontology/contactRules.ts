import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import type { Id } from "../_generated/dataModel";
import { contactType } from "../types/contact/type";
import { contactByEmail, type Known } from "./contactByEmail";
import { isSamePhone, unitedLists } from "./contactAddresses";
import { organizationNameKey } from "../types/crmOrganization/type";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectChanges, ObjectStore } from "./store";
import type * as z from "zod";
import { invalidFields, missingReference } from "../kit/errors";
import { readFields } from "../kit/problems";
import {
  contactFields,
  type ContactSubtype,
  type eventRegistration,
  type organizationInfo,
} from "../types/contact/input";

type ContactFields = Partial<z.output<ReturnType<typeof contactFields>>>;
type OrganizationInfo = z.output<ReturnType<typeof organizationInfo>>;
type EventRegistration = z.output<ReturnType<typeof eventRegistration>>;
type Contact = ObjectDoc<"crm_contact">;
type ContactProperties = Properties<"crm_contact">;

const MAX_EVENT_REGISTRATIONS = 100;

export type SavedContact = { contact: Contact; isNew: boolean };

/** Properties that a way of coming in adds, given the contact that is known already. */
type Additions = (known: Contact | null) => Partial<ContactProperties>;

/** How a contact that is known already is recognized: by its e-mail, unless a way in knows more. */
type Recognition = (store: ObjectStore, fields: ContactFields) => Promise<Known | null>;

const byEmail: Recognition = async (store, { email }) =>
  email === undefined ? null : await contactByEmail(store, email);

/**
 * Creates a contact, or updates the living one that has this e-mail, or into which the one that had it
 * was merged: then only the given fields change, tags are united, and the subtype never goes down
 * (lead < prospect < customer).
 */
export async function saveContact(
  store: ObjectStore,
  fields: ContactFields,
  info: OrganizationInfo | undefined,
  additions: Additions = () => ({}),
  recognize: Recognition = byEmail,
): Promise<SavedContact> {
  const known = await recognize(store, fields);
  const crmOrganizationId = info && (await organizationFor(store, info))._id;
  if (known) {
    const given = withoutOthers(known, fields);
    const { customProperties, ...changes } = mergeInto(known.contact, given, crmOrganizationId);
    const contact = await store.update(known.contact, {
      ...changes,
      customProperties: { ...customProperties, ...additions(known.contact) },
    });
    return { contact, isNew: false };
  }
  const contact = await store.insert("crm_contact", {
    subtype: fields.subtype ?? "lead",
    status: fields.status ?? "active",
    customProperties: {
      source: "api",
      tags: [],
      customFields: [],
      ...propertiesOf(fields),
      ...(crmOrganizationId === undefined ? {} : { crmOrganizationId }),
      ...additions(null),
    },
  });
  return { contact, isNew: true };
}

/** A contact from an event registration; one who registers twice for an event is on it once. */
export async function saveRegistration(
  store: ObjectStore,
  registration: EventRegistration,
): Promise<SavedContact> {
  const { eventId, eventName, eventDate, attendeeInfo, organizationInfo: info } = registration;
  const entry = { eventId, eventName, eventDate };
  const saved = await saveContact(store, attendeeInfo, info, (known) => {
    const before = known?.customProperties.eventRegistrations ?? [];
    const others = before.filter((other) => other.eventId !== eventId);
    // A merge may have left more than that; a further one takes the place of the oldest only.
    const most = Math.max(MAX_EVENT_REGISTRATIONS, before.length);
    const eventRegistrations = [...others, entry].slice(-most);
    return known
      ? { eventRegistrations }
      : { eventRegistrations, source: "event", sourceRef: eventId };
  });
  await store.recordHappening(saved.contact, "registered", entry);
  return saved;
}

/** `PATCH`: given fields change, `null` clears, tags and custom fields are replaced as a whole. */
export async function changeContact(
  store: ObjectStore,
  contact: Contact,
  changes: { [F in keyof ContactFields]: ContactFields[F] | null } & {
    crmOrganizationId?: string | null;
  },
): Promise<Contact> {
  const { subtype, status, crmOrganizationId, ...fields } = changes;
  const link =
    typeof crmOrganizationId === "string"
      ? (await store.find("crm_organization", crmOrganizationId))?._id
      : undefined;
  if (link === undefined && typeof crmOrganizationId === "string") {
    throw missingReference("crm organization", "crmOrganizationId");
  }
  const customProperties = cleared(propertiesOf(fields as ContactFields));
  requireNamed(contact, customProperties);
  return await store.update(contact, {
    ...(subtype ? { subtype } : {}),
    ...(status ? { status } : {}),
    customProperties: {
      ...customProperties,
      ...(crmOrganizationId === undefined ? {} : { crmOrganizationId: link }),
    },
  });
}

const NAMES = ["firstName", "lastName", "company", "email"] as const;

/**
 * An update may not take away the last of what a contact is found by, as a creation may not lack it.
 * One that had none before passes. @throws VALIDATION_ERROR
 */
function requireNamed({ customProperties: before }: Contact, changes: object): void {
  const after = { ...before, ...changes };
  const removed = NAMES.find((name) => before[name] !== undefined && after[name] === undefined);
  if (removed === undefined || NAMES.some((name) => after[name] !== undefined)) return;
  const message = "is required when firstName, lastName, company and email would all be missing";
  throw invalidFields([{ field: removed, message }]);
}

/** The CRM organization of this name, made if there is none. What it already says is kept. */
async function organizationFor(
  store: ObjectStore,
  info: OrganizationInfo,
): Promise<ObjectDoc<"crm_organization">> {
  const known = await store.findByKey("crm_organization", organizationNameKey(info.name));
  if (known) {
    // A web form must not be able to overwrite a customer's tax id or billing address.
    return await store.update(known, { customProperties: { ...info, ...known.customProperties } });
  }
  return await store.insert("crm_organization", {
    subtype: "customer",
    status: "active",
    customProperties: { tags: [], customFields: [], ...info },
  });
}

/** An e-mail or a number that a contact was found by, and has beside its first, stays where it is. */
function withoutOthers({ contact, by }: Known, fields: ContactFields): ContactFields {
  const { email, phone, ...others } = fields;
  const { phone: first } = contact.customProperties;
  const isOtherPhone =
    by === "phone" && phone !== undefined && first !== undefined && !isSamePhone(phone, first);
  return {
    ...others,
    ...(email === undefined || by === "merged" ? {} : { email }),
    ...(phone === undefined || isOtherPhone ? {} : { phone }),
  };
}

function mergeInto(
  known: Contact,
  fields: ContactFields,
  crmOrganizationId: Id<"objects"> | undefined,
): ObjectChanges<"crm_contact"> {
  const { tags } = known.customProperties;
  const customFields = unpackCustomFields(known.customProperties.customFields);
  const given = propertiesOf(fields);
  const after = { ...known.customProperties, ...given };
  // An e-mail that another takes the place of stays, among the others: nothing is lost in silence.
  const { email } = known.customProperties;
  const added = { customFields: given.customFields, ...(email === undefined ? {} : { email }) };
  const lists = unitedLists(after, known.customProperties, added);
  return {
    subtype: higherSubtype(known.subtype, fields.subtype),
    ...(fields.status === undefined ? {} : { status: fields.status }),
    customProperties: {
      ...given,
      tags: withinLimits("tags", tags, [...new Set([...tags, ...(fields.tags ?? [])])]),
      customFields: packCustomFields(
        withinLimits("customFields", customFields, {
          ...customFields,
          ...fields.customFields,
          ...lists,
        }),
      ),
      ...(crmOrganizationId === undefined ? {} : { crmOrganizationId }),
    },
  };
}

/**
 * What an update adds up to is held to the limits of what it adds; one that adds nothing passes, since
 * a merge may have left more than that. @throws VALIDATION_ERROR
 */
function withinLimits<United extends readonly unknown[] | Record<string, unknown>>(
  field: "tags" | "customFields",
  known: United,
  united: United,
): United {
  const hasMore = Object.keys(united).length > Object.keys(known).length;
  if (!hasMore && JSON.stringify(united).length <= JSON.stringify(known).length) return united;
  const { problems } = readFields(contactFields().shape[field], united, field);
  if (!problems) return united;
  const told = problems.slice(0, 1);
  throw invalidFields(
    told.map((problem) => ({
      ...problem,
      message: `with what is known already ${problem.message}`,
    })),
  );
}

export function higherSubtype(
  known: ContactSubtype,
  given: ContactSubtype | undefined,
): ContactSubtype {
  if (given === undefined) return known;
  const rank = (subtype: ContactSubtype): number => contactType.subtypes.indexOf(subtype);
  return rank(given) > rank(known) ? given : known;
}

function propertiesOf(fields: ContactFields): Partial<ContactProperties> {
  const { subtype: _subtype, status: _status, customFields, tags, ...rest } = fields;
  return {
    ...rest,
    ...(tags ? { tags: [...new Set(tags)] } : {}),
    ...(customFields ? { customFields: packCustomFields(customFields) } : {}),
  };
}

/** `null` becomes "remove". */
function cleared<Fields extends object>(fields: Fields): Fields {
  const entries = Object.entries<unknown>(fields as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? undefined])) as Fields;
}
