import { indexedText } from "../search/indexed";
import type { ObjectColumns } from "./definition";

type IndexColumns = Omit<ObjectColumns, "links" | "searched"> & {
  sortName: string;
  searchText: string;
};

/** The columns of a row that are for its indexes, from what its type derives of it. */
export function indexColumns({ links: _links, searched, ...columns }: ObjectColumns): IndexColumns {
  const searchText = indexedText(searched);
  const { name, lookupKey, facet, parentId, relatedId, subjectId } = columns;
  const { documentDate, dueAt, rank } = columns;
  const relations = { parentId, relatedId, subjectId };
  const sortName = name.toLowerCase();
  return { name, sortName, searchText, lookupKey, facet, ...relations, documentDate, dueAt, rank };
}
