import type { PaginationOptions, PaginationResult } from "convex/server";
import { type QueryStream, stream } from "convex-helpers/server/stream";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalidIn } from "../kit/errors";
import { batchOf } from "../kit/page";
import { asShownTo, linkToViewer, type PortalViewer } from "./portalRules";
import { isAboutTheirs } from "./portalAbout";
import { isOfType } from "./reader";
import type { ObjectDoc, ObjectType } from "./registry";
import { isSelected, type Selection } from "./selection";
import { Sight } from "./sight";
import { SortedRows } from "./sortedRows";
import { streamed } from "./streamed";

/** Rows that one page looks through for those that the filters leave. */
const MAX_ROWS_READ = 1000;
/** So many of a customer's objects are sorted in another order than that of their creation. */
export const MAX_SORTED_FOR_PORTAL = 900;

/** What a portal user's list may ask for: their own objects are few, and need no index per filter. */
export type PortalListRequest = { search?: string | undefined; selection: Selection };

/**
 * A page of a portal user's objects of a type. It goes through the links to their contact, so it costs
 * what is theirs, whatever else there is: in the order of creation a page of it, in any other all.
 * @throws VALIDATION_ERROR for a search, or where more are theirs than are sorted
 */
export async function portalPage<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  viewer: PortalViewer,
  type: T,
  { search, selection }: PortalListRequest,
  page: PaginationOptions,
): Promise<PaginationResult<ObjectDoc<T>>> {
  if (search !== undefined) {
    throw invalidIn("query", "search", "is not for portal users: take filters");
  }
  const { contactId } = viewer;
  if (contactId === null) return { page: [], isDone: true, continueCursor: "" };
  const { sort } = selection;
  const sight = new Sight(ctx, { organizationId });
  const isByCreation = sort.column === "createdAt";
  const links = stream(ctx.db, streamed)
    .query("objectLinks")
    .withIndex("by_to_and_type", (q) =>
      q.eq("organizationId", organizationId).eq("to", contactId).eq("fromType", type),
    )
    .order(isByCreation ? sort.order : "asc");
  const shown = async (link: Doc<"objectLinks">): Promise<ObjectDoc<T> | null> => {
    const object = await ctx.db.get("objects", link.from);
    if (!object || !isOfType(object, type) || !isSelected(object, type, selection)) return null;
    // One that is linked twice is listed by the first of its links.
    if (linkToViewer(viewer, object)?.linkType !== link.linkType) return null;
    if (!(await sight.sees(object)) || !(await isAboutTheirs(ctx, viewer, object))) return null;
    return asShownTo(viewer, object);
  };
  if (isByCreation) {
    return await links.map(shown).paginate({ ...page, maximumRowsRead: MAX_ROWS_READ });
  }
  const theirs = async function* (): AsyncGenerator<Doc<"objects">> {
    for await (const link of links) {
      const object = await shown(link);
      if (object !== null) yield object;
    }
  };
  const { batch: objects, isWhole } = await batchOf(theirs(), MAX_SORTED_FOR_PORTAL);
  if (!isWhole) {
    const message = `sorts at most ${MAX_SORTED_FOR_PORTAL} of a customer's, fewer where they are large; take -createdAt`;
    throw invalidIn("query", "sort", message);
  }
  const rows: QueryStream<Doc<"objects">> = new SortedRows(objects, sort);
  return (await rows.paginate(page)) as unknown as PaginationResult<ObjectDoc<T>>;
}
