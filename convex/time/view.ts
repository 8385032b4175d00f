import type { Doc, Id } from "../_generated/dataModel";

export type TimeView = Omit<
  Doc<"timeEntries">,
  "_id" | "_creationTime" | "organizationId" | "isUnbilled"
> & { id: Id<"timeEntries"> };

/** An entry as it is shown, by routes and live functions. */
export function timeView(row: Doc<"timeEntries">): TimeView {
  const { _id, _creationTime, organizationId: _of, isUnbilled: _is, ...shown } = row;
  return { id: _id, ...shown };
}
