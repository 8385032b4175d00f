import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { batchOf, firstRows, type Pageable } from "../kit/page";
import { type Match, matchOf } from "../search/matching";
import { type Question, questionOf } from "../search/question";
import { columnsOf } from "./derived";
import { phoneRegionOf } from "./phoneRegion";
import type { ObjectDoc, ObjectType } from "./registry";
import { entriesOf, isSelected, type Selection } from "./selection";

/** A search answers at most this many hits (Convex's own limit), and fewer where they are large. */
export const MAX_HITS = 1024;
/**
 * So many of those that the host ranks first are ranked by how well they answer: the whole number first,
 * then its part, what is forgiven last. Those after them stay in the host's order.
 */
export const MAX_RANKED = 128;

/** An object that is found, and how it answers, where it has been ranked by that. */
export type Hit<T extends ObjectType = ObjectType> = { object: ObjectDoc<T>; match?: Match };
export type Hits<T extends ObjectType> = { hits: Hit<T>[]; isCapped: boolean };

/**
 * The objects of a type that the full text finds among those selected, by relevance. A filter of one
 * value narrows what is looked through; any other is judged hit by hit.
 */
export async function searchedObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  question: Question,
  selection: Selection,
  { most = MAX_HITS, maxBytes }: Extent = {},
): Promise<Hits<T>> {
  if (question.terms === "") return { hits: [], isCapped: false };
  const rows = ctx.db.query("objects").withSearchIndex("search", (q) => {
    const all = q
      .search("searchText", question.terms)
      .eq("organizationId", organizationId)
      .eq("type", type);
    // A tombstone has no text, and is never found.
    const living = selection.includeArchived ? all : all.eq("lifecycle", "live");
    return entriesOf(selection.filters).reduce(
      (range, [column, [value, ...others]]) =>
        column === "lookupKey" || others.length > 0 ? range : range.eq(column, value),
      living as unknown as EqualityRange,
    ) as unknown as typeof living;
  });
  const { page, isDone } = await read(rows, most, maxBytes);
  const found = page.filter((object) => isSelected(object, type, selection)) as ObjectDoc<T>[];
  return {
    hits: [
      ...ranked(found.slice(0, MAX_RANKED), question),
      ...found.slice(MAX_RANKED).map((object) => ({ object })),
    ],
    isCapped: !isDone || page.length === MAX_HITS,
  };
}

export type Extent = {
  most?: number;
  /** Of one of several searches of a transaction, what it may read: only one of them can be paged. */
  maxBytes?: number;
};

async function read(
  rows: Pageable<Doc<"objects">> & AsyncIterable<Doc<"objects">>,
  most: number,
  maxBytes: number | undefined,
): Promise<{ page: Doc<"objects">[]; isDone: boolean }> {
  if (maxBytes === undefined) return await firstRows(rows, most);
  const { batch, isWhole } = await batchOf(rows, most, maxBytes);
  return { page: batch, isDone: isWhole };
}

/** The part of Convex's search filter builder that a loop over columns needs. */
type EqualityRange = { eq(field: string, value: string | undefined): EqualityRange };

/** The best first; what only shares the beginning of a long word with the question is no hit. */
export function ranked<T extends ObjectType>(
  found: readonly ObjectDoc<T>[],
  question: Question,
): Required<Hit<T>>[] {
  const scored = found.flatMap((object) => {
    const match = matchOf(question, columnsOf(object.type, object).searched);
    return match ? [{ object, match }] : [];
  });
  return scored.sort((a, b) => b.match.score - a.match.score);
}

/** What is searched for, in the words of the index. */
export async function questionIn(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  search: string,
): Promise<Question> {
  return await questionOf(search, async () => {
    const organization = await ctx.db.get("organizations", organizationId);
    return organization && phoneRegionOf(organization);
  });
}
