import {
  type PaginationOptions,
  type PaginationResult,
  paginationOptsValidator,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { query, type QueryCtx } from "../_generated/server";
import { invalid } from "../kit/errors";
import type { Caller } from "../kit/caller";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "../kit/live";
import type { Pageable } from "../kit/page";
import type { Area, Scope } from "../kit/scopes";
import { definitionOf } from "../ontology/derived";
import type { SentOf } from "../ontology/fields";
import { mapOf } from "../ontology/mapOf";
import { comparedBy } from "../ontology/mappedType";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { SelectedRows } from "../ontology/selectedRows";
import { filtersOf, type FilterValues, type Selection, selectionOf } from "../ontology/selection";
import { sortNamed, sortsOf } from "../ontology/sorts";
import type { MappedName } from "../ontology/view";
import type { objectTypes } from "../types";
import { filterArguments } from "./arguments";
import { type LiveView, liveViewOf } from "./view";

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
): Promise<LiveView<T>[]> {
  return (await collectionOf(rows)).map((row) => liveViewOf<T>(row));
}

/** So many rows has a page of a live list at the most. */
const MAX_LIVE_PAGE = 1000;

/** @throws VALIDATION_ERROR for a size that is no whole number from 1 */
export async function pageOfViews<T extends ObjectType>(
  rows: Pageable<ObjectDoc<T>>,
  options: PaginationOptions,
): Promise<PaginationResult<LiveView<T>>> {
  const { numItems } = options;
  if (!Number.isInteger(numItems) || numItems < 1) {
    const message = "must be a whole number from 1";
    throw invalid([{ path: "paginationOpts.numItems", message }]);
  }
  const bounded = { ...options, numItems: Math.min(numItems, MAX_LIVE_PAGE) };
  const { page, ...rest } = await rows.paginate(bounded);
  return { ...rest, page: page.map((row) => liveViewOf<T>(row)) };
}

/** The object that the arguments name, as its view. @throws as `callerAt` */
export async function viewAt<T extends ObjectType>(
  ctx: QueryCtx,
  sessionId: SessionId,
  type: T,
  id: string,
  scope: Scope,
): Promise<LiveView<T>> {
  return liveViewOf<T>((await callerAt(ctx, sessionId, type, id, scope)).object);
}

/** What a live list is sorted by, as its route is: `-createdAt` where nothing is said. */
export const sortArgument = { sort: v.optional(v.string()) };
export type Sorted = { sort?: string };

/** @throws VALIDATION_ERROR for what the type is not sorted by */
export function sortedBy(type: ObjectType, name: string | undefined): Partial<Selection> {
  if (name === undefined) return {};
  const sort = sortNamed(type, name);
  if (sort) return { sort };
  const message = `must be one of ${Object.keys(sortsOf(type)).join(", ")}, or one of them after a minus`;
  throw invalid([{ path: "sort", message }]);
}

export type Placed = { sessionId?: SessionId; organizationId: Id<"organizations"> };
export type Session = { sessionId?: string };
type Definition<T extends MappedName> = (typeof objectTypes)[T];
type FieldsOf<T extends MappedName> = Definition<T>["map"]["fields"];
type ListArguments<T extends MappedName> = Placed &
  Sorted & {
    subtype?: Definition<T>["subtypes"][number];
    status?: Definition<T>["statuses"][number];
  } & { [F in keyof FieldsOf<T>]?: SentOf<FieldsOf<T>[F]> };

/** The functions that read a type's records, with what they take and answer. */
export type LiveReads<T extends MappedName, IdName extends string, More> = {
  /** The newest 1,000, without the archived ones. */
  list: RegisteredQuery<"public", ListArguments<T>, Promise<(LiveView<T> & More)[]>>;
  listPaginated: RegisteredQuery<
    "public",
    ListArguments<T> & { paginationOpts: PaginationOptions },
    Promise<PaginationResult<LiveView<T> & More>>
  >;
  get: RegisteredQuery<"public", Session & Record<IdName, string>, Promise<LiveView<T> & More>>;
};

type Names<IdName extends string, More> = {
  area: Area;
  idName: IdName;
  /** What records say beside their fields, by who asks, each in its place. */
  beside?: (
    ctx: QueryCtx,
    caller: Caller,
    records: readonly { _id: Id<"objects"> }[],
  ) => Promise<More[]>;
};

/**
 * The functions that read records of a type with a field map: each is exported by the module that mounts
 * it, under its documented name where it has one. Those that write: writes.ts.
 * @param idName what the functions of one record call its id: `projectId`
 */
export function liveReadsOf<T extends MappedName, const IdName extends string, More = unknown>(
  type: T,
  names: Names<IdName, More>,
): LiveReads<T, IdName, More> {
  // What the functions take is made of the map; its types say so, its making does not.
  return readsOf(type, names);
}

function readsOf<More>(type: MappedName, { area, idName, beside }: Names<string, More>) {
  type Shown = LiveView<MappedName> & More;
  const definition = definitionOf(type);
  const mapped = { ...definition, map: mapOf(type) };
  const read = `${area}:read` as const;
  const listArguments = { ...filterArguments(mapped), ...sortArgument, ...tenantArguments };
  const recordArguments = { [idName]: v.string(), ...sessionArgument };
  const idIn = (args: Record<string, unknown>): string => args[idName] as string;

  const shownTo = async (
    ctx: QueryCtx,
    caller: Caller,
    views: LiveView<MappedName>[],
  ): Promise<Shown[]> => {
    const more = await beside?.(ctx, caller, views);
    return views.map((view, at) => ({ ...view, ...more?.[at] }) as Shown);
  };
  const rowsOf = async (
    ctx: QueryCtx,
    { sessionId, organizationId, sort, ...filters }: Placed & Sorted & Record<string, unknown>,
  ): Promise<{ caller: Caller; rows: SelectedRows<MappedName> }> => {
    const { caller, tenant } = await callerIn(ctx, sessionId, organizationId, read);
    const asked: FilterValues = {};
    for (const [name, column] of Object.entries(definition.filters)) {
      const [value, field] = [filters[name], mapped.map.fields[name]];
      if (typeof value === "string") asked[column] = field ? comparedBy(field, value) : value;
    }
    const selection = selectionOf(filtersOf(asked), sortedBy(type, sort));
    return { caller, rows: await SelectedRows.seenBy(ctx, tenant, type, selection) };
  };

  return {
    list: query({
      args: listArguments,
      handler: async (ctx, args): Promise<Shown[]> => {
        const { caller, rows } = await rowsOf(ctx, args);
        return await shownTo(ctx, caller, await collectedViews(rows));
      },
    }),
    listPaginated: query({
      args: { ...listArguments, ...pageArguments },
      handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Shown>> => {
        const { caller, rows } = await rowsOf(ctx, args);
        const { page, ...rest } = await pageOfViews(rows, paginationOpts);
        return { ...rest, page: await shownTo(ctx, caller, page) };
      },
    }),
    get: query({
      args: recordArguments,
      handler: async (ctx, args): Promise<Shown> => {
        const at = await callerAt(ctx, args.sessionId, type, idIn(args), read);
        const [shown] = await shownTo(ctx, at.caller, [liveViewOf(at.object)]);
        if (!shown) throw new Error("A record is shown as nothing.");
        return shown;
      },
    }),
  };
}
