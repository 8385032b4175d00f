import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { newLinkSecret } from "../attachments/links";
import { isOpen, newJob } from "../jobs/job";
import { ApiError, notFound } from "../kit/errors";
import { rowOfAnyTenant } from "../kit/own";
import { sealSecret } from "../kit/secretBox";

/**
 * What is held of a person, as one file of JSON that they ask for (GDPR, articles 15 and 20). A job
 * gathers it page by page, and the file is there for a day.
 */
export type DataExport = Doc<"profileExports">;

const DAY_MS = 24 * 60 * 60 * 1000;
/** Each is kept for a day; more are no copies for oneself any more. */
const MOST_OF_A_DAY = 5;

/** One that is under way is answered rather than another begun. @throws CONFLICT after five of a day */
export async function beginExport(ctx: MutationCtx, userId: Id<"users">): Promise<DataExport> {
  const known = await exportsOf(ctx, userId);
  const open = known.find(({ job }) => job && isOpen(job));
  if (open) return open;
  if (known.length >= MOST_OF_A_DAY) {
    const message = `${MOST_OF_A_DAY} copies of a day are there already: fetch one of them, or ask again tomorrow.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MOST_OF_A_DAY } });
  }
  const createdAt = Date.now();
  const id = await ctx.db.insert("profileExports", {
    ...{ userId, job: newJob(createdAt), createdAt, expiresAt: createdAt + DAY_MS },
    linkSecret: await sealSecret(newLinkSecret()),
    log: [{ at: createdAt, text: "asked for" }],
  });
  await ctx.scheduler.runAfter(0, internal.accounts.exportJobs.run, { id });
  return await existing(ctx, id);
}

/** One's own, by an id from outside. @throws EXPORT_NOT_FOUND, also once its day is over */
export async function requireExport(
  ctx: QueryCtx,
  userId: Id<"users">,
  id: string,
): Promise<DataExport> {
  const found = await rowOfAnyTenant(ctx, "profileExports", id);
  if (found?.userId !== userId) throw notFound("export");
  return found;
}

/** With their files. */
export async function deleteExportsOf(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const each of await exportsOf(ctx, userId)) await deleteExport(ctx, each);
}

export async function deleteExport(
  ctx: MutationCtx,
  { _id, storageId }: DataExport,
): Promise<void> {
  if (storageId !== undefined) await ctx.storage.delete(storageId);
  await ctx.db.delete("profileExports", _id);
}

async function exportsOf(ctx: QueryCtx, userId: Id<"users">): Promise<DataExport[]> {
  return await ctx.db
    .query("profileExports")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .order("desc")
    .take(2 * MOST_OF_A_DAY);
}

async function existing(ctx: QueryCtx, id: Id<"profileExports">): Promise<DataExport> {
  const found = await ctx.db.get("profileExports", id);
  if (!found) throw new Error("A new export is missing.");
  return found;
}
