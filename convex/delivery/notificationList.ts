import type { NamedTableInfo, OrderedQuery } from "convex/server";
import type { DataModel, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { membershipOf } from "../kit/memberships";
import { type Page, pageThrough, pagingOf } from "../kit/page";
import type { PageParameters } from "../kit/pageParameters";
import { idOfAnyTenant } from "../kit/own";
import type { Tenant } from "../ontology/reader";
import type { Notification } from "./outbox";

type NotificationTable = NamedTableInfo<DataModel, "notifications">;

type Filters = {
  /** Whose inbox; absent: what goes out of the organization. */
  userId: Id<"users"> | undefined;
  channel?: "email" | "whatsapp" | undefined;
  status?: Notification["status"] | undefined;
};

/**
 * Of whose eyes: a notice tells one member what they see, which another whose sight goes by teams may not.
 * Undefined for who sees all.
 */
export type Reader = { membershipId: Id<"memberships"> } | undefined;

/** Whether a message is for the reader, too. */
export function isShownTo(reader: Reader, { template, membershipId }: Notification): boolean {
  return reader === undefined || template !== "notice" || membershipId === reader.membershipId;
}

export async function notificationReaderOf(
  ctx: QueryCtx,
  { organizationId, member }: Pick<Tenant, "organizationId" | "member">,
): Promise<Reader> {
  const own = member && (await membershipOf(ctx, member, organizationId));
  return own ? { membershipId: own._id } : undefined;
}

function shownTo(reader: Reader, rows: OrderedQuery<NotificationTable>) {
  if (reader === undefined) return rows;
  return rows.filter((q) =>
    q.or(q.neq(q.field("template"), "notice"), q.eq(q.field("membershipId"), reader.membershipId)),
  );
}

/** A page of an inbox, or of the messages that went out, newest first. */
export async function pageOfNotifications(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  filters: Filters,
  reader: Reader,
  query: PageParameters,
): Promise<Page<Notification>> {
  const { userId, channel, status } = filters;
  const name = `notifications ${userId ?? ""} ${channel ?? ""} ${status ?? ""}`;
  const rows = shownTo(reader, rowsOf(ctx, organizationId, filters).order("desc"));
  return await pageThrough(name, pagingOf(query), rows);
}

/** Everything that was sent about an object, newest first: nothing where it is none of theirs. */
export async function pageOfMessagesAbout(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  about: string,
  reader: Reader,
  query: PageParameters,
): Promise<Page<Notification>> {
  const paging = pagingOf(query);
  const objectId = idOfAnyTenant(ctx, "objects", about);
  if (!objectId) return { rows: [], meta: { total: 0, limit: paging.limit, nextCursor: null } };
  const rows = ctx.db
    .query("notifications")
    .withIndex("by_object", (q) =>
      q.eq("organizationId", organizationId).eq("userId", undefined).eq("objectId", objectId),
    )
    .order("desc");
  return await pageThrough(`notifications about ${objectId}`, paging, shownTo(reader, rows));
}

function rowsOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { userId, channel, status }: Filters,
) {
  const table = ctx.db.query("notifications");
  if (channel !== undefined && status !== undefined) {
    return table.withIndex("by_channel_status", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("userId", userId)
        .eq("channel", channel)
        .eq("status", status),
    );
  }
  if (channel !== undefined) {
    return table.withIndex("by_channel", (q) =>
      q.eq("organizationId", organizationId).eq("userId", userId).eq("channel", channel),
    );
  }
  if (status !== undefined) {
    return table.withIndex("by_user_status", (q) =>
      q.eq("organizationId", organizationId).eq("userId", userId).eq("status", status),
    );
  }
  return table.withIndex("by_user", (q) =>
    q.eq("organizationId", organizationId).eq("userId", userId),
  );
}
