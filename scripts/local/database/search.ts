/**
 * Runs `withSearchIndex`: documents that have any of the terms, the last one as a prefix, ranked by
 * how many they have and then by recency. Only the newest entries of a term are looked at, so a
 * common word costs no more than a rare one.
 */
import type { JSONValue } from "convex/values";
import type { TableEntry } from "./catalogue";
import { afterPrefix, encodeKey, endOfValue, idOfKey } from "./keys";
import { MAX_SEARCH_FILTERS, MAX_SEARCH_RESULTS, MAX_SEARCH_TERMS } from "./limits";
import { digest, hasDigest, type SearchIndex, termsOf } from "./postings";
import type { ReadRange } from "./reads";
import type { SearchFilterJson } from "./types";
import type { View } from "./view";

const MAX_ENTRIES_PER_TERM = 8_192;

/** A candidate and its place in the ranking; places sort as their texts do. */
export type Match = { id: string; place: string };

export type SearchPlan = {
  table: TableEntry;
  index: SearchIndex;
  /** Each with whether it stands for all words that begin with it. */
  terms: { text: string; isPrefix: boolean }[];
  filters: { fieldPath: string; key: string; digest: string; position: number }[];
};

export function planSearch(
  indexName: string,
  table: TableEntry,
  index: SearchIndex,
  filters: readonly SearchFilterJson[],
): SearchPlan {
  let text: string | null = null;
  const equalities: SearchPlan["filters"] = [];
  for (const filter of filters) {
    const { fieldPath } = filter;
    if (filter.type === "Eq") {
      equalities.push(planFilter(indexName, index, fieldPath, filter.value));
      continue;
    }
    if (fieldPath !== index.searchField) {
      throw new Error(
        `Search query against ${indexName} contains a search filter against "${fieldPath}", ` +
          `which doesn't match the indexed \`searchField\` "${index.searchField}".`,
      );
    }
    if (text !== null) {
      throw new Error(
        `Search query against ${indexName} contains multiple search filters against ` +
          `"${fieldPath}". Only one is allowed.`,
      );
    }
    text = filter.value;
  }
  if (text === null) {
    throw new Error(
      `Search query against ${indexName} does not contain any search filters. You must include ` +
        'a search filter like `q.search("field", searchText)`.',
    );
  }
  if (equalities.length > MAX_SEARCH_FILTERS) {
    throw new Error(
      `Search query against ${indexName} has too many filter conditions. ` +
        `Max: ${MAX_SEARCH_FILTERS} Actual: ${equalities.length}`,
    );
  }
  const words = termsOf(text).slice(0, MAX_SEARCH_TERMS);
  const terms = words.map((word, i) => ({ text: word, isPrefix: i === words.length - 1 }));
  return { table, index, terms, filters: equalities };
}

function planFilter(
  indexName: string,
  index: SearchIndex,
  fieldPath: string,
  value: JSONValue,
): SearchPlan["filters"][number] {
  const position = index.filterFields.indexOf(fieldPath);
  if (position === -1) {
    throw new Error(
      `Search query against ${indexName} contains an equality filter on "${fieldPath}" but that ` +
        "field isn't indexed for filtering in `filterFields`.",
    );
  }
  const missing = typeof value === "object" && value !== null && "$undefined" in value;
  return {
    fieldPath,
    key: encodeKey(value),
    digest: digest(missing ? undefined : value),
    position,
  };
}

/** The best matches, at most as many as Convex looks at. */
export function findMatches(
  plan: SearchPlan,
  view: View,
  onRange: (range: ReadRange) => void,
): Match[] {
  const counts = new Map<string, { count: number; recency: string }>();
  const partitions = [...listPartitions(plan, view)];
  for (const term of plan.terms) {
    const seen = new Set<string>();
    let budget = MAX_ENTRIES_PER_TERM;
    for (const partition of partitions) {
      const low =
        partition + (term.isPrefix ? encodeKey(term.text).slice(0, -1) : encodeKey(term.text));
      const high = afterPrefix(low);
      onRange({ index: plan.index.number, low, high });
      const cursor = view.scan({ ...plan, low, high, reverse: false }, 64);
      for (let entry = cursor.next(); entry !== null && budget > 0; entry = cursor.next()) {
        budget--;
        const { payload } = entry;
        if (
          !plan.filters.every((f) => f.position === 0 || hasDigest(payload, f.position, f.digest))
        ) {
          continue;
        }
        const id = idOfKey(entry.key);
        if (seen.has(id)) continue;
        seen.add(id);
        const found = counts.get(id);
        if (found !== undefined) found.count++;
        else counts.set(id, { count: 1, recency: recencyOf(entry.key, partition) });
      }
    }
  }
  return [...counts]
    .map(([id, { count, recency }]) => ({
      id,
      place: String.fromCharCode(255 - count) + recency + id,
    }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, MAX_SEARCH_RESULTS);
}

function recencyOf(key: string, partition: string): string {
  const start = endOfValue(key, partition.length);
  return key.slice(start, start + 8);
}

/** The values of the first filter field to look under: the one asked for, or each there is. */
function* listPartitions(plan: SearchPlan, view: View): Generator<string> {
  if (plan.index.filterFields.length === 0) {
    yield "";
    return;
  }
  const asked = plan.filters.find(({ position }) => position === 0);
  if (asked !== undefined) {
    yield asked.key;
    return;
  }
  let low = "";
  for (;;) {
    const entry = view.scan({ ...plan, low, high: "\xff", reverse: false }, 1).next();
    if (entry === null) return;
    const value = entry.key.slice(0, endOfValue(entry.key, 0));
    yield value;
    low = afterPrefix(value);
  }
}
