import { type GenericValidator, v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import type { MappedRecord, ObjectTypeDefinition } from "../ontology/definition";
import {
  type Field,
  type FieldMap,
  isSentAtCreation,
  isSentOfChange,
  type Nature,
  sentName,
} from "../ontology/fields";

/**
 * The arguments of live functions, by a type's field map: what Convex checks of them, and clients see
 * as types. Lengths, bounds and what goes together are told by the schemas afterwards.
 */
type Definition = Pick<ObjectTypeDefinition, "subtypes" | "statuses"> & { map: MappedRecord };
type Arguments = Record<string, GenericValidator>;

export function creationArguments({ subtypes, statuses, map }: Definition): Arguments {
  const subtype = oneOf(subtypes);
  return {
    ...(map.hides?.includes("subtype")
      ? {}
      : { subtype: map.begins.subtype === undefined ? subtype : v.optional(subtype) }),
    ...(map.statusIsGiven ? { status: v.optional(oneOf(statuses)) } : {}),
    ...(map.isDescribed ? { description: v.optional(v.string()) } : {}),
    ...fieldArguments(map, isSentAtCreation, ({ presence }, argument) =>
      presence === "required" || presence === "fixed" ? argument : v.optional(argument),
    ),
  };
}

export function updateArguments({ subtypes, statuses, map }: Definition): Arguments {
  const described = v.optional(v.union(v.string(), v.null()));
  return {
    ...wordArguments({ subtypes, statuses, map }),
    ...(map.isDescribed ? { description: described } : {}),
    ...fieldArguments(map, isSentOfChange, ({ presence }, argument) =>
      v.optional(presence === "optional" ? v.union(argument, v.null()) : argument),
    ),
  };
}

/** What a live list is narrowed by: one value of each of the type's filters. */
export function filterArguments({ subtypes, statuses, map }: Definition): Arguments {
  const ofFields = Object.entries(map.fields).flatMap(([name, { filter, nature }]) =>
    filter === undefined ? [] : [[name, v.optional(argumentOf(nature))] as const],
  );
  return { ...wordArguments({ subtypes, statuses, map }), ...Object.fromEntries(ofFields) };
}

function wordArguments({ subtypes, statuses, map }: Definition): Arguments {
  const { hides = [] } = map;
  return {
    ...(hides.includes("subtype") ? {} : { subtype: v.optional(oneOf(subtypes)) }),
    ...(hides.includes("status") ? {} : { status: v.optional(oneOf(statuses)) }),
  };
}

function fieldArguments(
  map: MappedRecord,
  isSent: (field: Field) => boolean,
  presence: (field: Field, argument: GenericValidator) => GenericValidator,
): Arguments {
  const fields: FieldMap = map.fields;
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      if (!isSent(field)) return [];
      return [[sentName(map, name), presence(field, argumentOf(field.nature))] as const];
    }),
  );
}

function argumentOf(nature: Nature): GenericValidator {
  switch (nature.kind) {
    case "day":
    case "time":
      return v.union(v.number(), v.string());
    case "number":
      return v.number();
    case "flag":
      return v.boolean();
    case "oneOf":
      return oneOf([...nature.words, ...Object.keys(nature.synonyms ?? {})]);
    case "recurrence":
      return v.object({
        rrule: v.optional(v.string()),
        from: v.optional(oneOf(["due", "completion"])),
      });
    case "labels":
    case "members":
    case "references":
      return v.array(v.string());
    case "address":
      return v.object({ street: part, city: part, state: part, postalCode: part, country: part });
    case "budget":
      return v.object({ amount: v.optional(v.number()), currency: v.optional(v.string()) });
    // Its keys are a caller's, and may be any text: Convex's field names may not.
    case "ownFields":
      return v.any();
    default:
      return v.string();
  }
}

/** Of an address that is sent in part. */
const part = v.optional(v.union(v.string(), v.null()));
