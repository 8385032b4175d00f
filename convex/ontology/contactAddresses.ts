import { packCustomFields, unpackCustomFields } from "../kit/customFields";
import { emailKey } from "../kit/email";
import { phoneKey } from "../kit/phone";
import { listIn, type MergedIdentity, nameKey, type Person } from "./contactMatch";
import type { Properties } from "./registry";

/**
 * The further addresses of a contact: the custom fields `otherEmails` and `otherPhones`, and what
 * merges brought of who it is. They are added to, not replaced, so that no update loses a merged
 * address; what is no list of texts there is left alone.
 */
type ContactProperties = Properties<"crm_contact">;
type Addressed = Pick<Person, "email" | "phone" | "customFields">;

const LISTS = [
  { field: "otherEmails", own: "email", keyOf: emailKey },
  { field: "otherPhones", own: "phone", keyOf: phoneName },
] as const;

/**
 * The lists of a contact and of what is added to it, one after the other: each address once, without
 * those that stand in the contact's own fields. A field for which there are none is not in it.
 */
export function unitedLists(after: Addressed, known: Addressed, added: Addressed): CustomLists {
  const lists = LISTS.map(({ field, own, keyOf }) => {
    const further = added[own] === undefined ? [] : [added[own]];
    const all = [
      ...listIn(known.customFields, field),
      ...listIn(added.customFields, field),
      ...further,
    ];
    const seen = new Set(after[own] === undefined ? [] : [keyOf(after[own])]);
    return [field, all.filter((each) => seen.size < seen.add(keyOf(each)).size)] as const;
  });
  return Object.fromEntries(lists.filter(([, list]) => list.length > 0));
}
type CustomLists = Record<string, string[]>;

/** A number in another spelling is the same; which country it is of does not matter here. */
function phoneName(phone: string): string {
  return phoneKey(phone, null) ?? phone;
}

export function isSamePhone(one: string, other: string): boolean {
  return phoneName(one) === phoneName(other);
}

/** Undefined where the one brings nothing by which it was known alone. */
export function unitedIdentity(own: Person, other: Person): MergedIdentity | undefined {
  const brought = identityOf(other);
  const name = nameKey(own);
  return orNone({
    emails: [...new Set([...(own.merged?.emails ?? []), ...brought.emails])],
    names: [...new Set([...(own.merged?.names ?? []), ...brought.names])].filter(
      (other) => other !== name,
    ),
    cards: [...new Set([...(own.merged?.cards ?? []), ...brought.cards])].filter(
      (card) => card !== own.sourceRef,
    ),
  });
}

function identityOf(person: Person): MergedIdentity {
  const { email, source, sourceRef, merged } = person;
  const name = nameKey(person);
  return {
    emails: [...(email === undefined ? [] : [email]), ...(merged?.emails ?? [])],
    names: [...(name === null ? [] : [name]), ...(merged?.names ?? [])],
    cards: [
      ...(source === "api" && sourceRef !== undefined ? [sourceRef] : []),
      ...(merged?.cards ?? []),
    ],
  };
}

type Parts = Pick<ContactProperties, "customFields" | "tags"> & {
  merged?: MergedIdentity | undefined;
};

/**
 * What a contact is when another that was merged into it is one of its own again: without the other's
 * addresses, name, vCard, tags and custom fields, but for those that it had before the merge, or that
 * `others`, which are still merged into it, brought as well.
 */
export function partedFrom(
  target: ContactProperties,
  source: ContactProperties,
  before: Parts,
  others: readonly ContactProperties[],
): Parts & { merged: MergedIdentity | undefined } {
  const fields = new Map(withoutFieldsOf(target, source, [before, ...others]));
  for (const { field, own, keyOf } of LISTS) {
    const broughtBy = (one: ContactProperties): string[] => [
      ...listIn(one.customFields, field),
      ...(one[own] ? [one[own]] : []),
    ];
    const had = [...listIn(before.customFields, field), ...others.flatMap(broughtBy)];
    const present = listIn(target.customFields, field);
    const left = without(present, broughtBy(source), had, keyOf);
    if (left.length === present.length) continue;
    if (left.length > 0) fields.set(field, left);
    else fields.delete(field);
  }
  return {
    customFields: packCustomFields(Object.fromEntries(fields)),
    merged: target.merged && mergedWithout(target.merged, source, before.merged, others),
    tags: without(
      target.tags,
      source.tags,
      [before, ...others].flatMap(({ tags }) => tags),
      String,
    ),
  };
}

/** The custom fields that are not the source's, or have changed since it brought them. */
function withoutFieldsOf(
  target: ContactProperties,
  source: ContactProperties,
  kept: readonly Pick<ContactProperties, "customFields">[],
): [string, unknown][] {
  const brought = new Map(source.customFields.map(({ key, json }) => [key, json]));
  const own = new Set(kept.flatMap(({ customFields }) => customFields.map(({ key }) => key)));
  const left = target.customFields.filter(
    ({ key, json }) => own.has(key) || isList(key) || brought.get(key) !== json,
  );
  return Object.entries(unpackCustomFields(left));
}

function isList(key: string): boolean {
  return LISTS.some(({ field }) => field === key);
}

function mergedWithout(
  merged: MergedIdentity,
  source: ContactProperties,
  before: MergedIdentity = { emails: [], names: [], cards: [] },
  others: readonly Person[] = [],
): MergedIdentity | undefined {
  const gone = identityOf(source);
  const kept = [before, ...others.map(identityOf)];
  const parted = (of: keyof MergedIdentity, keyOf: (value: string) => string): string[] =>
    without(
      merged[of],
      gone[of],
      kept.flatMap((one) => one[of]),
      keyOf,
    );
  return orNone({
    emails: parted("emails", emailKey),
    names: parted("names", String),
    cards: parted("cards", String),
  });
}

function orNone(merged: MergedIdentity): MergedIdentity | undefined {
  return Object.values(merged).some((list) => list.length > 0) ? merged : undefined;
}

/** Those of the present ones that are not given away; what was there before stays. */
function without(
  present: readonly string[],
  given: readonly string[],
  before: readonly string[],
  keyOf: (value: string) => string,
): string[] {
  const gone = new Set(given.map(keyOf));
  for (const value of before) gone.delete(keyOf(value));
  return present.filter((value) => !gone.has(keyOf(value)));
}
