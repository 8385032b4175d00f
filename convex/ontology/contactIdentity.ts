import { packCustomFields } from "../kit/customFields";
import { emailKey } from "../kit/email";
import { phoneKey, type Region } from "../kit/phone";
import { contactByEmail, type Known } from "./contactByEmail";
import { cardKey, nameKey, otherPhonesOf, type Person } from "./contactMatch";
import type { ObjectDoc } from "./registry";
import type { ObjectStore } from "./store";

/**
 * Whom somebody means who names a contact by what they know of it. The one place where a contact is
 * looked up by an address, whatever way it comes in.
 */
type Contact = ObjectDoc<"crm_contact">;

/** Of a number that many have, such as a switchboard's, or of a UID, so many are looked at. */
const HOLDERS_READ = 50;
const PHONES_READ = 5;

/**
 * The contact that a row of a file is. The e-mail decides; where it finds nobody, the UID of a vCard,
 * then a phone number together with the name. Two with different e-mails are two people, whatever
 * phone they share.
 */
export async function contactOfRow(
  store: ObjectStore,
  row: Person,
  card: string | undefined,
): Promise<Known | null> {
  const byEmail = row.email === undefined ? null : await contactByEmail(store, row.email);
  if (byEmail) return byEmail;
  const byCard = card === undefined ? null : await contactByCard(store, row, card);
  if (byCard) return { contact: byCard, by: "card" };
  const twin = await contactByPhoneAndName(store, row);
  return twin && { contact: twin, by: "phone" };
}

/** What a caller sends of a contact, as it would be stored. */
export function personOf({
  customFields,
  ...fields
}: Omit<Person, "customFields"> & { customFields?: Record<string, unknown> | undefined }): Person {
  return { ...fields, ...(customFields ? { customFields: packCustomFields(customFields) } : {}) };
}

/** Of several that have the UID, the name tells; else the card would be one more person each time. */
async function contactByCard(
  store: ObjectStore,
  row: Person,
  card: string,
): Promise<Contact | null> {
  const key = { kind: "card", key: cardKey(card) } as const;
  const [contact, ...others] = await store.holdersOf("crm_contact", key, HOLDERS_READ);
  if (!contact || others.length === 0) return contact ?? null;
  const name = nameKey(row);
  const isNamesake = ({ customProperties }: Contact): boolean => nameKey(customProperties) === name;
  return [contact, ...others].find(isNamesake) ?? null;
}

async function contactByPhoneAndName(store: ObjectStore, row: Person): Promise<Contact | null> {
  if (nameKey(row) === null) return null;
  for (const key of phoneKeysOf(row, await phoneRegionFor(store, row))) {
    const holders = await store.holdersOf("crm_contact", { kind: "phone", key }, HOLDERS_READ);
    const twin = holders.find(({ customProperties }) => isSamePerson(row, customProperties));
    if (twin) return twin;
  }
  return null;
}

/** Of two that share a phone number. */
function isSamePerson(row: Person, known: Person): boolean {
  const name = nameKey(row) ?? "";
  const haveOtherEmails =
    row.email !== undefined &&
    known.email !== undefined &&
    emailKey(row.email) !== emailKey(known.email);
  return !haveOtherEmails && [nameKey(known), ...(known.merged?.names ?? [])].includes(name);
}

async function phoneRegionFor(store: ObjectStore, row: Person): Promise<Region | null> {
  return phonesOf(row).length === 0 ? null : await store.phoneRegion();
}

export function phoneKeysOf(row: Person, region: Region | null): string[] {
  const keys = phonesOf(row).map((phone) => phoneKey(phone, region));
  return [...new Set(keys.filter((key) => key !== null))].slice(0, PHONES_READ);
}

function phonesOf(row: Person): string[] {
  return [...(row.phone === undefined ? [] : [row.phone]), ...otherPhonesOf(row)];
}
