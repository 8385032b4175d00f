import type { Infer } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { difference } from "../schemas/invoicingSchemas";
import { type Cell, merged } from "./counts";
import { objectsAfter, placeOf, type Position } from "./commitOrder";
import { columnsOf, definitionOf, talliesOf } from "./derived";
import { invoiceDifferences } from "./invoiceIntegrity";
import { isDocumentSeries, placeOfNumber } from "./documentNumbers";
import { isOfType } from "./reader";
import type { ObjectDoc } from "./registry";
import { contentDifferences } from "./salesIntegrity";
import { serialText } from "./serials";

/**
 * Re-derives what is stored beside the objects of an organization, and the figures of its documents. A
 * pass goes through all objects; what only the whole shows (counts, sums, gapless numbers) is
 * collected on the way in `Findings` and compared at its end.
 */
export type Difference = Infer<typeof difference>;
export type Findings = {
  checked: number;
  differences: Difference[];
  groups: Map<string, CountGroup>;
  /** By series, the serials that documents have. */
  serials: Map<string, Set<number>>;
};

/** A group of counts, or one period of it. */
export type CountGroup = { group: string; period?: string | undefined; cells: Cell[] };

export function newFindings(): Findings {
  return { checked: 0, differences: [], groups: new Map(), serials: new Map() };
}

/**
 * Checks objects from a position on, until all are done or the transaction has read enough. Objects
 * come in the order of their last change, so that one that changes meanwhile is checked again.
 */
export async function checkObjects(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  start: Position,
  findings: Findings,
): Promise<Position | null> {
  for await (const object of objectsAfter(ctx, organizationId, start)) {
    findings.checked += 1;
    findings.differences.push(...(await objectDifferences(ctx, object)));
    collect(object, findings);
    if (await hasReadEnough(ctx)) return placeOf(object);
  }
  return null;
}

/**
 * Compares counts and sums with what the objects of a whole pass add up to: of the groups whose names
 * follow `after`, up to and with `upTo`.
 */
export async function countDifferences(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  expected: Iterable<CountGroup>,
  { after = "", upTo = "\uffff" }: { after?: string; upTo?: string } = {},
): Promise<Difference[]> {
  const stored = new Map<string, CountGroup>();
  for (const table of ["counts", "countDeltas"] as const) {
    const rows = ctx.db
      .query(table)
      .withIndex("by_group", (q) =>
        q.eq("organizationId", organizationId).gt("group", after).lte("group", upTo),
      );
    for await (const row of rows) addGroup(stored, row);
  }
  const derived = new Map<string, CountGroup>();
  for (const group of expected) addGroup(derived, group);
  const names = new Set([...derived.keys(), ...stored.keys()]);
  return [...names].flatMap((name) => {
    const right = cellsText(derived.get(name)?.cells ?? []);
    const found = cellsText(stored.get(name)?.cells ?? []);
    return right === found ? [] : [{ of: name, what: `should be ${right}, is ${found}` }];
  });
}

/** Gaps in numbers: each serial that a series has given must be on a document. */
export async function numberDifferences(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  serials: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<Difference[]> {
  const rows = await ctx.db
    .query("serials")
    .withIndex("by_series", (q) => q.eq("organizationId", organizationId))
    .collect();
  return rows
    .filter(({ series }) => isDocumentSeries(series))
    .flatMap(({ series, last }) => {
      const used = serials.get(series) ?? new Set<number>();
      const missing = Array.from({ length: last }, (_, i) => i + 1).filter((n) => !used.has(n));
      return missing.map((n) => ({
        of: series,
        what: `the number ${series}-${serialText(n)} is on no document`,
      }));
    });
}

async function objectDifferences(ctx: QueryCtx, object: ObjectDoc): Promise<Difference[]> {
  const what = [
    ...columnDifferences(object),
    ...(await linkDifferences(ctx, object)),
    ...contentDifferences(object),
    ...(isOfType(object, "invoice") ? await invoiceDifferences(ctx, object) : []),
  ];
  return what.map((text) => ({ of: object._id, what: text }));
}

function columnDifferences(object: ObjectDoc): string[] {
  if (object.lifecycle === "deleted") return [];
  const { links: _links, searched: _texts, ...columns } = columnsOf(object.type, object);
  return Object.entries(columns).flatMap(([column, expected]) => {
    const found = object[column as keyof typeof columns];
    return found === expected
      ? []
      : [`${column} should be ${String(expected)}, is ${String(found)}`];
  });
}

async function linkDifferences(ctx: QueryCtx, object: ObjectDoc): Promise<string[]> {
  const { organizationId, _id } = object;
  const stored = await ctx.db
    .query("objectLinks")
    .withIndex("by_from", (q) => q.eq("organizationId", organizationId).eq("from", _id))
    .collect();
  const links = object.lifecycle === "deleted" ? [] : columnsOf(object.type, object).links;
  const expected = textOf(links);
  const found = textOf(stored);
  return expected === found ? [] : [`links should be ${expected}, are ${found}`];
}

function textOf(links: readonly { linkType: string; to: string }[]): string {
  return links
    .map(({ linkType, to }) => `${linkType} ${to}`)
    .sort()
    .join(", ");
}

function collect(object: ObjectDoc, { groups, serials }: Findings): void {
  for (const { group, period, ...cell } of talliesOf(object)) {
    addGroup(groups, { group, period, cells: [cell] });
  }
  // What others are called may look like a number.
  const place = definitionOf(object.type).area === "invoices" ? placeOfNumber(object.name) : null;
  if (place === null || object.lifecycle === "deleted") return;
  const used = serials.get(place.series) ?? new Set();
  serials.set(place.series, used.add(Number(place.serial)));
}

/** Adds the cells of a group to what is known of it. */
export function addGroup(groups: Map<string, CountGroup>, added: CountGroup): void {
  const { group, period } = added;
  const name = period === undefined ? group : `${group} ${period}`;
  const cells = merged([...(groups.get(name)?.cells ?? []), ...added.cells]);
  groups.set(name, period === undefined ? { group, cells } : { group, period, cells });
}

function cellsText(cells: readonly Cell[]): string {
  const texts = cells.map(({ key, count, sums = {} }) => {
    const named = Object.entries(sums).map(([name, sum]) => `${name} ${sum}`);
    return `${key.join("/")}: ${[count, ...named.sort()].join(", ")}`;
  });
  return `{${texts.sort().join("; ")}}`;
}

/** Half of what Convex allows a transaction. */
async function hasReadEnough(ctx: QueryCtx): Promise<boolean> {
  const metrics = await ctx.meta.getTransactionMetrics();
  return [metrics.documentsRead, metrics.bytesRead, metrics.databaseQueries].some(
    ({ used, remaining }) => used > remaining,
  );
}
