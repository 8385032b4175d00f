import { EmptyStream, mergedStream, type QueryStream, stream } from "convex-helpers/server/stream";
import type {
  GenericDatabaseReader,
  OrderedQuery,
  PaginationOptions,
  PaginationResult,
} from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { batchOf, MAX_BYTES } from "../kit/page";
import {
  type Equalities,
  exactPath,
  countOf,
  isCounted,
  keyPlan,
  MAX_LOOKED_THROUGH,
  MAX_SORTED,
  ownerKey,
  ownersOf,
  type Plan,
  planOf,
  type Sizes,
} from "./accessPaths";
import { findOwn } from "../kit/own";
import { archivedType, cellsOf, groupOf, merged } from "./counts";
import type { RelationColumn } from "./columnNames";
import { ANY_TYPE } from "./definition";
import { definitionOf, ownerNamed } from "./derived";
import type { TenantReader } from "./reader";
import type { ObjectDoc, ObjectType } from "./registry";
import { entriesOf, isSelected, type Range, type Selection, type Terms } from "./selection";
import { SortedRows } from "./sortedRows";
import { streamed } from "./streamed";
import { type SeenSelection, seenSelection } from "./sight";
import { termedRows } from "./termedRows";

/** As `take` reads: pages of a job that is no list of a caller's. */
const TAKEN_AT_ONCE = 200;

type Row = Doc<"objects">;

/** The objects of a type that a selection means, in its order: to be paged, or taken from the start. */
export class SelectedRows<T extends ObjectType> {
  private known: Promise<Sizes> | undefined;

  constructor(
    private readonly ctx: QueryCtx,
    readonly organizationId: Id<"organizations">,
    private readonly type: T,
    private readonly selection: Selection,
    /** What the reader sees of its rows; null where that is all of them. */
    private readonly judge: SeenSelection["judge"] = null,
  ) {}

  /** Of a selection, what a tenant's reader sees (sight.ts). */
  static async seenBy<T extends ObjectType>(
    ctx: QueryCtx,
    { sight, organizationId }: TenantReader,
    type: T,
    asked: Selection,
  ): Promise<SelectedRows<T>> {
    const { selection, judge } = await seenSelection(sight, type, asked);
    return new SelectedRows(ctx, organizationId, type, selection, judge);
  }

  /** @throws GONE for a cursor of a list as it was before it was served in this way */
  async paginate(page: PaginationOptions): Promise<PaginationResult<ObjectDoc<T>>> {
    const exact = this.exact();
    if (exact) return (await exact.paginate(page)) as unknown as PaginationResult<ObjectDoc<T>>;
    if (page.cursor !== null && OPAQUE.test(page.cursor)) throw outdatedCursor();
    const rows = await this.stream(page.numItems);
    // What skips many, or gathers a whole collection, looks through more for it.
    const most = Math.max(MAX_LOOKED_THROUGH, 4 * page.numItems);
    const bound = rows.isJudged ? { maximumRowsRead: most } : {};
    const found = await rows.stream.paginate({ maximumBytesRead: MAX_BYTES, ...page, ...bound });
    return found as unknown as PaginationResult<ObjectDoc<T>>;
  }

  /** The first of them. */
  async take(count: number): Promise<ObjectDoc<T>[]> {
    const exact = this.exact();
    if (exact) return (await exact.take(count)) as unknown as ObjectDoc<T>[];
    const { stream: rows } = await this.stream(Math.min(count, TAKEN_AT_ONCE));
    return (await rows.take(count)) as unknown as ObjectDoc<T>[];
  }

  /** All of them, one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ObjectDoc<T>, void> {
    const rows: AsyncIterable<Row | null> =
      this.exact() ?? (await this.stream(TAKEN_AT_ONCE)).stream;
    // A stream says null of a row that its filter leaves out.
    for await (const row of rows) if (row !== null) yield row as unknown as ObjectDoc<T>;
  }

  /** Their exact number, or null where nobody has counted. */
  async total(): Promise<number | null> {
    const { filters, ranges, terms } = this.selection;
    const owned = ["parentId", "relatedId", "subjectId"] as const;
    const columns = owned.filter((column) => filters[column] !== undefined);
    if (this.judge || hasTerms(terms)) return null;
    if (filters.lookupKey || entriesOf(ranges).length > 0 || columns.length > 1) return null;
    const sizes = await this.sizes();
    const owners = ownersOf(filters);
    const cells =
      columns.length === 0
        ? sizes.all
        : owners.flatMap(({ column, owner }) => sizes.ofOwner.get(ownerKey(column, owner)) ?? []);
    return countOf(cells.filter((cell) => isCounted(cell, filters)));
  }

  /** One range of an index, as Convex pages it: it costs what it gives, and no count is read. */
  private exact(): OrderedQuery<DataModel["objects"]> | null {
    const { includeArchived, terms } = this.selection;
    const isExact = !includeArchived && !hasTerms(terms) && this.judge === null;
    const plan = isExact ? exactPath(this.selection) : null;
    const [equalities] = plan?.ranges ?? [];
    return plan && equalities ? this.rangeOf(this.ctx.db, plan, equalities, "live") : null;
  }

  private async stream(limit: number): Promise<{ stream: QueryStream<Row>; isJudged: boolean }> {
    const rows = await this.selected(limit);
    const { judge } = this;
    return judge ? { stream: rows.stream.filterWith(judge), isJudged: true } : rows;
  }

