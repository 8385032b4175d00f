import { compareValues } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/**
 * Exact totals without a scan and without a hot row: every write inserts what it changed
 * (`countDeltas`), a fold adds that to one row per group (`counts`), and a total is the sum of both.
 * A group is a type, a type under one parent, or what a type names in `tallies` (there also one row
 * per period, such as a month). Its cells are told apart by their key; each holds a number of objects
 * and, where the type declares them, sums.
 */
export type Cell = { key: string[]; count: number; sums?: Record<string, bigint> };
export type Tally = Cell & { group: string; period?: string };
type Cells = { group: string; period?: string; cells: Cell[] };

/** The key of a type's own groups. */
export type CellLabels = { status: string; subtype: string; facet?: string };
export type CellFilter = Partial<CellLabels>;

/**
 * On average one fold is scheduled per this many writes, so that few deltas of a group wait for it (a
 * write leaves at most one in each); see `maintenance`.
 */
export const WRITES_PER_FOLD = 8;
const FOLDED_AT_ONCE = 500;

export function groupOf(type: string, parentId?: string): string {
  return parentId === undefined ? type : `${type}@${parentId}`;
}

/** Archived objects are counted apart, for lists that show them too. */
export function archivedType(type: string): string {
  return `archived:${type}`;
}

export function cellKey({ status, subtype, facet }: CellLabels): string[] {
  return facet === undefined ? [status, subtype] : [status, subtype, facet];
}

/** Deltas of one transaction, added up: a bulk write leaves one row per group, not one per object. */
export class CountBuffer {
  private readonly groups = new Map<string, Cells>();

  add({ group, period, ...cell }: Tally, sign: 1 | -1): void {
    const name = JSON.stringify([group, period]);
    const { cells } = this.groups.get(name) ?? { cells: [] };
    const address = period === undefined ? { group } : { group, period };
    this.groups.set(name, { ...address, cells: merged([...cells, signed(cell, sign)]) });
  }

  /** Inserts what has not cancelled out; answers how many rows that were. */
  async flush(ctx: MutationCtx, organizationId: Id<"organizations">): Promise<number> {
    const changed = [...this.groups.values()].filter(({ cells }) => cells.length > 0);
    this.groups.clear();
    for (const row of changed) {
      const commitTs = ctx.db.vars.commitTs;
      await ctx.db.insert("countDeltas", { organizationId, ...row, commitTs });
    }
    return changed.length;
  }
}

/** Exact number of living objects of the group that match the filter. */
export async function total(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  group: string,
  filter: CellFilter,
): Promise<number> {
  const cells = await cellsOf(ctx, organizationId, group);
  return cells
    .filter((cell) => matches(cell, filter))
    .map((cell) => cell.count)
    .reduce((a, b) => a + b, 0);
}

/** The cells of a group, of one of its periods where it has them: folded and pending, added up. */
export async function cellsOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  group: string,
  period?: string,
): Promise<Cell[]> {
  const [folded, pending] = await Promise.all(
    (["counts", "countDeltas"] as const).map(
      async (table) =>
        await ctx.db
          .query(table)
          .withIndex("by_group", (q) =>
            q.eq("organizationId", organizationId).eq("group", group).eq("period", period),
          )
          .collect(),
    ),
  );
  return merged([...(folded ?? []), ...(pending ?? [])].flatMap(({ cells }) => cells));
}

/** The cells of a group's periods from `from` up to, without, `before`, in their order. */
export async function periodsOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  group: string,
  { from = "", before = "\uffff" }: { from?: string; before?: string },
): Promise<Map<string, Cell[]>> {
  const rows = await Promise.all(
    (["counts", "countDeltas"] as const).map(
      async (table) =>
        await ctx.db
          .query(table)
          .withIndex("by_group", (q) =>
            q
              .eq("organizationId", organizationId)
              .eq("group", group)
              .gte("period", from)
              .lt("period", before),
          )
          .collect(),
    ),
  );
  const periods = groupBy(rows.flat(), ({ period }) => period ?? "");
  return new Map(
    [...periods]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([period, found]) => [period, merged(found.flatMap(({ cells }) => cells))]),
  );
}

/**
 * The first groups of a period whose names begin with `prefix`, after the group `after`: what a page
 * of a report over many groups reads.
 */
