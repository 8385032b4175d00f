import type { Problem } from "../kit/errors";
import type { Vcard, VcardProperty } from "../kit/vcard";
import { type FieldsOfRow, NOT_KEPT, saysMore } from "./contactRow";

/**
 * A vCard as the fields of a contact. A contact has one e-mail, phone, address and website: the
 * card's preferred or first; further ones go to the custom fields `otherEmails`, `otherPhones`,
 * `otherAddresses` and `otherWebsites`. What a contact has no place for is left, and told.
 */
export function fieldsOfCard({ properties, others }: Vcard): FieldsOfRow {
  const all = (name: string): VcardProperty[] =>
    preferredFirst(properties).filter(
      (property) => property.name === name && property.value.trim() !== "",
    );
  const first = (name: string): VcardProperty | undefined => all(name)[0];
  const [company, ...units] = first("ORG")?.parts.map(listed) ?? [];
  const full = first("FN")?.value.trim();
  // Phones put a company's name in FN and in ORG.
  const names = namesOf(first("N"), full === company ? undefined : full);
  if (!names.firstName && !names.lastName && !company) {
    const message = "the card has neither FN nor N nor ORG";
    return { fields: {}, left: [], problem: { path: "FN", message } };
  }
  const [, , , prefix, suffix] = first("N")?.parts.map(listed) ?? [];
  const [email, ...otherEmails] = valuesOf(all("EMAIL"), /^mailto:/i);
  const [phone, ...otherPhones] = valuesOf(all("TEL").filter(isNoFax), /^tel:/i);
  const [website, ...otherWebsites] = valuesOf(all("URL"));
  const [address, ...otherAddresses] = addressesOf(all("ADR"));
  const tags = all("CATEGORIES")
    .flatMap(({ items }) => items)
    .map((tag) => tag.trim())
    .filter(Boolean);
  const nickname = valuesOf(all("NICKNAME")).join(", ");
  const customFields = filledOnly({
    ...{ otherEmails, otherPhones, otherAddresses, website, otherWebsites, nickname },
    birthday: first("BDAY")?.value.trim(),
    department: units.filter(Boolean).join(", "),
    salutation: prefix,
    nameSuffix: suffix,
  });
  const fields = filledOnly({
    ...{ ...names, email, phone, company, tags, address, customFields },
    jobTitle: (first("TITLE") ?? first("ROLE"))?.value.trim(),
    notes: all("NOTE")
      .map(({ value }) => value)
      .join("\n\n"),
    sourceRef: first("UID")?.value.trim().slice(0, 200),
  });
  const said = [names.firstName, names.lastName, company, nickname, prefix, suffix, email];
  const left = [
    ...ONCE.filter((name) => all(name).length > 1).map((name) => leftOver(name, SECOND)),
    ...(first("TITLE") && first("ROLE") ? [leftOver("ROLE", "TITLE is kept in its place")] : []),
    ...(all("TEL").every(isNoFax) ? [] : [leftOver("TEL", "numbers of faxes are not kept")]),
    ...(saysMore(full, said) ? [leftOver("FN", "says more than N, and is not kept")] : []),
    ...others.map((name) => leftOver(name, NOT_KEPT)),
  ];
  return { fields, left, problem: null };
}

/** A contact has one of each. */
const ONCE = ["FN", "N", "ORG", "BDAY", "TITLE", "UID"];
const SECOND = "a second one is not kept";

function leftOver(path: string, message: string): Problem {
  return { path, message };
}

function isNoFax({ types }: VcardProperty): boolean {
  return !types.includes("fax");
}

function namesOf(
  structured: VcardProperty | undefined,
  full: string | undefined,
): { firstName?: string; lastName?: string } {
  const [family = "", given = "", additional = ""] = structured?.parts.map(listed) ?? [];
  const firstName = [given, additional].filter(Boolean).join(" ");
  if (firstName || family) return filledOnly({ firstName, lastName: family });
  if (!full) return {};
  const at = full.lastIndexOf(" ");
  return at < 0
    ? { firstName: full }
    : { firstName: full.slice(0, at).trim(), lastName: full.slice(at + 1) };
}

/** What a card is of, where it is not of a person or a company, who are contacts. */
export function kindOfCard({ properties }: Vcard): string | null {
  // Apple's, which are of version 3.0, have no KIND.
  const kind = properties.find(({ name }) => /^(X-ADDRESSBOOKSERVER-)?KIND$/.test(name));
  const name = kind?.value.trim().toLowerCase() ?? "";
  return ["group", "location", "application", "device", "thing"].includes(name) ? name : null;
}

/** Each place once. The components of ADR: post office box, extension, street, city, region, code, country. */
function addressesOf(properties: readonly VcardProperty[]): Record<string, string>[] {
  const addresses = properties.map(({ parts }) => {
    const [box, extension, street, city, state, postalCode, country] = parts.map(listed);
    const lines = [street, extension, box].filter(Boolean).join(", ");
    return filledOnly({ street: lines, city, state, postalCode, country });
  });
  const byText = addresses.map((address): [string, Record<string, string>] => [
    JSON.stringify(address),
    address,
  ]);
  return [...new Map(byText).values()].filter((address) => Object.keys(address).length > 0);
}

/** A component may be a list, and its line breaks do not belong into one field. */
function listed(part: string): string {
  return part.replace(/\s*[\r\n]+\s*/g, ", ").trim();
}

function valuesOf(properties: readonly VcardProperty[], scheme: RegExp | "" = ""): string[] {
  return [...new Set(properties.map(({ value }) => value.trim().replace(scheme, "")))];
}

function preferredFirst(properties: readonly VcardProperty[]): VcardProperty[] {
  return [
    ...properties.filter(({ isPreferred }) => isPreferred),
    ...properties.filter(({ isPreferred }) => !isPreferred),
  ];
}

type Filled<Fields> = { [F in keyof Fields]?: Exclude<Fields[F], undefined> };

/** Without what is undefined, or empty: a text, a list, an object. */
function filledOnly<Fields extends Record<string, string | object | undefined>>(
  fields: Fields,
): Filled<Fields> {
  const entries = Object.entries(fields).filter(([, value]) =>
    typeof value === "string" ? value !== "" : Object.keys(value ?? {}).length > 0,
  );
  return Object.fromEntries(entries) as Filled<Fields>;
}
