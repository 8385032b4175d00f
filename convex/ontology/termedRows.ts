import { EmptyStream, mergedStream, type QueryStream, stream } from "convex-helpers/server/stream";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalidIn } from "../kit/errors";
import { batchOf } from "../kit/page";
import { MAX_SORTED } from "./accessPaths";
import { definitionOf } from "./derived";
import type { ObjectType } from "./registry";
import { isSelected, type Selection, type Terms } from "./selection";
import { SortedRows } from "./sortedRows";
import { streamed } from "./streamed";
import { termName, termsOf } from "./terms";

type Row = Doc<"objects">;

/**
 * The objects that have one of the values that a filter of several values asks for, in the order of their
 * creation, which costs what is read of them; in any other order all of them are read first. What else is
 * selected is judged object by object: a stream says null of those that it leaves out.
 * @throws VALIDATION_ERROR where more than are sorted have them
 */
export async function termedRows(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: ObjectType,
  selection: Selection & { terms: Terms },
): Promise<QueryStream<Row>> {
  const [[filter, values] = ["", []]] = Object.entries(selection.terms);
  const { sort, filters } = selection;
  const isByCreation = sort.column === "createdAt";
  const statuses = filters.status ?? definitionOf(type).statuses;
  const ranges = values.flatMap((value) =>
    statuses.map((status) =>
      stream(ctx.db, streamed)
        .query("objectTerms")
        .withIndex("by_term", (q) =>
          q
            .eq("organizationId", organizationId)
            .eq("type", type)
            .eq("term", termName(filter, value))
            .eq("status", status),
        )
        .order(isByCreation ? sort.order : "asc"),
    ),
  );
  if (ranges.length === 0) return new EmptyStream<Row>(sort.order, [sort.column]);
  const selected = async (row: Doc<"objectTerms">): Promise<Row | null> => {
    const object = await ctx.db.get("objects", row.objectId);
    if (!object || !isSelected(object, type, selection)) return null;
    // One that has several of the values is listed by the first of them.
    const first = termsOf(object, filter).find((value) => values.includes(value));
    return first !== undefined && row.term === termName(filter, first) ? object : null;
  };
  const rows = mergedStream(ranges, ["createdAt"]).map(selected);
  if (isByCreation) return rows;
  const { batch, isWhole } = await batchOf(present(rows), MAX_SORTED);
  if (isWhole) return new SortedRows(batch, sort);
  const message = `sorts at most ${MAX_SORTED} of these, fewer where they are large; narrow them, or take -createdAt`;
  throw invalidIn("query", "sort", message);
}

async function* present(rows: AsyncIterable<Row | null>): AsyncGenerator<Row> {
  for await (const row of rows) if (row !== null) yield row;
}
