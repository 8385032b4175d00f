import type { GenericId, Infer, PropertyValidators, Value, VObject } from "convex/values";
import type { Area, Scope } from "../kit/scopes";
import type { Tally } from "./counts";
import type { FilterColumn, RelationColumn } from "./columnNames";
import type { FieldMap, Nature } from "./fields";

/** What a type stores of its own. */
export type StoredProperties = VObject<Record<string, unknown>, PropertyValidators>;

/**
 * An object type: one file of this folder per type defines one, and everything that depends on the
 * type (its table validator, request schemas, index columns, lists, events) is derived from it.
 */
export type ObjectTypeDefinition<
  Type extends string = string,
  Subtype extends string = string,
  Status extends string = string,
  Properties extends StoredProperties = StoredProperties,
  Filters extends Record<string, FilterColumn> = Record<string, FilterColumn>,
> = {
  /** The value of `objects.type`. */
  type: Type;
  /** Singular, in words: names errors (`CONTACT_NOT_FOUND`) and events (`contact.created`). */
  resource: string;
  /** Whose scopes its callers need: `projects:read`. */
  area: Area;
  subtypes: readonly [Subtype, ...Subtype[]];
  statuses: readonly [Status, ...Status[]];
  /** Its fields, where a map of them says what they are; by hand otherwise. */
  map?: MappedRecord<Subtype, Status>;
  /** What happens to its objects: `updated`, `sent`. Each is an event (`invoice.sent`). */
  verbs: readonly string[];
  /** Which status may follow which; a type without it lets every status follow every other. */
  transitions?: Record<Status, readonly Status[]>;
  /** The stored `customProperties`. */
  properties: Properties;
  /** Whether `columns().uniqueKey` may live only once per organization. */
  uniqueKeyIs?: { field: string; errorCode: "EMAIL_EXISTS" | "CONFLICT"; message: string };
  columns(record: ObjectRecord<Subtype, Status, Infer<Properties>>): ObjectColumns;
  /** What deleting one takes, where writing does not cover it. */
  removeScope?: Scope;
  /** What a portal user has of the type; a type without it is not theirs to see. */
  portal?: PortalRule<ObjectRecord<Subtype, Status, Infer<Properties>>>;
  /** The filters of the type's list, and the column that serves each. */
  filters: Filters;
  /**
   * Further filters of its list, of which an object may have several values: whom a task is assigned to.
   * By filter, the object's values (objectTerms, see terms.ts).
   */
  terms?: {
    filters: readonly string[];
    of(
      record: ObjectRecord<Subtype, Status, Infer<Properties>>,
    ): Readonly<Record<string, readonly string[]>>;
  };
  /** Who sees the project that its `parentId` names sees it, and nobody else (see sight.ts). */
  belongsTo?: "project";
  /** What somebody's role in its project must let them do to write it; `work` where nothing is said. */
  projectAction?: "comment";
  /** Of which type the objects are that a column names; `ANY_TYPE` where they are of several. */
  owners?: Partial<Record<RelationColumn, string>>;
  /** What its list is sorted by beside what all are, and the column: an invoice's `issueDate`. */
  sorts?: Record<string, SortColumn>;
  /** Sums that the type's counts carry beside the number of objects: what is due of invoices. */
  sums?(record: ObjectRecord<Subtype, Status, Infer<Properties>>): Record<string, bigint>;
  /** The sums began after there were objects: who has none yet gets them with its next write, or a job. */
  sumsBegan?: "later";
  /** What two objects that may be the same have in common; how duplicates are found. */
  matchKeys?(record: ObjectRecord<Subtype, Status, Infer<Properties>>): Match[];
  /**
   * What an object has that is known by a look-up key which is not its own, such as the e-mail of a
   * merged contact: `is` says it exactly, and whoever has that has `among` too, which a new object is
   * asked for anyway.
   */
  otherKeys?(lookupKey: string): { among: MatchKey; is: MatchKey };
  /**
   * What is left of an object when the person whom it refers to is erased; null where it stays as it
   * is, as an issued invoice does. A type without it says nothing of the person itself.
   */
  withoutPerson?(
    record: ObjectRecord<Subtype, Status, Infer<Properties>>,
    personId: GenericId<"objects">,
  ): { left: Infer<Properties>; isRemoved: boolean } | null;
  /** Further cells that the object counts in, such as the sales of a month. */
  tallies?(record: ObjectRecord<Subtype, Status, Infer<Properties>>): Tally[];
};

/** Of a column that names objects of several types: they are counted apart from those of other columns. */
export const ANY_TYPE = "*";

