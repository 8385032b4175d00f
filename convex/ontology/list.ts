import type { QueryCtx } from "../_generated/server";
import * as z from "zod";
import { invalidIn } from "../kit/errors";
import {
  batchOf,
  metaOf,
  type Page,
  type Pageable,
  type Paging,
  pageOfAll,
  pageThrough,
  pagingOf,
} from "../kit/page";
import { MAX_LIMIT } from "../kit/pageLimits";
import { type PageParameters, pageParameters } from "../kit/pageParameters";
import { severalOf } from "../kit/several";
import { text } from "../kit/text";
import { sha256Hex } from "../kit/tokens";
import { anyTime, anyTimeUntil, documentsFrom, documentsTo } from "../kit/time";
import type { RangeColumn } from "./definition";
import { definitionOf } from "./derived";
import { portalPage } from "./portalObjects";
import { type Tenant, TenantReader } from "./reader";
import { type ObjectDoc, type ObjectType } from "./registry";
import { hitsOf } from "../search/hits";
import { MAX_HITS, questionIn } from "./searchedRows";
import { SelectedRows } from "./selectedRows";
import { SortedRows } from "./sortedRows";
import { sortNamed, sortsOf } from "./sorts";
import {
  entriesOf,
  isSelected,
  NEWEST_FIRST,
  type Range,
  type Ranges,
  type Selection,
  selectionOf,
  type Sort,
} from "./selection";
import { once } from "../kit/once";

/** What a list was asked for, once its parameters have been read. */
export type ListRequest = {
  paging: Paging;
  search: string | undefined;
  selection: Selection;
  /** These alone, in this order, all at once. */
  ids: readonly string[] | undefined;
};

/** The query parameters of every type's list: paging, search, and when it was made and changed. */
const commonParameters = once(() => ({
  ...pageParameters(),
  ids: severalOf(z.string().max(64), {
    most: MAX_LIMIT,
    description: `These alone, in this order and in one answer, at most ${MAX_LIMIT}; one that is not there is left out. With filters, without paging, sort and search.`,
  }),
  search: text(200)
    .optional()
    .meta({ description: `Full text, by relevance, at most ${MAX_HITS} hits; takes no sort.` }),
  createdFrom: anyTime().optional().meta({ description: "Made then or later." }),
  createdTo: anyTimeUntil().optional().meta({ description: "Made then or earlier." }),
  updatedFrom: anyTime().optional().meta({ description: "Changed last then or later." }),
  updatedTo: anyTimeUntil().optional().meta({ description: "Changed last then or earlier." }),
}));

/** Those parameters with what the type is sorted by; its filters are named beside them. */
export function listParametersOf(type: ObjectType): ReturnType<typeof commonParameters> & {
  sort: z.ZodOptional<z.ZodEnum<Record<string, string>>>;
} {
  const names = Object.keys(sortsOf(type)).flatMap((name) => [`-${name}`, name]);
  const description =
    "Default `-createdAt`; where a range is given, by its time, the latest first.";
  return { ...commonParameters(), sort: z.enum(names).optional().meta({ description }) };
}

/** For types that are archived. */
export const archiveParameter = once(() => ({
  includeArchived: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .meta({ description: "Whether archived ones are listed too; `false` by default." }),
}));

/** For types whose documents bear a date. */
export const dateParameters = once(() => ({
  startDate: documentsFrom()
    .optional()
    .meta({ description: "The first day of the documents' dates." }),
  endDate: documentsTo().optional().meta({ description: "The last day, which is included whole." }),
}));

/** For types that become due. */
export const dueParameters = once(() => ({
  dueFrom: documentsFrom().optional().meta({ description: "Due on that day or later." }),
  dueTo: documentsTo().optional().meta({ description: "Due on that day or earlier." }),
}));

/** The two parameters of each range. */
const RANGES = {
  documentDate: ["startDate", "endDate"],
  dueAt: ["dueFrom", "dueTo"],
  createdAt: ["createdFrom", "createdTo"],
  updatedAt: ["updatedFrom", "updatedTo"],
} as const satisfies Record<RangeColumn, readonly [string, string]>;
type RangeParameter = (typeof RANGES)[RangeColumn][number];

