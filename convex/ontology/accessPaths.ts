import type { Cell } from "./counts";
import type { FilterColumn } from "./columnNames";
import type { SortColumn } from "./definition";
import { entriesOf, type Filters, type Selection } from "./selection";

/**
 * Which index a list reads, and how: the decision alone, from what is asked for and from the counts.
 *
 * An index of `objects` has equal columns and then what it sorts by. A list is served exactly where an
 * index has the columns of its filters. Any other is read from several ranges at once, merged in their
 * order: status, subtype and facet are small enumerations, and the counts say which of their
 * combinations exist. What an index does not tell is judged row by row. And where few rows can be
 * meant, all of them are read and then sorted.
 */

const CELL = ["status", "subtype", "facet"] as const satisfies FilterColumn[];
type CellColumn = (typeof CELL)[number];

export type AccessPath = {
  index: (typeof PATHS)[number]["index"];
  columns: readonly FilterColumn[];
  sort: SortColumn;
};

export const PATHS = [
  { index: "list", columns: [], sort: "createdAt" },
  { index: "list_by_name", columns: [], sort: "sortName" },
  { index: "list_by_documentDate", columns: [], sort: "documentDate" },
  { index: "list_lookupKey", columns: [], sort: "lookupKey" },
  { index: "list_parentId", columns: ["parentId"], sort: "createdAt" },
  { index: "list_parentId_by_documentDate", columns: ["parentId"], sort: "documentDate" },
  { index: "list_by_rank", columns: ["parentId", "status"], sort: "rank" },
  { index: "list_relatedId", columns: ["relatedId"], sort: "createdAt" },
  { index: "list_relatedId_by_documentDate", columns: ["relatedId"], sort: "documentDate" },
  { index: "list_subjectId", columns: ["subjectId"], sort: "createdAt" },
  { index: "due", columns: ["status"], sort: "dueAt" },
  { index: "list_cells", columns: CELL, sort: "createdAt" },
  { index: "list_cells_by_name", columns: CELL, sort: "sortName" },
  { index: "list_cells_by_updatedAt", columns: CELL, sort: "updatedAt" },
  { index: "list_cells_by_documentDate", columns: CELL, sort: "documentDate" },
] as const satisfies readonly {
  index: string;
  columns: readonly FilterColumn[];
  sort: SortColumn;
}[];

/** How many objects there are: all of the type, and those of each owner that is asked for. */
export type Sizes = {
  all: readonly Cell[];
  ofOwner: ReadonlyMap<string, readonly Cell[]>;
};

/** The values of a path's columns, in their order: undefined where the objects have none. */
export type Equalities = readonly (string | undefined)[];

export type Plan = {
  path: AccessPath;
  ranges: readonly Equalities[];
  /** Whether the rows come in another order than the one that is asked for: all are read first. */
  isSorted: boolean;
};

/** Whose rows are read whole and sorted: at most so many. */
export const MAX_SORTED = 900;

/**
 * So many rows are looked through for a page of those that no index tells apart. With `MAX_SORTED` and
 * the counts, a page that skips none reads at most 2,000 documents.
 */
export const MAX_LOOKED_THROUGH = 1000;

/** What a range costs before its first row, in rows. */
const RANGE_COST = 1;
/** A range of another column is taken to leave so much of what it narrows. */
const PART_IN_RANGE = 1 / 4;

const OWNERS = ["parentId", "relatedId", "subjectId"] as const satisfies FilterColumn[];

/** The owners whose counts a plan needs, and the column in which each is. */
export function ownersOf(filters: Filters): { column: (typeof OWNERS)[number]; owner: string }[] {
  return OWNERS.flatMap((column) => (filters[column] ?? []).map((owner) => ({ column, owner })));
}

/** As sizes name them: the counts do not say in which column an owner is. */
export function ownerKey(column: FilterColumn, owner: string): string {
  return `${column} ${owner}`;
}

/** The path that has exactly these filters and this order in one range; null where there is none. */
export function exactPath({ filters, ranges, sort }: Selection): Plan | null {
  const given = entriesOf(filters);
  if (given.some(([, values]) => values.length !== 1)) return null;
  if (entriesOf(ranges).some(([column]) => column !== sort.column)) return null;
  const wanted = namesOf(given.map(([column]) => column));
  const path = PATHS.find(
    ({ columns, sort: by }) => by === sort.column && namesOf(columns) === wanted,
  );
  if (!path) return null;
  return { path, ranges: [path.columns.map((column) => filters[column]?.[0])], isSorted: false };
}

/** Those of a few look-up keys: so few that no count is asked. Null where none is filtered by. */
export function keyPlan({ filters }: Selection): Plan | null {
  if (!filters.lookupKey) return null;
  const path = { index: "list_lookupKey", columns: ["lookupKey"], sort: "lookupKey" } as const;
  return { path, ranges: filters.lookupKey.map((key) => [key]), isSorted: true };
}

/**
 * The cheapest way to `limit` rows, and the cheapest that comes in the order asked for, which is the
 * one to take where the first turns out to read too much. Null where the counts say that there is no
 * such object.
 */
