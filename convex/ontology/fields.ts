import { type GenericValidator, type Infer, v, type VOptional } from "convex/values";
import { type StoredCustomFields, storedCustomFields } from "../kit/customFields";
import { oneOf } from "../kit/oneOf";
import { storedAddress } from "./address";
import type { FilterColumn } from "./columnNames";

/**
 * The field map of an object type: each field is said once, as data. From it come what is stored
 * (here), what callers send and are shown (fieldSchemas.ts), how the one becomes the other
 * (fieldValues.ts), what a device may push (syncedMapped.ts), what full text finds and lists are
 * filtered by (mappedType.ts), routes (api/typeEndpoints.ts) and live functions (live/). It loads no
 * schema library: every function loads the stored shapes.
 */

/** What a value is. `max` counts characters, of lists entries. */
export type Nature =
  | { kind: "label" | "text" | "longText" | "html"; max: number }
  | { kind: "phone"; max: number }
  | { kind: "email" | "webAddress" | "address" | "ownFields" }
  /** A day or an instant, in milliseconds. */
  | { kind: "day" | "time" }
  | { kind: "number"; min: number; max: number }
  | { kind: "flag" }
  /** `synonyms`: what callers may send instead of a word. */
  | { kind: "oneOf"; words: readonly string[]; synonyms?: Readonly<Record<string, string>> }
  | { kind: "labels"; max: number; each: number }
  /** An amount in major units with its currency. */
  | { kind: "budget"; max: number }
  /** Members of the organization, by their user ids. */
  | { kind: "members"; max: number }
  /** A place among others, compared byte by byte: a key of https://www.npmjs.com/package/fractional-indexing. */
  | { kind: "rank" }
  /** `#rrggbb` */
  | { kind: "color" }
  /** How it comes again: an RRULE of RFC 5545, counted from the due date or from when it was done. */
  | { kind: "recurrence" }
  /** One object of a type, or several. */
  | { kind: "reference"; to: string }
  | { kind: "references"; to: string; max: number }
  /** One object, whose type another field says by a word; `otherwise` where that field is not sent. */
  | { kind: "referenceBy"; typeIn: string; types: EntityTypes; otherwise: string }
  /** Who did something, by the name that they had then. */
  | { kind: "actor" }
  /** Members who are named in a text, as it names them. */
  | { kind: "mentions" }
  /** What rules alone keep: callers do not see it. */
  | { kind: "internal" };

/** Of which type of object a word speaks. */
type EntityTypes = Readonly<Record<string, string>>;

/**
 * `required`: given at the creation, and never absent. `optional`: may be absent, and `null` clears it.
 * `fixed`, `fixedOptional`: given at the creation, and never changed; `settled`: the same, and rules say it
 * where nobody does. `defaulted`: never absent, `begins`
 * (or what rules give) where nobody gives it. `assumed`: the same of what rows of before do not have:
 * those are shown and found as if they had what it begins with. `derived`: set by rules alone, always
 * there; `derivedOptional`: the same, where it applies.
 */
export type Presence =
  | "required"
  | "optional"
  | "fixed"
  | "fixedOptional"
  | "settled"
  | "defaulted"
  | "assumed"
  | "derived"
  | "derivedOptional";

type Manner = {
  description?: string;
  /** Full text finds the object by it. */
  isSearched?: boolean;
  /** The column of `objects` that lists are filtered by it through. */
  filter?: FilterColumn;
  /** What it is looked up by: the `lookupKey` that its value comes to. */
  keyOf?: (value: string) => string;
  /** What a reference is called among the links. */
  linkType?: string;
};

export type Field<
  Stored extends GenericValidator = GenericValidator,
  Sent = unknown,
  P extends Presence = Presence,
> = Manner & {
  nature: Nature;
  stored: Stored;
  presence: P;
  begins?: Infer<Stored>;
  /** Of types alone: what callers send. */
  sent?: Sent;
};

export type FieldMap = Record<string, Field>;

/** Which of a map's fields have one of these presences. */
type Having<Fields extends FieldMap, P extends Presence> = {
  [F in keyof Fields]: Fields[F]["presence"] extends P ? F : never;
}[keyof Fields];