export type Computed = {
  nature: Nature;
  description: string;
  of: (properties: Record<string, unknown>) => Value | null;
};

/** What happens to objects that are deleted too. */
export const CHANGED = ["created", "updated", "deleted", "restored"] as const;
/** Documents are numbered: none is deleted. */
export const WRITTEN = ["created", "updated", "relinked"] as const;

/** What a field map makes the records of a type from, beside the fields. */
export type MappedRecord<Subtype extends string = string, Status extends string = string> = {
  fields: FieldMap;
  /** Whether a record's fields stand in its `customProperties`, or beside its id. */
  shape: "nested" | "flat";
  /** What a new one is; a subtype that is not said here must be given. */
  begins: { subtype?: Subtype; status: Status };
  /** Whether a creation says the status; where it does not, the record begins by `begins`. */
  statusIsGiven?: true;
  /** It has a `description` beside its fields. */
  isDescribed?: true;
  /** So many characters at most, where it is not as short as most are. */
  describedUpTo?: number;
  /** What callers call the field `name`: a task's `title`. Devices call it `name`, as of every record. */
  nameAs?: string;
  /** What every record has, and those of this type do not: a task has no subtype. */
  hides?: readonly HiddenPart[];
  /** What a record shows that is not stored as it is, by what it is made of. */
  computed?: Record<string, Computed>;
};

export type HiddenPart = "subtype" | "status" | "name";

/**
 * A portal user sees the objects that one of these links ties to their contact.
 */
export type PortalRule<Shown> = {
  /** Link types, as `columns().links` names them. */
  through: readonly string[];
  /** Which of those they see; all of them where nothing else is said. */
  shows?(shown: Shown): boolean;
  /** The `customProperties` that are for staff only: a portal user reads the object without them. */
  hides?: readonly string[];
  /** What it is about: they see it while they see that (see portalAbout.ts). */
  about?(shown: Shown): GenericId<"objects">;
  /** Whether they may also change what they see; not of a type that hides something. */
  changes?: boolean;
};

/** What a type says of an object; the store adds identity, version and times. */
export type ObjectRecord<Subtype extends string, Status extends string, Properties> = {
  subtype: Subtype;
  status: Status;
  description?: string;
  customProperties: Properties;
};

/**
 * A text that an object is found by, under the field that it is shown in. Names of people (`name`) have no
 * stems; a phone number (`phone`) is found in any spelling.
 */
export type SearchedText = { field: string; text: string; as?: "name" | "phone" };

/** Columns that the store derives from the record, for the generic indexes of `objects`. */
export type ObjectColumns = {
  name: string;
  /** Everything that full-text search finds the object by, what it is called by first. */
  searched: SearchedText[];
  /** Exact look-up, such as an e-mail. */
  lookupKey?: string;
  /** A third small enumeration beside subtype and status: a contact's source, a project's priority. */
  facet?: string;
  /** The one object that it belongs to: a contact's CRM organization, a project's client. */
  parentId?: GenericId<"objects">;
  /** A second owner: the CRM organization of an invoice whose parent is its contact. */
  relatedId?: GenericId<"objects">;
  /** The one object that it is about: an invoice's project, a payment's invoice. */
  subjectId?: GenericId<"objects">;
  /** The date that the document bears, whenever it was entered. */
  documentDate?: number;
  /** When something becomes due that a job looks for: a payment, the next run of a schedule. */
  dueAt?: number;
  /** Its place among its owner's objects, compared byte by byte: a task's in its project. */
  rank?: string;
  /** Relations to other objects; the store keeps `objectLinks` in step with them. */
  links: { linkType: string; to: GenericId<"objects"> }[];
};

/** Normalized; see ontology/contactMatch.ts for what each kind means. */
export type MatchKey = { kind: "email" | "phone" | "name" | "address" | "card"; key: string };
/** A phone number's key depends on where the organization is. */
export type Match =
  { kind: Exclude<MatchKey["kind"], "phone">; key: string } | { kind: "phone"; number: string };

/** The times by which lists are narrowed. */
export type RangeColumn = "createdAt" | "updatedAt" | "documentDate" | "dueAt";
/** What a list may be sorted by; what types call these is theirs (`issueDate`, `number`). */
export type SortColumn = RangeColumn | "sortName" | "lookupKey" | "rank";

export function defineObjectType<
  const Type extends string,
  const Subtype extends string,
  const Status extends string,
  Properties extends StoredProperties,
  const Filters extends Record<string, FilterColumn>,
>(
  definition: ObjectTypeDefinition<Type, Subtype, Status, Properties, Filters>,
): ObjectTypeDefinition<Type, Subtype, Status, Properties, Filters> {
  return definition;
}
