import { emailKey, mailboxOf } from "../kit/email";
import { onlyVisible } from "../kit/invisible";
import type { StoredCustomFields } from "../kit/customFields";
import type { Match } from "./definition";

/**
 * Who a contact is: by what it is known again, and by what two contacts may be the same person.
 * `email`, `phone` and `name` make duplicates; `address`, an e-mail that a merge brought, and `card`,
 * the UID of a vCard, only find the contact.
 */
export type Person = {
  firstName?: string | undefined;
  lastName?: string | undefined;
  email?: string | undefined;
  phone?: string | undefined;
  company?: string | undefined;
  source?: string | undefined;
  sourceRef?: string | undefined;
  customFields?: StoredCustomFields | undefined;
  merged?: MergedIdentity | undefined;
};

/** What a contact has of those that were merged into it, beside their other values. */
export type MergedIdentity = { emails: string[]; names: string[]; cards: string[] };

/** Of each kind, the first so many are keys. */
const MOST_KEYS = 20;

export function contactMatchKeys(person: Person): Match[] {
  const { email, phone } = person;
  const merged = mergedEmailsOf(person);
  const emails = [...(email === undefined ? [] : [email]), ...merged, ...otherEmailsOf(person)];
  const phones = [...(phone === undefined ? [] : [phone]), ...otherPhonesOf(person)];
  const name = nameKey(person);
  return [
    ...distinct(emails.map(mailboxKey)).map((key) => ({ kind: "email" as const, key })),
    ...distinct(phones).map((number) => ({ kind: "phone" as const, number })),
    ...(name === null ? [] : [{ kind: "name" as const, key: name }]),
    // One fewer, so that the mailbox of each is among those above.
    ...distinct(merged.slice(0, MOST_KEYS - 1)).map((key) => ({ kind: "address" as const, key })),
    ...distinct(cardsOf(person)).map((key) => ({ kind: "card" as const, key })),
  ];
}

/** The addresses among the custom field `otherEmails`. */
export function otherEmailsOf({ email, customFields }: Person): string[] {
  const own = email === undefined ? null : emailKey(email);
  return listIn(customFields, "otherEmails").filter(
    (other) => mailboxOf(other) !== null && emailKey(other) !== own,
  );
}

export function otherPhonesOf({ customFields }: Person): string[] {
  return listIn(customFields, "otherPhones");
}

/**
 * Keys of the e-mails that merges brought and that the contact still has: whoever takes one out of
 * `otherEmails` takes it away from the contact. Those that somebody wrote there are not among them: a
 * form could name anybody's.
 */
export function mergedEmailsOf(person: Person): string[] {
  const merged = new Set((person.merged?.emails ?? []).map(emailKey));
  return merged.size === 0
    ? []
    : otherEmailsOf(person)
        .map(emailKey)
        .filter((key) => merged.has(key));
}

function cardsOf({ source, sourceRef, merged }: Person): string[] {
  const own = source === "api" && sourceRef !== undefined ? [sourceRef] : [];
  return [...own, ...(merged?.cards ?? [])].map(cardKey);
}

/** A UID with and without the prefix that version 4.0 gives it. */
export function cardKey(uid: string): string {
  return onlyVisible(uid)
    .trim()
    .toLowerCase()
    .replace(/^urn:uuid:/, "");
}

/** The mailbox: `ada+news@x.test` and `ada@x.test` are one. */
export function mailboxKey(email: string): string {
  const key = emailKey(email);
  const at = key.lastIndexOf("@");
  return key.slice(0, at).replace(/(?!^)\+.*$/, "") + key.slice(at);
}

/** The words of the name in any order, without case, accents and marks; a company's where there is none. */
export function nameKey({ firstName, lastName, company }: Person): string | null {
  const name = [firstName, lastName].filter(Boolean).join(" ") || (company ?? "");
  const words = onlyVisible(name)
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .match(/[\p{L}\p{N}]+/gu);
  return words ? words.sort().join(" ") : null;
}

/** The texts of a list among the custom fields, which may hold anything. */
export function listIn(customFields: StoredCustomFields | undefined, field: string): string[] {
  const stored = customFields?.find(({ key }) => key === field);
  return stored ? textsIn(JSON.parse(stored.json)) : [];
}

function textsIn(value: unknown): string[] {
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  return entries.filter((entry) => typeof entry === "string");
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].slice(0, MOST_KEYS);
}
