import type { Problem } from "../kit/errors";
import type { Vcard, VcardProperty } from "../kit/vcard";

/**
 * A vCard as the fields of a contact. A contact has one e-mail and one phone: the card's preferred or
 * first; further ones go to the custom fields `otherEmails` and `otherPhones`.
 */
export function fieldsOfCard({ properties }: Vcard): {
  fields: Record<string, unknown>;
  problem: Problem | null;
} {
  const all = (name: string): VcardProperty[] =>
    properties.filter((property) => property.name === name && property.value.trim() !== "");
  const first = (name: string): VcardProperty | undefined => preferredFirst(all(name))[0];
  const company = first("ORG")?.parts[0]?.trim();
  const full = first("FN")?.value.trim();
  // Phones put a company's name in FN and in ORG.
  const names = namesOf(first("N"), full === company ? undefined : full);
  if (!names.firstName && !names.lastName && !company) {
    const message = "the card has neither FN nor N nor ORG";
    return { fields: {}, problem: { path: "FN", message } };
  }
  const [email, ...otherEmails] = valuesOf(all("EMAIL"), /^mailto:/i);
  const [phone, ...otherPhones] = valuesOf(
    all("TEL").filter(({ types }) => !types.includes("fax")),
    /^tel:/i,
  );
  const tags = all("CATEGORIES")
    .flatMap(({ items }) => items)
    .map((tag) => tag.trim())
    .filter(Boolean);
  const customFields = definedOnly({
    otherEmails: otherEmails.length > 0 ? otherEmails : undefined,
    otherPhones: otherPhones.length > 0 ? otherPhones : undefined,
    birthday: first("BDAY")?.value.trim(),
    website: first("URL")?.value.trim(),
  });
  const fields = definedOnly({
    ...names,
    email,
    phone,
    company,
    jobTitle: (first("TITLE") ?? first("ROLE"))?.value.trim(),
    notes: first("NOTE")?.value,
    sourceRef: first("UID")?.value.trim().slice(0, 200),
    tags: tags.length > 0 ? tags : undefined,
    address: addressOf(first("ADR")),
    customFields: Object.keys(customFields).length > 0 ? customFields : undefined,
  });
  return { fields, problem: null };
}

function namesOf(
  structured: VcardProperty | undefined,
  full: string | undefined,
): { firstName?: string; lastName?: string } {
  const [family = "", given = "", additional = ""] = structured?.parts.map(listed) ?? [];
  const firstName = [given, additional].filter(Boolean).join(" ");
  if (firstName || family)
    return definedOnly({ firstName: firstName || undefined, lastName: family || undefined });
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

/** The components of ADR: post office box, extension, street, city, region, code, country. */
function addressOf(property: VcardProperty | undefined): Record<string, string> | undefined {
  if (!property) return undefined;
  const [box = "", extension = "", street = "", city, state, postalCode, country] =
    property.parts.map(listed);
  const lines = [street, extension, box].filter(Boolean).join(", ");
  const address = definedOnly({ street: lines, city, state, postalCode, country });
  const given = Object.entries(address).filter(([, value]) => value !== "");
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

/** A component may be a list, and its line breaks do not belong into one field. */
function listed(part: string): string {
  return part.replace(/\s*[\r\n]+\s*/g, ", ").trim();
}

function valuesOf(properties: VcardProperty[], scheme: RegExp): string[] {
  const values = preferredFirst(properties).map(({ value }) => value.trim().replace(scheme, ""));
  return [...new Set(values)];
}

function preferredFirst(properties: VcardProperty[]): VcardProperty[] {
  return [
    ...properties.filter(({ isPreferred }) => isPreferred),
    ...properties.filter(({ isPreferred }) => !isPreferred),
  ];
}

function definedOnly<Fields extends Record<string, unknown>>(
  fields: Fields,
): { [F in keyof Fields]?: Exclude<Fields[F], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [F in keyof Fields]?: Exclude<Fields[F], undefined> };
}
