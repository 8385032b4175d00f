import * as z from "zod";
import { minorUnitDecimals } from "../kit/currencies";
import { isRank, MAX_RANK } from "./ranks";
import { customFields } from "../kit/customFieldsInput";
import { emailAddress } from "../kit/emailInput";
import { safeHtml } from "../kit/html";
import { patchOf } from "../kit/mergePatch";
import { once } from "../kit/once";
import { currencyCode } from "../kit/money";
import { idFilter, severalOf } from "../kit/several";
import { label, longText, text, webAddress } from "../kit/text";
import { anyTime, businessDate } from "../kit/time";
import { decimalsOf } from "../money/decimal";
import { address } from "./addressInput";
import { comparedBy } from "./mappedType";
import type { MappedRecord, ObjectTypeDefinition } from "./definition";
import {
  type Field,
  type FieldMap,
  isSentAtCreation,
  isSentOfChange,
  type Nature,
  sentName,
  type SentCreation,
  type SentPatch,
  type SentUpdate,
} from "./fields";

type Shape = Record<string, z.ZodType>;

/** What callers send of a type's objects, and what they are shown, made of its field map. */
export type RecordSchemas<M extends Mapped> = {
  creation: z.ZodObject<ShapeOf<SentCreation<M>>, z.core.$strict>;
  /** `PATCH`: every field may be left out, `null` clears those that an object can do without. */
  update: z.ZodObject<ShapeOf<SentUpdate<M>>, z.core.$strict>;
  /** `update` whose nested objects may be sent in part. */
  patch: z.ZodObject<ShapeOf<SentPatch<M>>, z.core.$strict>;
  record: z.ZodObject<Shape>;
  /** The filters of its list. */
  filters: Shape;
};

/** A type with a field map, as far as its schemas depend on it. */
export type Mapped = Pick<ObjectTypeDefinition, "resource" | "subtypes" | "statuses" | "type"> & {
  map: MappedRecord;
};

type ShapeOf<Sent> = {
  [F in keyof Sent]-?: undefined extends Sent[F]
    ? z.ZodOptional<z.ZodType<Exclude<Sent[F], undefined>>>
    : z.ZodType<Sent[F]>;
};

type MadeSchemas = Record<"creation" | "update" | "patch" | "record", z.ZodObject<Shape>> & {
  filters: Shape;
};

const made = new WeakMap<MappedRecord, MadeSchemas>();

/** They are made when they are first asked for, and once. */
export function schemasOf<M extends Mapped>(type: M): RecordSchemas<M> {
  const known = made.get(type.map) ?? schemasFrom(type);
  made.set(type.map, known);
  // What the schemas give is said by the types of the map, which their making does not follow.
  return known as unknown as RecordSchemas<M>;
}

function schemasFrom(type: Mapped): MadeSchemas {
  const name = nameOf(type.resource);
  const update = once(() => z.strictObject(updateShape(type)));
  const creation = once(() => z.strictObject(creationShape(type)).meta({ id: `${name}Creation` }));
  const patch = once(() => patchOf(update()).meta({ id: `${name}Update` }));
  const record = once(() => recordSchema(type).meta({ id: name }));
  const filters = once(() => filterSchemas(type));
  return {
    get creation() {
      return creation();
    },
    get update() {
      return update();
    },
    get patch() {
      return patch();
    },
    get record() {
      return record();
    },
    get filters() {
      return filters();
    },
  };
}

