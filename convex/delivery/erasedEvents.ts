import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ERASURE } from "../audit/digest";
import { findOwn } from "../kit/own";
import { definitionOf } from "../ontology/derived";
import { isErasedPerson } from "../ontology/erased";
import type { ObjectDoc } from "../ontology/registry";
import { commitTsOf } from "./events";

type Event = Doc<"events">;

/**
 * Whether what an event says is, or is about to be, taken out of it, because it speaks of a person who
 * was erased: the job that does so comes to everything in its time, and a delivery may be earlier.
 * What stays by law, such as an issued invoice, is delivered as it is.
 */
export async function isOfErased(ctx: MutationCtx, event: Event): Promise<boolean> {
  const object = await findOwn(ctx, event, "objects", event.objectId);
  if (object?.erasedAt !== undefined) return true;
  if (await wasErasedSince(ctx, event)) return true;
  if (object) return await refersToErased(ctx, object);
  return await belongsToErased(ctx, event);
}

/** What it says now it says without the person; the event is of before, or of that very change. */
async function wasErasedSince(ctx: MutationCtx, event: Event): Promise<boolean> {
  const { organizationId, objectId } = event;
  const erasure = await ctx.db
    .query("auditLogs")
    .withIndex("by_object_and_action", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("objectId", objectId)
        .eq("action", ERASURE)
        .gte("commitTs", commitTsOf(event)),
    )
    .first();
  return erasure !== null;
}

/** The job has not come to it yet. */
async function refersToErased(ctx: MutationCtx, object: ObjectDoc): Promise<boolean> {
  const definition = definitionOf(object.type);
  if (!definition.withoutPerson) return false;
  const links = await ctx.db
    .query("objectLinks")
    .withIndex("by_from", (q) =>
      q.eq("organizationId", object.organizationId).eq("from", object._id),
    )
    .collect();
  for (const { to } of links) {
    if (!(await isErasedPerson(ctx, to))) continue;
    if (definition.withoutPerson(object, to) !== null) return true;
  }
  return false;
}

/** A file goes with the person whose it is. */
async function belongsToErased(ctx: MutationCtx, event: Event): Promise<boolean> {
  const attachment = await findOwn(ctx, event, "attachments", event.objectId);
  return attachment?.ownerId !== undefined && (await isErasedPerson(ctx, attachment.ownerId));
}