/** Of which a row may have nothing, and of which a record then shows null. */
type Unstored = Absent | "assumed";
type Absent = "optional" | "fixedOptional" | "derivedOptional";

export type StoredFields<Fields extends FieldMap> = {
  [F in keyof Fields]: Fields[F]["presence"] extends Unstored
    ? VOptional<Fields[F]["stored"]>
    : Fields[F]["stored"];
};

type ObjectOf<Fields extends FieldMap> = ReturnType<typeof v.object<StoredFields<Fields>>>;

export type SentOf<F> = F extends Field<GenericValidator, infer Sent> ? Sent : never;

/** What callers are shown of the fields; without a value they are null. */
export type Shown<Fields extends FieldMap> = {
  [F in Exclude<keyof Fields, "name" | "customFields" | Internal<Fields>>]:
    Infer<Fields[F]["stored"]> | (Fields[F]["presence"] extends Absent ? null : never);
};
type Internal<Fields extends FieldMap> = {
  [F in keyof Fields]: [SentOf<Fields[F]>] extends [never] ? F : never;
}[keyof Fields];

/** What callers send of a new object, beside its subtype, status and description. */
export type Creation<Fields extends FieldMap> = {
  [F in Having<Fields, "required" | "fixed">]: SentOf<Fields[F]>;
} & {
  [F in Having<Fields, "optional" | "fixedOptional" | "settled" | "defaulted" | "assumed">]?:
    SentOf<Fields[F]> | undefined;
};

/** What callers send of a change; `null` clears. */
export type Update<Fields extends FieldMap> = {
  [F in Having<Fields, "required" | "defaulted" | "assumed">]?: SentOf<Fields[F]> | undefined;
} & { [F in Having<Fields, "optional">]?: SentOf<Fields[F]> | null | undefined };

/** What callers send of a type's objects beside their fields. */
type Sendable = {
  subtypes: readonly string[];
  statuses: readonly string[];
  map: {
    fields: FieldMap;
    shape: "nested" | "flat";
    isDescribed?: true;
    nameAs?: string;
    hides?: readonly string[];
  };
};
type Words<M extends Sendable> = Omit<
  {
    subtype?: M["subtypes"][number] | undefined;
    status?: M["statuses"][number] | undefined;
  },
  HiddenOf<M["map"]>
>;
/** What a map's records do not have of what every record has. */
export type HiddenOf<M> = M extends { hides: readonly (infer Hidden)[] } ? Hidden & string : never;
/** What callers call the name. */
export type NameOf<M> = M extends { nameAs: infer Name extends string } ? Name : "name";
/** Fields under the names that callers have for them. */
type Named<M extends Sendable, Sent> = {
  [F in keyof Sent as F extends "name" ? NameOf<M["map"]> : F]: Sent[F];
};
type Described<M extends Sendable, Description> = M["map"] extends { isDescribed: true }
  ? { description?: Description | undefined }
  : unknown;
/** A caller's own fields are sent under the name that they are shown under. */
type OwnNamed<M extends Sendable, Sent> = M["map"]["shape"] extends "nested"
  ? Omit<Sent, "customFields"> & { customProperties?: Record<string, unknown> | undefined }
  : Sent;
type Flat<Type> = { [F in keyof Type]: Type[F] };

/** The whole of what a creation takes, as callers send it. */
export type SentCreation<M extends Sendable> = Flat<
  Words<M> & Described<M, string> & Named<M, OwnNamed<M, Creation<M["map"]["fields"]>>>
>;
/** The same of a change. */
export type SentUpdate<M extends Sendable> = Flat<
  Words<M> & Described<M, string | null> & Named<M, OwnNamed<M, Update<M["map"]["fields"]>>>
>;

/** A change whose nested objects may be sent in part. */
export type SentPatch<M extends Sendable> = {
  [F in keyof SentUpdate<M>]: InPart<SentUpdate<M>[F]>;
};
type InPart<Sent> = Sent extends string | number | readonly unknown[]
  ? Sent
  : Sent extends object
    ? { [Name in keyof Sent]?: Sent[Name] | null }
    : Sent;

