import * as z from "zod";
import { ApiError } from "../kit/errors";
import { parseFields } from "../kit/input";
import { covers } from "../kit/scopes";
import { definitionOf } from "./derived";
import { ownFieldsName } from "./fields";
import { schemasOf } from "./fieldSchemas";
import type { MappedRecord } from "./definition";
import { mapOf } from "./mapOf";
import { changeRecord, createRecord, removeRecord } from "./records";
import { type SyncedType, syncedType } from "./synced";
import type { SyncedObjectType } from "./syncedRecord";

/** How a device's records of a type with a field map become objects: by the map, and its rules. */
export function syncedMapped(type: SyncedObjectType): SyncedType {
  const definition = definitionOf(type);
  const { removeScope, resource } = definition;
  const map = mapOf(type);
  const schemas = schemasOf({ ...definition, map });
  return syncedType({
    type,
    references: referencesOf(map),
    creation: () => schemas.creation,
    update: () => schemas.update,
    input: (sent, present) => sentFields(map, sent, present),
    async create(context, fields) {
      return await createRecord({ ctx: context, store: context.store }, type, fields);
    },
    async change(context, object, fields) {
      return await changeRecord({ ctx: context, store: context.store }, object, fields);
    },
    ...(map.statusIsGiven
      ? {}
      : {
          async become(context, object, status) {
            const schema = z.enum(definition.statuses);
            const given = parseFields(schema, status, { timeZone: null }, "status");
            return await changeRecord({ ctx: context, store: context.store }, object, {
              status: given,
            });
          },
        }),
    async remove(context, object) {
      const { grants } = context;
      if (removeScope !== undefined && !covers(grants, removeScope)) {
        throw new ApiError("INSUFFICIENT_SCOPE", `Deleting a ${resource} takes ${removeScope}.`, {
          details: { required: removeScope, granted: [...grants] },
        });
      }
      await removeRecord({ ctx: context, store: context.store }, object);
    },
  });
}

function referencesOf({ fields }: MappedRecord): string[] {
  return Object.entries(fields).flatMap(([name, { nature }]) => {
    if (nature.kind === "reference" || nature.kind === "referenceBy") return [name];
    return nature.kind === "references" ? [`${name}.*`] : [];
  });
}

/** A caller's own fields stand among a nested record's `customProperties`; the schemas have them apart. */
function sentFields(
  map: MappedRecord,
  sent: Record<string, unknown>,
  present: Record<string, unknown>,
): Record<string, unknown> {
  if (map.shape === "flat") return calledAsByCallers(map, sent);
  const isOwn = (name: string): boolean =>
    !Object.hasOwn(map.fields, name) && !BESIDE_FIELDS.has(name);
  const ownOf = (fields: Record<string, unknown>): [string, unknown][] =>
    Object.entries(fields).filter(([name]) => isOwn(name));
  const sentOwn = ownOf(sent);
  const others = Object.fromEntries(Object.entries(sent).filter(([name]) => !isOwn(name)));
  if (sentOwn.length === 0) return others;
  const own = Object.fromEntries([...ownOf(present), ...sentOwn]);
  const kept = Object.entries(own).filter(([, value]) => value !== null);
  return { ...others, [ownFieldsName(map)]: Object.fromEntries(kept) };
}

/**
 * Devices call every record's name so, and have what callers are not shown since there is only one: it may
 * come back as it went out.
 */
function calledAsByCallers(
  { nameAs, hides = [], begins }: MappedRecord,
  sent: Record<string, unknown>,
): Record<string, unknown> {
  const isOnlyOne = (name: string): boolean =>
    (name === "subtype" || name === "status") &&
    hides.includes(name) &&
    sent[name] === begins[name];
  const given = Object.fromEntries(Object.entries(sent).filter(([name]) => !isOnlyOne(name)));
  if (nameAs === undefined || given.name === undefined) return given;
  const { name, ...others } = given;
  return { ...others, [nameAs]: name };
}

const BESIDE_FIELDS = new Set(["subtype", "status", "description", "customProperties"]);
