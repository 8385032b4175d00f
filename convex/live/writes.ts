import type { RegisteredMutation } from "convex/server";
import { v } from "convex/values";
import { mutation } from "../_generated/server";
import { invalid, under } from "../kit/errors";
import { parseArgument } from "../kit/input";
import { sessionArgument } from "../kit/live";
import { writeAt, writeIn } from "../kit/liveWrites";
import { mergedChanges } from "../kit/mergePatch";
import type { Area } from "../kit/scopes";
import { definitionOf } from "../ontology/derived";
import { ownFieldsName, type SentCreation, type SentPatch } from "../ontology/fields";
import { schemasOf } from "../ontology/fieldSchemas";
import { mapOf } from "../ontology/mapOf";
import { changeRecord, createRecord, removeRecord } from "../ontology/records";
import type { ObjectType } from "../ontology/registry";
import type { MappedName } from "../ontology/view";
import type { objectTypes } from "../types";
import { creationArguments, updateArguments } from "./arguments";
import { type Placed, type Session, tenantArguments } from "./reads";
import { withMeantNames } from "./names";
import { type LiveView, liveViewOf } from "./view";

type Definition<T extends MappedName> = (typeof objectTypes)[T];

/** The functions that write a type's records, with what they take and answer. */
export type LiveWrites<T extends MappedName, IdName extends string> = {
  /** The documented structure repeats `sessionId` and `organizationId`; they must be the outer ones. */
  create: RegisteredMutation<
    "public",
    Placed & {
      data: SentCreation<Definition<T>> & { sessionId?: string; organizationId?: string };
    },
    Promise<LiveView<T>>
  >;
  update: RegisteredMutation<
    "public",
    Session & Record<IdName, string> & { updates: SentPatch<Definition<T>> },
    Promise<LiveView<T>>
  >;
  remove: RegisteredMutation<"public", Session & Record<IdName, string>, Promise<null>>;
};

/** The functions that write records of a type with a field map, as `liveReadsOf` those that read. */
export function liveWritesOf<T extends MappedName, const IdName extends string>(
  type: T,
  names: { area: Area; idName: IdName },
): LiveWrites<T, IdName> {
  return writesOf(type, names);
}

function writesOf(type: ObjectType, { area, idName }: { area: Area; idName: string }) {
  const definition = definitionOf(type);
  const mapped = { ...definition, map: mapOf(type) };
  const schemas = schemasOf(mapped);
  const write = `${area}:write` as const;
  const ownFields = ownFieldsName(mapped.map);
  const recordArguments = { [idName]: v.string(), ...sessionArgument };
  const idIn = (args: Record<string, unknown>): string => args[idName] as string;

  return {
    create: mutation({
      args: {
        ...tenantArguments,
        data: v.object({
          ...creationArguments(mapped),
          sessionId: v.optional(v.string()),
          organizationId: v.optional(v.string()),
        }),
      },
      handler: async (ctx, { sessionId, organizationId, data }): Promise<LiveView<ObjectType>> => {
        const outer = { sessionId, organizationId };
        const sent = withMeantNames(withoutRepeated(data, outer), ownFields);
        const placeOf = under("data");
        return await writeIn(ctx, sessionId, organizationId, write, placeOf, async (writer) => {
          const fields = parseArgument("data", schemas.creation, sent, writer.organization);
          return liveViewOf(await createRecord(writer, type, fields));
        });
      },
    }),
    update: mutation({
      args: { ...recordArguments, updates: v.object(updateArguments(mapped)) },
      handler: async (ctx, { updates, ...args }): Promise<LiveView<ObjectType>> => {
        const subject = { type, id: idIn(args) };
        const placeOf = under("updates");
        const sent = withMeantNames(updates, ownFields);
        return await writeAt(ctx, args.sessionId, subject, write, placeOf, async (by, object) => {
          const { timeZone } = by.organization;
          const patch = parseArgument("updates", schemas.patch, sent, {
            timeZone,
            isChange: true,
          });
          const fields = mergedChanges(schemas.update, object.customProperties, patch);
          return liveViewOf(await changeRecord(by, object, fields));
        });
      },
    }),
    remove: mutation({
      args: recordArguments,
      returns: v.null(),
      handler: async (ctx, args): Promise<null> => {
        const subject = { type, id: idIn(args) };
        const scope = definition.removeScope ?? write;
        await writeAt(ctx, args.sessionId, subject, scope, under(""), async (by, object) => {
          await removeRecord(by, object);
        });
        return null;
      },
    }),
  };
}

function withoutRepeated(
  { sessionId, organizationId, ...data }: Record<string, unknown>,
  outer: Placed,
): Record<string, unknown> {
  const repeated = { sessionId, organizationId };
  for (const name of ["sessionId", "organizationId"] as const) {
    if (repeated[name] === undefined || repeated[name] === outer[name]) continue;
    throw invalid([{ path: `data.${name}`, message: `must equal the outer ${name}` }]);
  }
  return data;
}