const UNSTORED: ReadonlySet<Presence> = new Set<Unstored>([
  ...(["optional", "fixedOptional", "derivedOptional"] as const),
  "assumed",
]);

/** Whether callers send it of a new object, and of a change. */
export function isSentAtCreation({ presence }: Pick<Field, "presence">): boolean {
  return presence !== "derived" && presence !== "derivedOptional";
}
export function isSentOfChange(field: Pick<Field, "presence">): boolean {
  return (
    isSentAtCreation(field) &&
    field.presence !== "fixed" &&
    field.presence !== "fixedOptional" &&
    field.presence !== "settled"
  );
}

/** The stored `customProperties` of a type with these fields. */
export function storedOf<const Fields extends FieldMap>(fields: Fields): ObjectOf<Fields> {
  const validators = Object.entries(fields).map(([name, { stored, presence }]) => [
    name,
    UNSTORED.has(presence) ? v.optional(stored) : stored,
  ]);
  return v.object(Object.fromEntries(validators) as StoredFields<Fields>);
}

/** What a caller's own fields are called in what is sent of a record. */
export function ownFieldsName({ shape }: { shape: "nested" | "flat" }): string {
  return shape === "nested" ? "customProperties" : "customFields";
}

/** What callers call a field of the map. */
export function sentName(
  { fields, shape, nameAs }: { fields: FieldMap; shape: "nested" | "flat"; nameAs?: string },
  name: string,
): string {
  if (name === "name") return nameAs ?? name;
  return fields[name]?.nature.kind === "ownFields" ? ownFieldsName({ shape }) : name;
}

class Making<Stored extends GenericValidator, Sent> {
  constructor(
    private readonly nature: Nature,
    private readonly stored: Stored,
    private readonly manner: Manner,
  ) {}

  get required(): Field<Stored, Sent, "required"> {
    return this.made("required");
  }

  get optional(): Field<Stored, Sent, "optional"> {
    return this.made("optional");
  }

  get fixed(): Field<Stored, Sent, "fixed"> {
    return this.made("fixed");
  }

  get fixedOptional(): Field<Stored, Sent, "fixedOptional"> {
    return this.made("fixedOptional");
  }

  get settled(): Field<Stored, Sent, "settled"> {
    return this.made("settled");
  }

  /** `defaulted`, by the type's rules. */
  get filled(): Field<Stored, Sent, "defaulted"> {
    return this.made("defaulted");
  }

  get derived(): Field<Stored, Sent, "derived"> {
    return this.made("derived");
  }

  get derivedOptional(): Field<Stored, Sent, "derivedOptional"> {
    return this.made("derivedOptional");
  }

  beginning(begins: Infer<Stored>): Field<Stored, Sent, "defaulted"> {
    return { ...this.made("defaulted"), begins };
  }

  assumed(begins: Infer<Stored>): Field<Stored, Sent, "assumed"> {
    return { ...this.made("assumed"), begins };
  }

  private made<P extends Presence>(presence: P): Field<Stored, Sent, P> {
    return { ...this.manner, nature: this.nature, stored: this.stored, presence };
  }
}

const string = v.string();
const number = v.number();
const id = v.id("objects");
const strings = v.array(string);
const ids = v.array(id);
const amount = v.object({ amount: number, currency: string });

const flag = v.boolean();
const userIds = v.array(v.id("users"));
const actor = v.object({
  type: oneOf(["api_key", "user", "portal_user", "system"]),
  id: string,
  name: string,
});
const mentions = v.array(v.object({ userId: v.id("users"), username: string }));
const recurrence = v.object({ rrule: v.string(), from: oneOf(["due", "completion"]) });

type Text = Making<typeof string, string>;
type Time = Making<typeof number, number | string>;
type Word<W extends string> = Making<ReturnType<typeof oneOf<W>>, W>;
type Address = Making<typeof storedAddress, Infer<typeof storedAddress>>;
type OwnFields = Field<typeof storedCustomFields, Record<string, unknown>, "defaulted">;

