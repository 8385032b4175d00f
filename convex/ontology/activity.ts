import { changedFieldsIn, dataIn } from "./eventData";
import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { badCursor, MAX_BYTES, openCursor, sealCursor } from "../kit/page";
import type { ObjectDoc } from "./registry";
import { once } from "../kit/once";

/** What happened to an object, newest first: its events, which are kept for 90 days. */
export const activityEntry = once(() =>
  z.object({
    id: z.string(),
    at: z.number(),
    type: z.string().meta({ example: "contact.updated" }),
    actor: z.object({ type: z.string(), id: z.string(), name: z.string() }),
    changed: z.array(z.string()).meta({ description: "The fields that a change changed." }),
    details: z.unknown().meta({ description: "What else is said of it; null for most." }),
    traceId: z.string(),
  }),
);

export async function activityOf(
  ctx: QueryCtx,
  object: ObjectDoc,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ entries: z.input<ReturnType<typeof activityEntry>>[]; nextCursor: string | null }> {
  const listName = `activity/${object._id}`;
  const start = cursor === undefined ? null : openCursor(listName, cursor);
  const { page, isDone, continueCursor } = await ctx.db
    .query("events")
    .withIndex("by_object", (q) =>
      q.eq("organizationId", object.organizationId).eq("objectId", object._id),
    )
    .order("desc")
    .paginate({ numItems: limit, cursor: start, maximumBytesRead: MAX_BYTES })
    .catch((error: unknown) => {
      throw start === null ? error : badCursor();
    });
  const nextCursor = isDone ? null : sealCursor(listName, continueCursor);
  return { entries: page.map(entryOf), nextCursor };
}

function entryOf(event: Doc<"events">): z.input<ReturnType<typeof activityEntry>> {
  const { _id, at, type, actor, traceId } = event;
  const { details = null } = dataIn(event);
  return { id: _id, at, type, actor, changed: changedFieldsIn(event), details, traceId };
}