type ListParameters = PageParameters &
  Partial<Record<RangeParameter, number>> & {
    sort?: string;
    search?: string;
    ids?: string[];
    includeArchived?: boolean;
  };
/** The filters of the type stand among them. */
type Asking = ListParameters & Record<string, unknown>;

/** Maps a list's parameters onto the columns of `objects`. */
export function listRequest(type: ObjectType, query: Asking): ListRequest {
  if (query.search !== undefined && query.sort !== undefined) {
    throw invalidIn("query", "sort", "cannot be combined with search");
  }
  const { ids, search, includeArchived = false } = query;
  for (const name of ids === undefined ? [] : BESIDE_IDS) {
    if (query[name] === undefined) continue;
    throw invalidIn("query", name, "cannot be combined with ids");
  }
  const ranges = rangesOf(query);
  const filters = Object.fromEntries(
    Object.entries(definitionOf(type).filters).flatMap(([filter, column]) => {
      const given = query[filter] as string | string[] | undefined;
      return given === undefined ? [] : [[column, [...new Set([given].flat())].sort()]];
    }),
  );
  const terms = Object.fromEntries(
    (definitionOf(type).terms?.filters ?? []).flatMap((filter) => {
      const given = query[filter] as string[] | undefined;
      return given === undefined ? [] : [[filter, [...new Set(given)].sort()]];
    }),
  );
  const sort = sortOf(type, query.sort, ranges);
  const selection = { filters, ranges, terms, sort, includeArchived };
  return { paging: pagingOf(query), search, selection, ids };
}

const BESIDE_IDS = ["limit", "page_size", "cursor", "offset", "page", "sort", "search"] as const;

function rangesOf(query: ListParameters): Ranges {
  const given = entriesOf<RangeColumn, (typeof RANGES)[RangeColumn]>(RANGES).flatMap(
    ([column, [first, last]]): [RangeColumn, Range][] => {
      const [from, to] = [query[first], query[last]];
      if (from === undefined && to === undefined) return [];
      return [
        [column, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }],
      ];
    },
  );
  return Object.fromEntries(given);
}

function sortOf(type: ObjectType, asked: string | undefined, ranges: Ranges): Sort {
  const [inRange] = entriesOf(ranges);
  if (asked === undefined) return inRange ? { column: inRange[0], order: "desc" } : NEWEST_FIRST;
  const sort = sortNamed(type, asked);
  if (sort === null) throw new Error(`${type} is not sorted by ${asked}.`);
  return sort;
}

/**
 * One page of a tenant's living objects, whatever the table's size: what each list reads is told in
 * docs/api.md, and decided in accessPaths.ts. To a portal user it is a page of what their type's rule
 * shows them.
 */
export async function listObjects<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  request: ListRequest,
): Promise<Page<ObjectDoc<T>>> {
  const asked = await meantBy(ctx, tenant, type, request.selection);
  if (request.ids) return await these(ctx, tenant, type, asked, request.ids);
  return request.search === undefined || tenant.viewer
    ? await pageThroughIndex(ctx, tenant, type, request, asked)
    : await pageThroughHits(ctx, tenant, type, request, asked, request.search);
}

/** What is asked for: `known` where keys say whom alone it may be, and then without that filter. */
type Asked<T extends ObjectType> = { selection: Selection; known: readonly ObjectDoc<T>[] | null };

/** Of one key, so many are looked at. */
const HOLDERS_READ = 20;

/** Of types whose objects are known by the keys of others too: a contact, by the e-mail of one merged into it. */
async function meantBy<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  selection: Selection,
): Promise<Asked<T>> {
  const { lookupKey: keys, ...filters } = selection.filters;
  if (!keys || tenant.viewer || !definitionOf(type).otherKeys) return { selection, known: null };
  const reader = new TenantReader(ctx, tenant);
  const holders = keys.map(async (key) => {
    const ofKey = selectionOf({ lookupKey: [key] });
    const rows = new SelectedRows(ctx, tenant.organizationId, type, ofKey);
    const own = await rows.take(HOLDERS_READ);
    return own.length > 0 ? own : [await reader.findByOtherKey(type, key)];
  });
  const found = (await Promise.all(holders)).flat().filter((object) => object !== null);
  const known = [...new Map(found.map((object) => [object._id, object])).values()];
  return { selection: { ...selection, filters }, known };
}

