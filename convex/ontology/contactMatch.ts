import { emailKey } from "../kit/email";
import type { MatchKey } from "./definition";

/** By what two contacts may be the same person. */
type Person = {
  firstName?: string | undefined;
  lastName?: string | undefined;
  email?: string | undefined;
  phone?: string | undefined;
  company?: string | undefined;
};

/** A national and an international spelling of a number end in the same digits. */
const SIGNIFICANT_DIGITS = 9;
const FEWEST_DIGITS = 6;

export function contactMatchKeys(person: Person): MatchKey[] {
  const keys: [MatchKey["kind"], string | null][] = [
    ["email", person.email === undefined ? null : mailboxKey(person.email)],
    ["phone", person.phone === undefined ? null : phoneKey(person.phone)],
    ["name", nameKey(person)],
  ];
  return keys.flatMap(([kind, key]) => (key === null ? [] : [{ kind, key }]));
}

/** The mailbox: `ada+news@x.test` and `ada@x.test` are one. */
function mailboxKey(email: string): string {
  const key = emailKey(email);
  const at = key.lastIndexOf("@");
  return key.slice(0, at).replace(/(?!^)\+.*$/, "") + key.slice(at);
}

function phoneKey(phone: string): string | null {
  const digits = phone.replace(/\D/g, "");
  return digits.length < FEWEST_DIGITS ? null : digits.slice(-SIGNIFICANT_DIGITS);
}

/** The words of the name in any order, without case, accents and marks; a company's where there is none. */
function nameKey({ firstName, lastName, company }: Person): string | null {
  const name = [firstName, lastName].filter(Boolean).join(" ") || (company ?? "");
  const words = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .match(/[\p{L}\p{N}]+/gu);
  return words ? words.sort().join(" ") : null;
}
