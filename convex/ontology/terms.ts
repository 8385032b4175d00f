import { compareValues } from "convex/values";
import type { MutationCtx } from "../_generated/server";
import { definitionOf } from "./derived";
import type { ObjectDoc } from "./registry";

/** The rows of `objectTerms`, which the store keeps in step with what a type's filters of several values say. */

/** What the object has under one of those filters. */
export function termsOf(object: ObjectDoc, filter: string): readonly string[] {
  return definitionOf(object.type).terms?.of(object)[filter] ?? [];
}

/** As a row names it. */
export function termName(filter: string, value: string): string {
  return `${filter}:${value}`;
}

export async function addTerms(ctx: MutationCtx, object: ObjectDoc): Promise<void> {
  const { organizationId, type, status, createdAt, _id: objectId } = object;
  for (const term of namesOf(object)) {
    await ctx.db.insert("objectTerms", { organizationId, type, term, status, objectId, createdAt });
  }
}

/** Nothing is read where the object has what it had before. */
export async function replaceTerms(
  ctx: MutationCtx,
  before: ObjectDoc,
  after: ObjectDoc | null,
): Promise<void> {
  if (definitionOf(before.type).terms === undefined) return;
  const isSame =
    after?.status === before.status && compareValues(namesOf(before), namesOf(after)) === 0;
  if (isSame) return;
  const rows = ctx.db
    .query("objectTerms")
    .withIndex("by_object", (q) => q.eq("objectId", before._id));
  for (const { _id } of await rows.collect()) await ctx.db.delete("objectTerms", _id);
  if (after) await addTerms(ctx, after);
}

function namesOf(object: ObjectDoc): string[] {
  const { filters = [] } = definitionOf(object.type).terms ?? {};
  return filters.flatMap((filter) => {
    const values = [...new Set(termsOf(object, filter))];
    return values.map((value) => termName(filter, value));
  });
}