function isAsked<T extends ObjectType>(
  object: ObjectDoc<T> | null,
  type: T,
  { selection, known }: Asked<T>,
): object is ObjectDoc<T> {
  if (object === null || !isSelected(object, type, selection)) return false;
  return known === null || known.some(({ _id }) => _id === object._id);
}

async function these<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  asked: Asked<T>,
  ids: readonly string[],
): Promise<Page<ObjectDoc<T>>> {
  const reader = new TenantReader(ctx, tenant);
  const { batch, isWhole } = await batchOf(foundBy(reader, type, ids), MAX_LIMIT);
  if (!isWhole) throw invalidIn("query", "ids", "come to too much data; ask for fewer at once");
  const rows = batch.filter((object) => isAsked(object, type, asked));
  const paging = { limit: MAX_LIMIT, offset: 0, asked: "start" } as const;
  return { rows, meta: metaOf(paging, { total: rows.length, nextCursor: null }) };
}

async function* foundBy<T extends ObjectType>(
  reader: TenantReader,
  type: T,
  ids: readonly string[],
): AsyncGenerator<ObjectDoc<T>> {
  for (const id of new Set(ids)) {
    const object = await reader.find(type, id);
    if (object) yield object;
  }
}

/** As cursors name the list that they belong to. */
export function nameOf(type: ObjectType, { search, selection }: ListRequest): string {
  const { filters, ranges, terms = {}, sort, includeArchived } = selection;
  const { documentDate: dates = {}, ...others } = ranges;
  const order = `${sort.order === "desc" ? "-" : ""}${sort.column}`.replace("sortName", "name");
  const values: Record<string, unknown> = Object.fromEntries(
    entriesOf(filters).map(([column, of]) => [column, of.length === 1 ? of[0] : of]),
  );
  const name: unknown[] = [type, order, search ?? null, values, dates, includeArchived];
  if (Object.keys(others).length > 0) name.push(others);
  if (Object.keys(terms).length > 0) name.push({ terms });
  const text = JSON.stringify(name);
  return text.length > LONGEST_NAME ? sha256Hex(text) : text;
}

/** A cursor with many values in it would be longer than one that is taken. */
const LONGEST_NAME = 500;

async function pageThroughIndex<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  request: ListRequest,
  asked: Asked<T>,
): Promise<Page<ObjectDoc<T>>> {
  const { organizationId, viewer } = tenant;
  const { paging, selection } = request;
  const listName = nameOf(type, request);
  if (viewer) {
    const theirs: Pageable<ObjectDoc<T>> = {
      paginate: (page) => portalPage(ctx, organizationId, viewer, type, request, page),
    };
    return await pageThrough(listName, paging, theirs);
  }
  if (asked.known) {
    const known = asked.known.filter((object) => isAsked(object, type, asked));
    const rows = new SortedRows(known, selection.sort) as unknown as Pageable<ObjectDoc<T>>;
    return await pageThrough(listName, paging, rows, known.length);
  }
  const rows = await SelectedRows.seenBy(ctx, new TenantReader(ctx, tenant), type, selection);
  return await pageThrough(listName, paging, rows, await rows.total());
}

async function pageThroughHits<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  request: ListRequest,
  asked: Asked<T>,
  search: string,
): Promise<Page<ObjectDoc<T>>> {
  const { paging } = request;
  const listName = nameOf(type, request);
  const question = await questionIn(ctx, tenant.organizationId, search);
  const found = await hitsOf(ctx, tenant, type, question, { selection: asked.selection });
  const hits = found.hits.flatMap(({ object }) => (isAsked(object, type, asked) ? [object] : []));
  return pageOfAll(listName, paging, hits, found.isCapped);
}
