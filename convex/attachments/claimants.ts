import type { Doc, Id, TableNames } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

type KeepsFiles<Table extends TableNames> = "storageId" extends keyof Doc<Table> ? Table : never;

/** The tables whose rows keep a file in the deployment's own storage, in their field `storageId`. */
export type Claimant = { [Table in TableNames]: KeepsFiles<Table> }[TableNames];

type Lookup = (ctx: QueryCtx, storageId: Id<"_storage">) => Promise<object | null>;

/**
 * How the row that keeps a file is found. A stored file that none of them finds is left over, and is
 * deleted: a table that comes to keep files does not compile before it is named here.
 */
const CLAIMANTS: Record<Claimant, Lookup> = {
  attachments: async ({ db }, storageId) =>
    await db
      .query("attachments")
      .withIndex("by_storageId", (q) => q.eq("storageId", storageId))
      .first(),
  profileExports: async ({ db }, storageId) =>
    await db
      .query("profileExports")
      .withIndex("by_storageId", (q) => q.eq("storageId", storageId))
      .first(),
  documentFiles: async ({ db }, storageId) =>
    await db
      .query("documentFiles")
      .withIndex("by_storageId", (q) => q.eq("storageId", storageId))
      .first(),
};

/** Whether something of ours keeps a stored file. */
export async function isClaimed(ctx: QueryCtx, storageId: Id<"_storage">): Promise<boolean> {
  for (const lookup of Object.values(CLAIMANTS)) {
    if (await lookup(ctx, storageId)) return true;
  }
  return false;
}