/** The words for fields: `field.label(200).optional`, `field.number(0, 100).beginning(0)`. */
export const field = {
  /** A name, number or word that people compare. */
  label: (max: number, manner: Manner = {}): Text =>
    new Making({ kind: "label", max }, string, manner),
  /** An id of another system, kept as it is. */
  text: (max: number, manner: Manner = {}): Text =>
    new Making({ kind: "text", max }, string, manner),
  /** Text of several lines. */
  longText: (max: number, manner: Manner = {}): Text =>
    new Making({ kind: "longText", max }, string, manner),
  /** Sanitized before it is stored. */
  html: (max: number, manner: Manner = {}): Text =>
    new Making({ kind: "html", max }, string, manner),
  email: (manner: Manner = {}): Text => new Making({ kind: "email" }, string, manner),
  phone: (manner: Manner = {}): Text => new Making({ kind: "phone", max: 50 }, string, manner),
  webAddress: (manner: Manner = {}): Text => new Making({ kind: "webAddress" }, string, manner),
  address: (manner: Manner = {}): Address => new Making({ kind: "address" }, storedAddress, manner),
  day: (manner: Manner = {}): Time => new Making({ kind: "day" }, number, manner),
  time: (manner: Manner = {}): Time => new Making({ kind: "time" }, number, manner),
  number: (min: number, max: number, manner: Manner = {}): Making<typeof number, number> =>
    new Making({ kind: "number", min, max }, number, manner),
  flag: (manner: Manner = {}): Making<typeof flag, boolean> =>
    new Making({ kind: "flag" }, flag, manner),
  oneOf: <const W extends string>(words: readonly W[], manner: Manner = {}): Word<W> =>
    new Making({ kind: "oneOf", words }, oneOf(words), manner),
  /** One of the words, for which callers may say others. */
  word: <const W extends string>(
    words: readonly W[],
    synonyms: Readonly<Record<string, W>>,
    manner: Manner = {},
  ): Word<W> => new Making({ kind: "oneOf", words, synonyms }, oneOf(words), manner),
  /** So many labels at most, each of so many characters. */
  labels: (max: number, each: number, manner: Manner = {}): Making<typeof strings, string[]> =>
    new Making({ kind: "labels", max, each }, strings, manner),
  budget: (max: number, manner: Manner = {}): Making<typeof amount, Infer<typeof amount>> =>
    new Making({ kind: "budget", max }, amount, manner),
  members: (max: number, manner: Manner = {}): Making<typeof userIds, string[]> =>
    new Making({ kind: "members", max }, userIds, manner),
  color: (manner: Manner = {}): Text => new Making({ kind: "color" }, string, manner),
  rank: (manner: Manner = {}): Text => new Making({ kind: "rank" }, string, manner),
  recurrence: (manner: Manner = {}): Making<typeof recurrence, Infer<typeof recurrence>> =>
    new Making({ kind: "recurrence" }, recurrence, manner),
  reference: (to: string, manner: Manner = {}): Making<typeof id, string> =>
    new Making({ kind: "reference", to }, id, manner),
  references: (to: string, max: number, manner: Manner = {}): Making<typeof ids, string[]> =>
    new Making({ kind: "references", to, max }, ids, manner),
  /** An object of the type that the field `typeIn` says, by a word of `types`. */
  referenceBy: (
    typeIn: string,
    types: EntityTypes,
    otherwise: string,
    manner: Manner = {},
  ): Making<typeof id, string> =>
    new Making({ kind: "referenceBy", typeIn, types, otherwise }, id, manner),
  actor: (manner: Manner = {}): Making<typeof actor, never[]> =>
    new Making({ kind: "actor" }, actor, manner),
  mentions: (manner: Manner = {}): Making<typeof mentions, never[]> =>
    new Making({ kind: "mentions" }, mentions, manner),
  /** A caller's own fields. */
  ownFields: (manner: Manner = {}): OwnFields => {
    const none: StoredCustomFields = [];
    return new Making<typeof storedCustomFields, Record<string, unknown>>(
      { kind: "ownFields" },
      storedCustomFields,
      manner,
    ).beginning(none);
  },
  internal: <Stored extends GenericValidator>(stored: Stored): Making<Stored, never> =>
    new Making({ kind: "internal" }, stored, {}),
};