/** `CrmOrganization` */
function nameOf(resource: string): string {
  return resource
    .split(" ")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

function creationShape(type: Mapped): Shape {
  const { begins, statusIsGiven, isDescribed, hides = [] } = type.map;
  const subtype = z.enum(type.subtypes);
  return {
    ...(hides.includes("subtype")
      ? {}
      : { subtype: begins.subtype === undefined ? subtype : subtype.optional() }),
    ...(statusIsGiven ? { status: z.enum(type.statuses).optional() } : {}),
    ...(isDescribed ? { description: describing(type).optional() } : {}),
    ...sentShape(type, isSentAtCreation, ({ presence }, schema) =>
      presence === "required" || presence === "fixed" ? schema : schema.optional(),
    ),
  };
}

function updateShape(type: Mapped): Shape {
  const { isDescribed, hides = [] } = type.map;
  return {
    ...(hides.includes("subtype") ? {} : { subtype: z.enum(type.subtypes).optional() }),
    ...(hides.includes("status") ? {} : { status: z.enum(type.statuses).optional() }),
    ...(isDescribed ? { description: describing(type).nullable().optional() } : {}),
    ...sentShape(type, isSentOfChange, (field, schema) =>
      field.presence === "optional" ? schema.nullable().optional() : schema.optional(),
    ),
  };
}

const MAX_DESCRIPTION = 5000;

function describing({ map }: Mapped): z.ZodType {
  return longText(map.describedUpTo ?? MAX_DESCRIPTION);
}

function sentShape(
  { map }: Mapped,
  isSent: (field: Field) => boolean,
  presence: (field: Field, schema: z.ZodType) => z.ZodType,
): Shape {
  const sent = Object.entries(map.fields).filter(([, field]) => isSent(field));
  return Object.fromEntries(
    sent.map(([name, field]) => {
      const schema = presence(field, sentSchema(field.nature, map));
      const { description } = field;
      const described = description === undefined ? schema : schema.meta({ description });
      return [sentName(map, name), described];
    }),
  );
}

function sentSchema(nature: Nature, map: MappedRecord): z.ZodType {
  switch (nature.kind) {
    case "label":
    case "phone":
      return label(nature.max);
    case "text":
      return text(nature.max);
    case "longText":
      return longText(nature.max);
    case "html":
      return longText(nature.max).transform(safeHtml).meta({
        description: "HTML. What could run or cover the page is taken out before it is stored.",
      });
    case "email":
      return emailAddress();
    case "webAddress":
      return webAddress();
    case "address":
      return address();
    case "day":
      return businessDate();
    case "time":
      return anyTime();
    case "number":
      return z.number().min(nature.min).max(nature.max);
    case "flag":
      return z.boolean();
    case "oneOf":
      return wordOf(nature);
    case "labels":
      return z.array(label(nature.each)).max(nature.max, atMost(nature.max));
    case "budget":
      return budget(nature.max);
    case "members":
      return z.array(z.string().max(64)).max(nature.max, atMost(nature.max));
    case "color":
      return z
        .string()
        .regex(/^#[0-9a-fA-F]{6}$/, "must be a colour such as #1e90ff")
        .toLowerCase();
    case "rank":
      return rank();
    case "recurrence":
      return recurrence();
    case "reference":
    case "referenceBy":
      return z.string().max(64);
    case "references":
      return z.array(z.string().max(64)).max(nature.max, atMost(nature.max));
    case "ownFields":
      return map.shape === "nested" ? ownProperties(map.fields) : customFields();
    case "actor":
    case "mentions":
    case "internal":
      return z.never();
  }
}

/** What is sent as a synonym is the word that it stands for. */
function wordOf({ words, synonyms }: Extract<Nature, { kind: "oneOf" }>): z.ZodType {
  if (!synonyms) return z.enum(words);
  return z.enum([...words, ...Object.keys(synonyms)]).overwrite((word) => synonyms[word] ?? word);
}

/** As `fractional-indexing` writes them: digits and letters, the first of which says how many are whole. */
function rank(): z.ZodType {
  return z.string().max(MAX_RANK).refine(isRank, "must be a place that a record has, such as a0");
}

function recurrence(): z.ZodType {
  return z.strictObject({
    rrule: text(500).meta({ description: "RFC 5545: `FREQ=WEEKLY;BYDAY=MO`." }),
    from: z.enum(["due", "completion"]),
  });
}

function atMost(max: number): string {
  return `must have at most ${max} entries`;
}

function budget(max: number): z.ZodType {
  return z
    .strictObject({
      amount: z.number().min(0).max(max).meta({ description: "In major units." }),
      currency: currencyCode(),
    })
    .superRefine(({ amount, currency }, context) => {
      const decimals = minorUnitDecimals(currency) ?? 0;
      if (decimalsOf(amount) <= decimals) return;
      const message = `must have at most ${decimals} decimals in ${currency}`;
      context.addIssue({ code: "custom", path: ["amount"], message });
    });
}

/** A caller's own fields stand beside ours in the record, so they cannot have the same names. */
function ownProperties(fields: FieldMap): z.ZodType {
  return customFields().superRefine((given, context) => {
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(fields, name)) continue;
      const message = "is a field of the record itself; send it beside customProperties";
      context.addIssue({ code: "custom", path: [name], message });
    }
  });
}