export async function groupsIn(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  period: string,
  { prefix, after, limit }: { prefix: string; after: string | null; limit: number },
): Promise<Map<string, Cell[]>> {
  // The last of all strings of this prefix: indexes are in the order of UTF-8, not of UTF-16.
  const end = `${prefix}\u{10FFFF}`;
  const range = (table: "counts" | "countDeltas"): Promise<Cells[]> => {
    const rows = ctx.db.query(table).withIndex("by_period", (q) => {
      const inPeriod = q.eq("organizationId", organizationId).eq("period", period);
      return after === null
        ? inPeriod.gte("group", prefix).lt("group", end)
        : inPeriod.gt("group", after).lt("group", end);
    });
    return table === "counts" ? rows.take(limit) : rows.collect();
  };
  const rows = [...(await range("counts")), ...(await range("countDeltas"))];
  const groups = [...groupBy(rows, ({ group }) => group)].sort(([a], [b]) => compareValues(a, b));
  return new Map(
    groups
      .slice(0, limit)
      .map(([group, found]) => [group, merged(found.flatMap(({ cells }) => cells))]),
  );
}

/**
 * Takes up the oldest deltas, of all tenants, and answers whether more are left. It reads only what
 * was committed before it began, so that new deltas do not conflict with it.
 */
export async function foldCounts(ctx: MutationCtx): Promise<{ folded: number; more: boolean }> {
  const deltas = await ctx.db
    .query("countDeltas")
    .withIndex("by_commit", (q) => q.lte("commitTs", ctx.meta.getSnapshotTs()))
    .take(FOLDED_AT_ONCE);
  const groups = groupBy(deltas, ({ organizationId, group, period }) =>
    JSON.stringify([organizationId, group, period]),
  );
  for (const rows of groups.values()) await foldGroup(ctx, rows);
  for (const delta of deltas) await ctx.db.delete("countDeltas", delta._id);
  return { folded: deltas.length, more: deltas.length === FOLDED_AT_ONCE };
}

async function foldGroup(ctx: MutationCtx, deltas: Doc<"countDeltas">[]): Promise<void> {
  const [first] = deltas;
  if (!first) return;
  const { organizationId, group, period } = first;
  const row = await ctx.db
    .query("counts")
    .withIndex("by_group", (q) =>
      q.eq("organizationId", organizationId).eq("group", group).eq("period", period),
    )
    .unique();
  const cells = merged([...(row?.cells ?? []), ...deltas.flatMap((delta) => delta.cells)]);
  if (row && cells.length === 0) await ctx.db.delete("counts", row._id);
  else if (row) await ctx.db.patch("counts", row._id, { cells });
  else if (cells.length > 0) {
    const address = period === undefined ? { group } : { group, period };
    await ctx.db.insert("counts", { organizationId, ...address, cells });
  }
}

/** Cells of one key added up; those that come to nothing are left out. */
export function merged(cells: readonly Cell[]): Cell[] {
  return [...groupBy(cells, ({ key }) => JSON.stringify(key))]
    .map(([key, same]) => same.reduce(plus, { key: JSON.parse(key) as string[], count: 0 }))
    .filter(({ count, sums }) => count !== 0 || sums !== undefined);
}

function plus(a: Cell, b: Cell): Cell {
  const names = new Set([...Object.keys(a.sums ?? {}), ...Object.keys(b.sums ?? {})]);
  const sums = [...names].map((name): [string, bigint] => [
    name,
    (a.sums?.[name] ?? 0n) + (b.sums?.[name] ?? 0n),
  ]);
  return cellOf(a.key, a.count + b.count, sums);
}

function signed({ key, count, sums = {} }: Cell, sign: 1 | -1): Cell {
  const entries = Object.entries(sums).map(([name, sum]): [string, bigint] => [
    name,
    sum * BigInt(sign),
  ]);
  return cellOf(key, count * sign, entries);
}

function cellOf(key: string[], count: number, sums: [string, bigint][]): Cell {
  const kept = sums.filter(([, sum]) => sum !== 0n);
  return kept.length === 0 ? { key, count } : { key, count, sums: Object.fromEntries(kept) };
}

function matches({ key: [status, subtype, facet] }: Cell, filter: CellFilter): boolean {
  return (
    (filter.status === undefined || filter.status === status) &&
    (filter.subtype === undefined || filter.subtype === subtype) &&
    (filter.facet === undefined || filter.facet === facet)
  );
}

function groupBy<Row>(rows: readonly Row[], name: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(name(row));
    if (group) group.push(row);
    else groups.set(name(row), [row]);
  }
  return groups;
}