export function planOf(
  selection: Selection,
  sizes: Sizes,
  limit: number,
): { plan: Plan; ordered: Plan } | null {
  const cells = sizes.all.filter((cell) => isCounted(cell, selection.filters));
  const matching = matchingOf(selection, sizes, cells);
  if (matching === 0) return null;
  const candidates = PATHS.flatMap((path) => candidatesOf(path, selection, sizes, cells));
  const ordered = cheapest(candidates.filter(({ isSorted }) => !isSorted));
  return { plan: cheapest(candidates), ordered };

  function cheapest(plans: readonly Candidate[]): Candidate {
    const [first, ...others] = plans;
    if (!first) throw new Error(`No path of \`objects\` sorts by ${selection.sort.column}.`);
    const cost = (plan: Candidate): number => costOf(plan, matching, limit);
    return others.reduce((best, plan) => (cost(plan) < cost(best) ? plan : best), first);
  }
}

/** Whether a cell's objects have the values of its columns that are asked for. */
export function isCounted({ key }: Cell, filters: Filters): boolean {
  return CELL.every((column, at) => {
    const value = key[at];
    const wanted = filters[column];
    return wanted === undefined || (value !== undefined && wanted.includes(value));
  });
}

export function countOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, { count }) => sum + count, 0);
}

/** At most so many objects are meant; exact but for ranges, look-up keys and several kinds of owners. */
function matchingOf({ filters }: Selection, sizes: Sizes, cells: readonly Cell[]): number {
  const ofOwners = OWNERS.flatMap((column) => {
    const owners = filters[column];
    if (!owners) return [];
    const owned = owners.flatMap((owner) => sizes.ofOwner.get(ownerKey(column, owner)) ?? []);
    return [countOf(owned.filter((cell) => isCounted(cell, filters)))];
  });
  return Math.min(countOf(cells), ...ofOwners);
}

type Candidate = Plan & {
  /** The rows of all its ranges together. */
  rows: number;
  /** How much of what is meant the other columns' ranges leave, as far as one can guess; else 1. */
  part: number;
};

function candidatesOf(
  path: AccessPath,
  { filters, ranges, sort }: Selection,
  sizes: Sizes,
  cells: readonly Cell[],
): Candidate[] {
  const isEnumerable = (column: FilterColumn): boolean => isCellColumn(column) || column in filters;
  if (!path.columns.every(isEnumerable)) return [];
  const equalities = equalitiesOf(path, filters, cells);
  const isInRange = ranges[path.sort as keyof typeof ranges] !== undefined;
  const others = entriesOf(ranges).filter(([column]) => column !== path.sort).length;
  const rows = rowsOf(path, filters, sizes, cells) * (isInRange ? PART_IN_RANGE : 1);
  const candidate = { path, ranges: equalities, rows, part: PART_IN_RANGE ** others };
  if (path.sort === sort.column) return [{ ...candidate, isSorted: false }];
  return rows <= MAX_SORTED || isInRange ? [{ ...candidate, isSorted: true }] : [];
}

/** Every combination of the path's columns in which there may be objects. */
function equalitiesOf(
  { columns }: AccessPath,
  filters: Filters,
  cells: readonly Cell[],
): Equalities[] {
  const owned = columns.filter((column) => !isCellColumn(column));
  const enumerated = columns.filter(isCellColumn);
  const ofCells = new Map(
    cells.map(({ key }) => {
      const values = enumerated.map((column) => key[CELL.indexOf(column)]);
      return [JSON.stringify(values), values];
    }),
  );
  const ofOwned = owned.reduce<string[][]>(
    (whole, column) =>
      whole.flatMap((values) => (filters[column] ?? []).map((value) => [...values, value])),
    [[]],
  );
  if (enumerated.length === 0) return ofOwned;
  return ofOwned.flatMap((values) => [...ofCells.values()].map((more) => [...values, ...more]));
}

function rowsOf(
  { columns }: AccessPath,
  filters: Filters,
  sizes: Sizes,
  cells: readonly Cell[],
): number {
  const [column] = columns;
  if (column === undefined) return countOf(sizes.all);
  if (!isCellColumn(column)) {
    return countOf(
      (filters[column] ?? []).flatMap((owner) => sizes.ofOwner.get(ownerKey(column, owner)) ?? []),
    );
  }
  if (columns.length === CELL.length) return countOf(cells);
  const statuses = new Set(cells.map(({ key }) => key[0]));
  return countOf(sizes.all.filter(({ key }) => statuses.has(key[0])));
}

function costOf(
  { rows, part, ranges, isSorted }: Candidate,
  matching: number,
  limit: number,
): number {
  const perRow = rows / Math.max(1, Math.min(rows, matching) * part);
  const read = isSorted
    ? Math.min(rows, MAX_SORTED)
    : // Times lie together: where another's range is judged row by row, it may be the last of them.
      Math.min(rows, part < 1 ? MAX_LOOKED_THROUGH : limit * Math.max(1, perRow));
  return read + ranges.length * RANGE_COST;
}

function isCellColumn(column: FilterColumn): column is CellColumn {
  return (CELL as readonly FilterColumn[]).includes(column);
}

function namesOf(columns: readonly FilterColumn[]): string {
  return [...columns].sort().join();
}
