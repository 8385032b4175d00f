import {
  type PaginationOptions,
  type PaginationResult,
  paginationOptsValidator,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { mutation, query, type QueryCtx } from "../_generated/server";
import { invalid, under } from "../kit/errors";
import { parseArgument } from "../kit/input";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "../kit/live";
import { writeAt, writeIn } from "../kit/liveWrites";
import { mergedChanges } from "../kit/mergePatch";
import type { Pageable } from "../kit/page";
import type { Area, Scope } from "../kit/scopes";
import type { objectTypes } from "../types";
import { definitionOf } from "../ontology/derived";
import { creationArguments, filterArguments, updateArguments } from "./arguments";
import type { SentCreation, SentOf, SentPatch } from "../ontology/fields";
import { schemasOf } from "../ontology/fieldSchemas";
import { comparedBy } from "../ontology/mappedType";
import { changeRecord, createRecord, mapOf, removeRecord } from "../ontology/records";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { SelectedRows } from "../ontology/selectedRows";
import { filtersOf, type FilterValues, selectionOf } from "../ontology/selection";
import { liveViewOf } from "./view";
import type { MappedName, ViewOf } from "../ontology/view";

/**
 * The dashboard's live functions of a type's records. They answer the record's view, as its routes do,
 * and stand on the same callers, scopes, rules and traces. Errors are ConvexErrors whose data has
 * `code`, `status`, `message` and `details`.
 */
export const tenantArguments = { ...sessionArgument, organizationId: v.id("organizations") };
export const pageArguments = { paginationOpts: paginationOptsValidator };

/** The newest so many rows, as their views: what a function that returns a whole collection returns. */
export async function collectedViews<T extends ObjectType>(
  rows: Pageable<ObjectDoc<T>>,
): Promise<ViewOf<T>[]> {
  return (await collectionOf(rows)).map((row) => liveViewOf<T>(row));
}

export async function pageOfViews<T extends ObjectType>(
  rows: Pageable<ObjectDoc<T>>,
  options: PaginationOptions,
): Promise<PaginationResult<ViewOf<T>>> {
  const { page, ...rest } = await rows.paginate(options);
  return { ...rest, page: page.map((row) => liveViewOf<T>(row)) };
}

/** The object that the arguments name, as its view. @throws as `callerAt` */
export async function viewAt<T extends ObjectType>(
  ctx: QueryCtx,
  sessionId: SessionId,
  type: T,
  id: string,
  scope: Scope,
): Promise<ViewOf<T>> {
  return liveViewOf<T>((await callerAt(ctx, sessionId, type, id, scope)).object);
}

type Placed = { sessionId?: SessionId; organizationId: Id<"organizations"> };
type Session = { sessionId?: string };
type Definition<T extends MappedName> = (typeof objectTypes)[T];
type FieldsOf<T extends MappedName> = Definition<T>["map"]["fields"];
type ListArguments<T extends MappedName> = Placed & {
  subtype?: Definition<T>["subtypes"][number];
  status?: Definition<T>["statuses"][number];
} & { [F in keyof FieldsOf<T>]?: SentOf<FieldsOf<T>[F]> };

/** The functions of a type's records, with what they take and answer. */
export type LiveFunctions<T extends MappedName, IdName extends string> = {
  /** The newest 1,000, without the archived ones. */
  list: RegisteredQuery<"public", ListArguments<T>, Promise<ViewOf<T>[]>>;
  listPaginated: RegisteredQuery<
    "public",
    ListArguments<T> & { paginationOpts: PaginationOptions },
    Promise<PaginationResult<ViewOf<T>>>
  >;
  get: RegisteredQuery<"public", Session & Record<IdName, string>, Promise<ViewOf<T>>>;
  /** The documented structure repeats `sessionId` and `organizationId`; they must be the outer ones. */
  create: RegisteredMutation<
    "public",
    Placed & {
      data: SentCreation<Definition<T>> & { sessionId?: string; organizationId?: string };
    },
    Promise<ViewOf<T>>
  >;
  update: RegisteredMutation<
    "public",
    Session & Record<IdName, string> & { updates: SentPatch<Definition<T>> },
    Promise<ViewOf<T>>
  >;
  remove: RegisteredMutation<"public", Session & Record<IdName, string>, Promise<null>>;
};

/**
 * The functions of a type with a field map: each is exported by the module that mounts it, under its
 * documented name where it has one.
 * @param idName what the functions of one record call its id: `projectId`
 */
export function liveFunctionsOf<T extends MappedName, const IdName extends string>(
  type: T,
  names: { area: Area; idName: IdName },
): LiveFunctions<T, IdName> {
  // What the functions take is made of the map; its types say so, its making does not.
  return functionsOf(type, names);
}

function functionsOf(type: ObjectType, { area, idName }: { area: Area; idName: string }) {
  const definition = definitionOf(type);
  const mapped = { ...definition, map: mapOf(type) };
  const schemas = schemasOf(mapped);
  const [read, write] = [`${area}:read`, `${area}:write`] as const;
  const listArguments = { ...filterArguments(mapped), ...tenantArguments };
  const recordArguments = { [idName]: v.string(), ...sessionArgument };
  const idIn = (args: Record<string, unknown>): string => args[idName] as string;

  const rowsOf = async (
    ctx: QueryCtx,
    { sessionId, organizationId, ...filters }: Placed & Record<string, unknown>,
  ): Promise<SelectedRows<ObjectType>> => {
    await callerIn(ctx, sessionId, organizationId, read);
    const asked: FilterValues = {};
    for (const [name, column] of Object.entries(definition.filters)) {
      const [value, field] = [filters[name], mapped.map.fields[name]];
      if (typeof value === "string") asked[column] = field ? comparedBy(field, value) : value;
    }
    const selection = selectionOf(filtersOf(asked));
    return new SelectedRows(ctx, organizationId, type, selection);
  };

  return {
    list: query({
      args: listArguments,
      handler: async (ctx, args): Promise<ViewOf<ObjectType>[]> =>
        await collectedViews(await rowsOf(ctx, args)),
    }),
    listPaginated: query({
      args: { ...listArguments, ...pageArguments },
      handler: async (
        ctx,
        { paginationOpts, ...args },
      ): Promise<PaginationResult<ViewOf<ObjectType>>> =>
        await pageOfViews(await rowsOf(ctx, args), paginationOpts),
    }),
    get: query({
      args: recordArguments,
      handler: async (ctx, args): Promise<ViewOf<ObjectType>> =>
        await viewAt(ctx, args.sessionId, type, idIn(args), read),
    }),
    create: mutation({
      args: {
        ...tenantArguments,
        data: v.object({
          ...creationArguments(mapped),
          sessionId: v.optional(v.string()),
          organizationId: v.optional(v.string()),
        }),
      },
      handler: async (ctx, { sessionId, organizationId, data }): Promise<ViewOf<ObjectType>> => {
        const sent = withoutRepeated(data, { sessionId, organizationId });
        const placeOf = under("data");
        return await writeIn(ctx, sessionId, organizationId, write, placeOf, async (writer) => {
          const fields = parseArgument("data", schemas.creation, sent, writer.organization);
          return liveViewOf(await createRecord(writer, type, fields));
        });
      },
    }),
    update: mutation({
      args: { ...recordArguments, updates: v.object(updateArguments(mapped)) },
      handler: async (ctx, { updates, ...args }): Promise<ViewOf<ObjectType>> => {
        const subject = { type, id: idIn(args) };
        const placeOf = under("updates");
        return await writeAt(ctx, args.sessionId, subject, write, placeOf, async (by, object) => {
          const { timeZone } = by.organization;
          const patch = parseArgument("updates", schemas.patch, updates, {
            timeZone,
            isChange: true,
          });
          const fields = mergedChanges(schemas.update, object.customProperties, patch);
          return liveViewOf(await changeRecord(by.store, object, fields));
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
          await removeRecord(by.store, object);
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
