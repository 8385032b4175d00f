import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { firstRows } from "../kit/page";
import { definitionOf } from "./derived";
import { phoneRegionOf } from "./phoneRegion";
import type { ObjectDoc, ObjectType } from "./registry";
import { withSpellings } from "./searchWords";
import { entriesOf, isSelected, type Selection } from "./selection";

/** A search answers at most this many hits (Convex's own limit), and fewer where they are large. */
export const MAX_HITS = 1024;

type Hits<T extends ObjectType> = { hits: ObjectDoc<T>[]; isCapped: boolean };

/**
 * The objects of a type that the full text finds among those selected, by relevance. A filter of one
 * value narrows what is looked through; any other is judged hit by hit.
 */
export async function searchedObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  search: string,
  selection: Selection,
  most = MAX_HITS,
): Promise<Hits<T>> {
  const words = await wordsFor(ctx, organizationId, type, search);
  const rows = ctx.db.query("objects").withSearchIndex("search", (q) => {
    const all = q.search("searchText", words).eq("organizationId", organizationId).eq("type", type);
    // A tombstone has no text, and is never found.
    const living = selection.includeArchived ? all : all.eq("lifecycle", "live");
    return entriesOf(selection.filters).reduce(
      (range, [column, [value, ...others]]) =>
        column === "lookupKey" || others.length > 0 ? range : range.eq(column, value),
      living as unknown as EqualityRange,
    ) as unknown as typeof living;
  });
  const { page, isDone } = await firstRows(rows, most);
  const hits = page.filter((object) => isSelected(object, type, selection));
  return {
    hits: hits as unknown as ObjectDoc<T>[],
    isCapped: !isDone || page.length === MAX_HITS,
  };
}

/** The part of Convex's search filter builder that a loop over columns needs. */
type EqualityRange = { eq(field: string, value: string | undefined): EqualityRange };

/** What full text is asked for: an address in every spelling that it may be known under. */
async function wordsFor(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: ObjectType,
  search: string,
): Promise<string> {
  if (!definitionOf(type).hasAddresses) return search;
  return await withSpellings(search, async () => {
    const organization = await ctx.db.get("organizations", organizationId);
    return organization && phoneRegionOf(organization);
  });
}
