import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/**
 * Exact totals without a scan and without a hot row: every write inserts what it changed
 * (`countDeltas`), a fold adds that to one row per group (`counts`), and a total is the sum of both.
 * A group is a type, or a type under one parent; its cells are told apart by status, subtype, facet.
 */
export type Cell = { status: string; subtype: string; facet?: string };
export type CellFilter = Partial<Cell>;

/** On average one fold is scheduled per this many deltas, so that few wait for it; see `maintenance`. */
export const DELTAS_PER_FOLD = 8;
const FOLDED_AT_ONCE = 500;

export function groupOf(type: string, parentId?: string): string {
  return parentId === undefined ? type : `${type}@${parentId}`;
}

/** Deltas of one transaction, added up: a bulk write leaves one row per cell, not one per object. */
export class CountBuffer {
  private readonly deltas = new Map<string, { group: string; cell: Cell; delta: number }>();

  add(group: string, cell: Cell, delta: 1 | -1): void {
    const key = JSON.stringify([group, cell.status, cell.subtype, cell.facet]);
    const entry = this.deltas.get(key) ?? { group, cell, delta: 0 };
    this.deltas.set(key, { ...entry, delta: entry.delta + delta });
  }

  /** Inserts what has not cancelled out; answers how many rows that were. */
  async flush(ctx: MutationCtx, organizationId: Id<"organizations">): Promise<number> {
    const changed = [...this.deltas.values()].filter((entry) => entry.delta !== 0);
    this.deltas.clear();
    for (const { group, cell, delta } of changed) {
      const row = { organizationId, group, ...cell, delta, commitTs: ctx.db.vars.commitTs };
      await ctx.db.insert("countDeltas", row);
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
  const folded = await foldedRow(ctx, organizationId, group);
  const pending = await ctx.db
    .query("countDeltas")
    .withIndex("by_group", (q) => q.eq("organizationId", organizationId).eq("group", group))
    .collect();
  const inFold = (folded?.cells ?? []).filter((cell) => matches(cell, filter));
  const inPending = pending.filter((delta) => matches(delta, filter));
  return sum(inFold.map((cell) => cell.count)) + sum(inPending.map((row) => row.delta));
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
  for (const group of byGroup(deltas)) await foldGroup(ctx, group);
  for (const delta of deltas) await ctx.db.delete("countDeltas", delta._id);
  return { folded: deltas.length, more: deltas.length === FOLDED_AT_ONCE };
}

type DeltaGroup = [Doc<"countDeltas">, ...Doc<"countDeltas">[]];

function byGroup(deltas: Doc<"countDeltas">[]): Iterable<DeltaGroup> {
  const groups = new Map<string, DeltaGroup>();
  for (const delta of deltas) {
    const key = `${delta.organizationId}/${delta.group}`;
    const group = groups.get(key);
    if (group) group.push(delta);
    else groups.set(key, [delta]);
  }
  return groups.values();
}

async function foldGroup(ctx: MutationCtx, deltas: DeltaGroup): Promise<void> {
  const [first] = deltas;
  const { organizationId, group } = first;
  const row = await foldedRow(ctx, organizationId, group);
  const cells = deltas.reduce(addDelta, row?.cells ?? []).filter((cell) => cell.count !== 0);
  if (row) await ctx.db.patch("counts", row._id, { cells });
  else await ctx.db.insert("counts", { organizationId, group, cells });
}

type CountedCell = Doc<"counts">["cells"][number];

function addDelta(cells: CountedCell[], delta: Doc<"countDeltas">): CountedCell[] {
  const { status, subtype, facet } = delta;
  const same = cells.find(
    (cell) => cell.status === status && cell.subtype === subtype && cell.facet === facet,
  );
  if (!same) return [...cells, { status, subtype, facet, count: delta.delta }];
  return cells.map((cell) => (cell === same ? { ...cell, count: cell.count + delta.delta } : cell));
}

async function foldedRow(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  group: string,
): Promise<Doc<"counts"> | null> {
  return await ctx.db
    .query("counts")
    .withIndex("by_group", (q) => q.eq("organizationId", organizationId).eq("group", group))
    .unique();
}

function matches(cell: CellFilter, filter: CellFilter): boolean {
  return (
    (filter.status === undefined || filter.status === cell.status) &&
    (filter.subtype === undefined || filter.subtype === cell.subtype) &&
    (filter.facet === undefined || filter.facet === cell.facet)
  );
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
