import type { PaginationOptions, PaginationResult } from "convex/server";
import { stream } from "convex-helpers/server/stream";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalid } from "../kit/errors";
import schema from "../schema";
import { asShownTo, linkToViewer, type PortalViewer } from "./portalRules";
import type { Filters } from "./ranges";
import { isOfType } from "./reader";
import type { ObjectDoc, ObjectType } from "./registry";

/** Rows that one page looks through for those that the filters leave. */
const MAX_ROWS_READ = 1000;

/** What a portal user's list may ask for: their own objects are few, and need no index per filter. */
export type PortalListRequest = {
  sort: string;
  search?: string | undefined;
  filters: Filters;
  includeArchived?: boolean;
};

/**
 * A page of a portal user's objects of a type, by creation. It goes through the links to their
 * contact, so it costs what is theirs, whatever else there is.
 * @throws VALIDATION_ERROR for a search or another order.
 */
export async function portalPage<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  viewer: PortalViewer,
  type: T,
  request: PortalListRequest,
  page: PaginationOptions,
): Promise<PaginationResult<ObjectDoc<T>>> {
  if (request.search !== undefined) throw notForPortals("search");
  if (request.sort.replace("-", "") !== "createdAt") throw notForPortals("sort");
  const order = request.sort.startsWith("-") ? "desc" : "asc";
  const { contactId } = viewer;
  if (contactId === null) return { page: [], isDone: true, continueCursor: "" };
  const links = stream(ctx.db, schema)
    .query("objectLinks")
    .withIndex("by_to_and_type", (q) =>
      q.eq("organizationId", organizationId).eq("to", contactId).eq("fromType", type),
    )
    .order(order);
  const objects = links.map(async (link) => {
    const object = await ctx.db.get("objects", link.from);
    if (!object || !isOfType(object, type) || !isAsked(object, request)) return null;
    // One that is linked twice is listed by the first of its links.
    return linkToViewer(viewer, object)?.linkType === link.linkType
      ? asShownTo(viewer, object)
      : null;
  });
  return await objects.paginate({ ...page, maximumRowsRead: MAX_ROWS_READ });
}

function isAsked(object: ObjectDoc, { filters, includeArchived }: PortalListRequest): boolean {
  const isListed =
    object.lifecycle === "live" || (includeArchived && object.lifecycle === "archived");
  return (
    isListed === true &&
    Object.entries(filters).every(([column, value]) => object[column as keyof Filters] === value)
  );
}

function notForPortals(parameter: string): Error {
  return invalid([
    { path: `query.${parameter}`, message: "portal users' lists take filters and -createdAt only" },
  ]);
}
