import { compareValues } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import type { ObjectColumns } from "./definition";
import { definitionOf } from "./derived";
import type { ObjectDoc } from "./registry";

/** The rows of `objectLinks`, which the store keeps in step with what objects refer to. */
type LinkTarget = ObjectColumns["links"][number];

export async function addLinks(
  ctx: MutationCtx,
  object: ObjectDoc,
  links: LinkTarget[],
): Promise<void> {
  for (const link of links) {
    await ctx.db.insert("objectLinks", {
      organizationId: object.organizationId,
      from: object._id,
      fromType: object.type,
      fromCreatedAt: object.createdAt,
      ...link,
    });
  }
}

/** `object` is as it was before; nothing is written when its links stay the same. */
export async function replaceLinks(
  ctx: MutationCtx,
  object: ObjectDoc,
  links: LinkTarget[],
): Promise<void> {
  if (compareValues(definitionOf(object.type).columns(object).links, links) === 0) return;
  const stored = await ctx.db
    .query("objectLinks")
    .withIndex("by_from", (q) =>
      q.eq("organizationId", object.organizationId).eq("from", object._id),
    )
    .collect();
  for (const link of stored) await ctx.db.delete("objectLinks", link._id);
  await addLinks(ctx, object, links);
}

/** The ids of up to so many objects that refer to this one, by any link or by those of one type. */
export async function referringTo(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  to: Id<"objects">,
  limit: number,
  linkType?: string,
): Promise<Id<"objects">[]> {
  const links = await ctx.db
    .query("objectLinks")
    .withIndex("by_to", (q) => {
      const all = q.eq("organizationId", organizationId).eq("to", to);
      return linkType === undefined ? all : all.eq("linkType", linkType);
    })
    .take(limit);
  return [...new Set(links.map(({ from }) => from))];
}

/** One page of them, for a job that goes through all; an object with several links comes again. */
export async function referringPage(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  to: Id<"objects">,
  { numItems, cursor }: { numItems: number; cursor: string | null },
): Promise<{ ids: Id<"objects">[]; cursor: string | null }> {
  const { page, isDone, continueCursor } = await ctx.db
    .query("objectLinks")
    .withIndex("by_to", (q) => q.eq("organizationId", organizationId).eq("to", to))
    .paginate({ numItems, cursor });
  return {
    ids: [...new Set(page.map(({ from }) => from))],
    cursor: isDone || page.length === 0 ? null : continueCursor,
  };
}

/** Comments go with what they are about, and replies with what they answer: they keep only who wrote them. */
const GOES_ALONG = "comment";
const WRITTEN_BY = "said_by";

/** @throws CONFLICT with the links */
export async function requireUnreferenced(ctx: QueryCtx, object: ObjectDoc): Promise<void> {
  const linksTo = (isBefore: boolean): Promise<Doc<"objectLinks">[]> =>
    ctx.db
      .query("objectLinks")
      .withIndex("by_to_and_type", (q) => {
        const all = q.eq("organizationId", object.organizationId).eq("to", object._id);
        return isBefore ? all.lt("fromType", GOES_ALONG) : all.gt("fromType", GOES_ALONG);
      })
      .take(20);
  const written = await ctx.db
    .query("objectLinks")
    .withIndex("by_to", (q) =>
      q.eq("organizationId", object.organizationId).eq("to", object._id).eq("linkType", WRITTEN_BY),
    )
    .take(20);
  const links = [...(await linksTo(true)), ...written, ...(await linksTo(false))].slice(0, 20);
  if (links.length === 0) return;
  throw new ApiError("CONFLICT", "Other objects point to it; unlink or delete those first.", {
    details: {
      links: links.map(({ from, fromType, linkType }) => ({ id: from, type: fromType, linkType })),
    },
  });
}
