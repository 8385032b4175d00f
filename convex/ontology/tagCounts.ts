import * as z from "zod";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { openCursor, sealCursor } from "../kit/page";
import { groupsIn } from "./counts";
import { TAGS, tagGroup } from "./tags";
import { once } from "../kit/once";

export const tagCount = once(() => z.object({ tag: z.string(), count: z.number().int() }));

/** A page of the tags that living objects of the type have, in alphabetical order. */
export async function tagCounts(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ tags: z.input<ReturnType<typeof tagCount>>[]; nextCursor: string | null }> {
  const prefix = tagGroup(type, "");
  const after = cursor === undefined ? null : tagGroup(type, openCursor(prefix, cursor));
  const groups = await groupsIn(ctx, organizationId, TAGS, { prefix, after, limit: limit + 1 });
  const page = [...groups].slice(0, limit).map(([group, cells]) => ({
    tag: group.slice(prefix.length),
    count: cells.reduce((sum, cell) => sum + cell.count, 0),
  }));
  const last = page.at(-1);
  return {
    // A tag whose last removal waits for its fold has a row still.
    tags: page.filter(({ count }) => count > 0),
    nextCursor: groups.size > limit && last ? sealCursor(prefix, last.tag) : null,
  };
}