function recordSchema(type: Mapped): z.ZodObject<Shape> {
  const { shape, fields, isDescribed, computed = {}, hides = [], nameAs = "name" } = type.map;
  const beside = Object.entries(computed).map(([name, { nature, description }]) => [
    name,
    shownSchema(nature).nullable().meta({ description }),
  ]);
  const shown = Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field.nature.kind === "internal" || field.nature.kind === "ownFields"
        ? []
        : [[name, shownField(field)]],
    ),
  );
  const { name = z.string(), ...others } = { ...shown, ...Object.fromEntries(beside) } as Shape;
  const identity = { _id: z.string(), id: z.string(), organizationId: z.string() };
  const what = {
    type: z.literal(type.type),
    ...(hides.includes("subtype") ? {} : { subtype: z.enum(type.subtypes) }),
    ...(hides.includes("name") ? {} : { [nameAs]: name }),
    ...(isDescribed ? { description: z.string().nullable() } : {}),
    ...(hides.includes("status") ? {} : { status: z.enum(type.statuses) }),
  };
  const stamps = {
    createdBy: z.string(),
    version: z.number().int(),
    createdAt: z.number(),
    updatedAt: z.number(),
  };
  if (shape === "flat") {
    const hasOwn = Object.values(fields).some(({ nature }) => nature.kind === "ownFields");
    const own: Shape = hasOwn ? { customFields: z.record(z.string(), z.unknown()) } : {};
    return z.object({ ...identity, ...what, ...others, ...own, ...stamps });
  }
  return z.object({ ...identity, ...what, customProperties: z.looseObject(others), ...stamps });
}

function shownField({ nature, presence }: Field): z.ZodType {
  const schema = shownSchema(nature);
  const isAlways =
    presence !== "optional" && presence !== "fixedOptional" && presence !== "derivedOptional";
  return isAlways ? schema : schema.nullable();
}

function shownSchema(nature: Nature): z.ZodType {
  switch (nature.kind) {
    case "day":
    case "time":
    case "number":
      return z.number();
    case "flag":
      return z.boolean();
    case "oneOf":
      return z.enum(nature.words);
    case "address":
      return z.record(z.string(), z.string());
    case "labels":
    case "members":
    case "references":
      return z.array(z.string());
    case "recurrence":
      return z.object({ rrule: z.string(), from: z.enum(["due", "completion"]) });
    case "actor":
      return z.object({
        type: z.enum(["api_key", "user", "portal_user", "system"]),
        id: z.string(),
        name: z.string(),
      });
    case "mentions":
      return z.array(z.object({ userId: z.string(), username: z.string() }));
    case "budget":
      return z.object({ amount: z.number(), currency: z.string() });
    default:
      return z.string();
  }
}

function filterSchemas(type: Mapped): Shape {
  const ofFields = Object.entries(type.map.fields).flatMap(
    ([name, field]): [string, z.ZodType][] =>
      field.filter === undefined ? [] : [[name, filterSchema(field)]],
  );
  return {
    subtype: severalOf(z.enum(type.subtypes)),
    status: severalOf(z.enum(type.statuses)),
    ...Object.fromEntries(ofFields),
  };
}

function filterSchema(field: Field): z.ZodType {
  const { nature } = field;
  if (nature.kind === "oneOf") return severalOf(wordOf(nature));
  if (nature.kind === "reference" || nature.kind === "referenceBy") return idFilter();
  const text = z.string().max("max" in nature ? nature.max : MAX_EMAIL);
  const compared = text.transform((value) => comparedBy(field, value));
  // What is free text may have a comma in it.
  return severalOf(compared, { commas: nature.kind === "email" });
}

const MAX_EMAIL = 254;