  private async selected(limit: number): Promise<{ stream: QueryStream<Row>; isJudged: boolean }> {
    const { sort, terms } = this.selection;
    if (hasTerms(terms)) {
      const { ctx, organizationId, type, selection } = this;
      const termed = await termedRows(ctx, organizationId, type, { ...selection, terms });
      return { stream: termed, isJudged: true };
    }
    const byKey = keyPlan(this.selection);
    const ofKeys = byKey && (await this.sorted(byKey));
    if (ofKeys) return { stream: ofKeys, isJudged: false };
    const planned = planOf(this.selection, await this.sizes(), limit);
    if (!planned) {
      const nothing = new EmptyStream<Row>(sort.order, [sort.column, "_creationTime", "_id"]);
      return { stream: nothing, isJudged: false };
    }
    const { plan, ordered } = planned;
    const sorted = plan.isSorted ? await this.sorted(plan) : null;
    if (sorted) return { stream: sorted, isJudged: false };
    return this.judged(this.mergedRows(ordered), ordered);
  }

  /** All rows of a plan in the order asked for; null where they are more than one should read. */
  private async sorted(plan: Plan): Promise<QueryStream<Row> | null> {
    const { batch, isWhole } = await batchOf(this.mergedRows(plan), MAX_SORTED);
    if (!isWhole) return null;
    const selected = batch.filter((row) => isSelected(row, this.type, this.selection));
    return new SortedRows(selected, this.selection.sort);
  }

  private judged(
    rows: QueryStream<Row>,
    { path }: Plan,
  ): { stream: QueryStream<Row>; isJudged: boolean } {
    const { filters, ranges } = this.selection;
    const isTold =
      entriesOf(filters).every(([column]) => path.columns.includes(column)) &&
      entriesOf(ranges).every(([column]) => column === path.sort);
    if (isTold) return { stream: rows, isJudged: false };
    const judge = (row: Row): boolean => isSelected(row, this.type, this.selection);
    return { stream: rows.filterWith((row) => Promise.resolve(judge(row))), isJudged: true };
  }

  private mergedRows(plan: Plan): QueryStream<Row> {
    const lifecycles = this.selection.includeArchived
      ? (["live", "archived"] as const)
      : (["live"] as const);
    const db = stream(this.ctx.db, streamed);
    const ranges = plan.ranges.flatMap((equalities) =>
      lifecycles.map(
        (lifecycle) => this.rangeOf(db, plan, equalities, lifecycle) as unknown as QueryStream<Row>,
      ),
    );
    return mergedStream(ranges, [plan.path.sort]);
  }

  private rangeOf(
    db: GenericDatabaseReader<DataModel>,
    { path }: Plan,
    equalities: Equalities,
    lifecycle: "live" | "archived",
  ): OrderedQuery<DataModel["objects"]> {
    const { sort, ranges } = this.selection;
    const range: Range = ranges[path.sort as keyof typeof ranges] ?? {};
    const order = path.sort === sort.column ? sort.order : "asc";
    return db
      .query("objects")
      .withIndex(path.index, (q) => {
        const all = q
          .eq("organizationId", this.organizationId)
          .eq("type", this.type)
          .eq("lifecycle", lifecycle);
        const equal = path.columns.reduce(
          (bounds, column, at) => bounds.eq(column, equalities[at]),
          all as unknown as Bounds,
        );
        return within(equal, path.sort, range) as unknown as typeof all;
      })
      .order(order);
  }

  private sizes(): Promise<Sizes> {
    this.known ??= this.readSizes();
    return this.known;
  }

  private async readSizes(): Promise<Sizes> {
    const owners = ownersOf(this.selection.filters);
    const [all, ...ofOwners] = await Promise.all([
      this.cellsOf(undefined),
      ...owners.map(async ({ column, owner }): Promise<[string, Sizes["all"]]> => {
        const named = ownerNamed(this.type, column, owner);
        const cells = (await this.isOwnerIn(column, owner)) ? await this.cellsOf(named) : [];
        return [ownerKey(column, owner), cells];
      }),
    ]);
    return { all, ofOwner: new Map(ofOwners) };
  }

  /** Counts know an owner by id alone: one of another type owns nothing in this column. */
  private async isOwnerIn(column: RelationColumn, id: string): Promise<boolean> {
    const owner = await findOwn(this.ctx, this, "objects", id);
    const type = definitionOf(this.type).owners?.[column];
    return owner === null || type === undefined || type === ANY_TYPE || owner.type === type;
  }

  private async cellsOf(owner: string | undefined): Promise<Sizes["all"]> {
    const { ctx, organizationId, type } = this;
    if (!this.selection.includeArchived)
      return await cellsOf(ctx, organizationId, groupOf(type, owner));
    const types = [type, archivedType(type)];
    const cells = await Promise.all(
      types.map(async (counted) => await cellsOf(ctx, organizationId, groupOf(counted, owner))),
    );
    return merged(cells.flat());
  }
}

function hasTerms(terms: Terms | undefined): terms is Terms {
  return terms !== undefined && Object.keys(terms).length > 0;
}

/** The part of Convex's index range builder that a loop over columns needs. */
type Bounds = {
  eq(field: string, value: string | undefined): Bounds;
  gte(field: string, value: number): Bounds;
  lte(field: string, value: number): Bounds;
};

function within(bounds: Bounds, column: string, { from, to }: Range): Bounds {
  if (from === undefined && to === undefined) return bounds;
  // Without a lower bound those that have no such date would be among them.
  const since = bounds.gte(column, from ?? -Infinity);
  return to === undefined ? since : since.lte(column, to);
}

/** As Convex's own cursors are; those of merged ranges are lists. */
const OPAQUE = /^[\w+/=-]{24,}$/;

function outdatedCursor(): Error {
  const message = "The cursor is of this list as it was before an update. Begin again without it.";
  return new ApiError("GONE", message);
}
