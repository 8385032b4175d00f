import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Change } from "../ontology/changes";
import { digestsOf } from "./digest";

/**
 * The entry of a document that is issued says which files it was issued with, and they are made after
 * the transaction: until then the entry stands in the trail but has no place in its chain. What it
 * waited for is added once, before it is sealed, and it is sealed as of then.
 */
export const AWAITING = 0;

/** The field of its changes that says the digests of the files. */
export const DIGESTS = "documentSha256";

/** Adds what the entry has waited for, and lets it be sealed. Does nothing to any other entry. */
export async function completeEntry(
  ctx: MutationCtx,
  id: Id<"auditLogs">,
  added: readonly Change[],
): Promise<void> {
  const entry = await ctx.db.get("auditLogs", id);
  if (entry?.seq !== AWAITING) return;
  const sealable = { seq: undefined, commitTs: ctx.db.vars.commitTs };
  const { digests } = entry;
  // What the erasure of a person has taken is not given back.
  if (digests?.changes.salt === undefined || digests.origin.salt === undefined) {
    await ctx.db.patch("auditLogs", id, sealable);
    return;
  }
  const changes = [...entry.changes, ...added];
  await ctx.db.patch("auditLogs", id, {
    ...sealable,
    changes,
    digests: digestsOf({ ...entry, changes }),
  });
}
