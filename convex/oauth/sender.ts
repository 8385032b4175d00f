import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { activeMemberships } from "../accounts/memberships";
import { ApiError, FieldError } from "../kit/errors";
import { organizationOf } from "../kit/own";
import type { WriteScope } from "../ontology/effects";
import { type Connection, findConnection } from "./connections";
import { membershipOf } from "../kit/memberships";

/** The mailbox that an organization's mail goes out by. */
export type Mailbox = {
  connectionId: Id<"oauthConnections">;
  provider: Connection["provider"];
  email: string | undefined;
};

/** It is a member's, and is used while they are one; or what is missing, for who sees the message wait. */
export async function mailboxOfOrganization(
  ctx: Pick<QueryCtx, "db">,
  { _id: organizationId }: Pick<Doc<"organizations">, "_id">,
  id: string,
): Promise<Mailbox | { missing: string }> {
  const connection = await findConnection(ctx, id);
  if (!connection || connection.status === "revoked") {
    return {
      missing: "The mailbox that the organization sends by was disconnected: choose another.",
    };
  }
  if (!(await isMember(ctx, connection.userId, organizationId))) {
    return {
      missing: "The mailbox that the organization sends by is no member's: choose another.",
    };
  }
  if (connection.status === "expired") {
    const whose = connection.email ?? connection.provider;
    return { missing: `The mailbox ${whose} must be connected again by the member whose it is.` };
  }
  const { _id: connectionId, provider, email } = connection;
  return { connectionId, provider, email };
}

/** A mailbox is good again: what its organizations have kept for want of it goes out. */
export async function releaseMailOf(
  ctx: MutationCtx,
  { _id, userId }: Pick<Connection, "_id" | "userId">,
): Promise<void> {
  const memberships = await activeMemberships(ctx, userId);
  for (const membership of memberships) {
    const { senderConnectionId, _id: organizationId } = await organizationOf(ctx, membership);
    if (senderConnectionId !== _id) continue;
    await ctx.scheduler.runAfter(0, internal.delivery.queue.release, { organizationId });
  }
}

/**
 * A mailbox is given to the organization by the member whose it is, and by nobody else: it sends in their
 * name. @throws FORBIDDEN; CONFLICT for one that is not there or not good
 */
export async function requireOwnMailbox(
  ctx: MutationCtx,
  { organizationId, actor }: Pick<WriteScope, "organizationId" | "actor">,
  id: string,
): Promise<void> {
  const field = "senderConnectionId";
  const connection = await findConnection(ctx, id);
  const isOwn = actor.type === "user" && connection?.userId === actor.id;
  if (!isOwn) {
    const message =
      "A mailbox is given by the member who has connected it: GET /auth/connections lists theirs.";
    throw new ApiError("FORBIDDEN", message, { details: { field } });
  }
  const mailbox = await mailboxOfOrganization(ctx, { _id: organizationId }, id);
  if ("missing" in mailbox) throw new FieldError("CONFLICT", mailbox.missing, field);
}

async function isMember(
  ctx: Pick<QueryCtx, "db">,
  userId: Id<"users">,
  organizationId: Id<"organizations">,
): Promise<boolean> {
  const membership = await membershipOf(ctx, userId, organizationId);
  return membership?.status === "active";
}
