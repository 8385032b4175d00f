/** The columns of `objects` that lists are filtered by. */
export type FilterColumn = "subtype" | "status" | "facet" | RelationColumn | "lookupKey";
export type RelationColumn = (typeof RELATION_COLUMNS)[number];
export const RELATION_COLUMNS = ["parentId", "relatedId", "subjectId"] as const;
