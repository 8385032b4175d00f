import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { unlink, unlinkAll } from "./identities";
import { type Connection, connectionsOf } from "./connections";
import { beginRevocation, isBeingRevoked } from "./revocationKind";

/**
 * A connection ends: here at once, at its provider by a job. Its account signs the person in no more
 * either, unless that is their only way in. One that the provider has not taken for good is forgotten.
 */
export async function disconnect(
  ctx: MutationCtx,
  user: Doc<"users">,
  connection: Connection,
): Promise<void> {
  if (connection.status !== "revoked") {
    await unlink(ctx, user, connection);
    await beginRevocation(ctx, connection);
  } else if (!isBeingRevoked(connection)) await ctx.db.delete("oauthConnections", connection._id);
}

/** Nobody gets in by an account at a provider any more, and none of their mailboxes is used. */
export async function forgetProviders(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  await unlinkAll(ctx, userId);
  for (const connection of await connectionsOf(ctx, userId)) {
    if (connection.status !== "revoked") await beginRevocation(ctx, connection);
  }
}
