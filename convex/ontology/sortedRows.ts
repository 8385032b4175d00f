import { QueryStream } from "convex-helpers/server/stream";
import { compareValues, getConvexSize, type Value } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import type { SortColumn } from "./definition";
import type { Sort } from "./selection";

type Row = Doc<"objects">;
type Key = (Value | undefined)[];
type Bounds = Parameters<QueryStream<Row>["narrow"]>[0];

/**
 * Rows that have been read already, in the order of a column, as a stream like those of an index: a
 * cursor of the one goes on in the other, so that two pages of a list may be found in two ways.
 */
export class SortedRows extends QueryStream<Row> {
  private readonly rows: readonly { row: Row; key: Key }[];

  constructor(
    rows: readonly Row[],
    private readonly sort: Sort,
  ) {
    super();
    const direction = sort.order === "asc" ? 1 : -1;
    this.rows = rows
      .map((row) => ({ row, key: keyOf(row, sort.column) }))
      .sort((one, other) => direction * compareKeys(one.key, other.key));
  }

  override getOrder(): "asc" | "desc" {
    return this.sort.order;
  }

  override getIndexFields(): string[] {
    return [this.sort.column, "_creationTime", "_id"];
  }

  override getEqualityIndexFilter(): Value[] {
    return [];
  }

  override narrow(bounds: Bounds): SortedRows {
    const within = this.rows.filter(({ key }) => isWithin(key, bounds)).map(({ row }) => row);
    return new SortedRows(within, this.sort);
  }

  override iterWithKeys(trackBandwidth = false): ReturnType<QueryStream<Row>["iterWithKeys"]> {
    const entries = this.rows.values();
    return {
      [Symbol.asyncIterator]: () => ({
        // The interface asks for promises, but nothing has to be waited for.
        next: async () => {
          const next = entries.next();
          if (next.done) return { done: true, value: undefined };
          const { row, key } = next.value;
          const bytes = trackBandwidth ? getConvexSize(row) : 0;
          return await Promise.resolve({ done: false, value: [row, key, bytes] });
        },
      }),
    };
  }
}

function keyOf(row: Row, column: SortColumn): Key {
  return [row[column], row._creationTime, row._id];
}

function compareKeys(one: Key, other: Key): number {
  for (const [at, value] of one.entries()) {
    const compared = compareValues(value, other[at]);
    if (compared !== 0) return compared;
  }
  return 0;
}

function isWithin(key: Key, bounds: Bounds): boolean {
  const { lowerBound, lowerBoundInclusive, upperBound, upperBoundInclusive } = bounds;
  const toLower = compareKeys(key.slice(0, lowerBound.length), lowerBound);
  const toUpper = compareKeys(key.slice(0, upperBound.length), upperBound);
  const isAbove = lowerBoundInclusive ? toLower >= 0 : toLower > 0;
  return isAbove && (upperBoundInclusive ? toUpper <= 0 : toUpper < 0);
}
