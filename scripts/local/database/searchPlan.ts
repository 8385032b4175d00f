/** Reads what `withSearchIndex` asks for, and refuses what its index cannot answer. */
import type { JSONValue } from "convex/values";
import type { TableEntry } from "./catalogue";
import { encodeKey } from "./keys";
import { MAX_SEARCH_FILTERS, MAX_SEARCH_TERMS } from "./limits";
import { digest, type SearchIndex } from "./postings";
import type { SearchFilterJson } from "./types";
import { type SearchTerm, searchTerms } from "./words";

export type SearchPlan = {
  table: TableEntry;
  index: SearchIndex;
  terms: SearchTerm[];
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
  const terms = searchTerms(text, MAX_SEARCH_TERMS);
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
