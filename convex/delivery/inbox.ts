import { dataIn } from "../ontology/eventData";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import type { HandedOn } from "../kit/handedOn";
import { idOfAnyTenant, own } from "../kit/own";
import type { Consumer } from "./consumer";
import { type Notification, type OutboundMessage, queueMessages } from "./outbox";
import { choiceOf, settingsOf } from "./notificationSettings";
import { isStaffEvent, STAFF_EVENTS, type StaffEvent, titleOf } from "./staffEvents";
import type { Language } from "./printed/wording";
import { languageOf } from "./wording";

/** The inbox of members of staff: what happened that they want to know of. */

/** Beyond so many members nobody more is told; a plan has ten, or no limit. */
const MEMBERS_TOLD = 200;
const READ_AT_ONCE = 500;
/** The unread count stops here: `99+`. */
const COUNTED = 100;

export const inbox: Consumer = {
  rowsPerEvent: async (ctx, organization) => 2 * (await membersOf(ctx, organization._id)).length,
  take: async (ctx, organization, events) => {
    const wanted = events.filter(({ type }) => isStaffEvent(type));
    if (wanted.length === 0) return;
    for (const member of await membersOf(ctx, organization._id)) {
      const { userId } = member;
      const settings = await settingsOf(ctx, organization._id, userId);
      const mails: OutboundMessage[] = [];
      for (const event of wanted) {
        const type = event.type as StaffEvent;
        // Who did it knows it.
        if (event.actor.id === userId) continue;
        const choice = choiceOf(settings, type);
        if (choice.in_app) await tell(ctx, organization, userId, event);
        if (choice.email) mails.push(...(await mailTo(ctx, organization, member, event)));
      }
      await queueMessages(ctx, organization._id, mails);
    }
  },
};

type Member = Doc<"memberships"> & { userId: Id<"users"> };

async function membersOf(ctx: QueryCtx, organizationId: Id<"organizations">): Promise<Member[]> {
  const members = await ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .take(MEMBERS_TOLD);
  return members.filter(
    (member): member is Member => member.status === "active" && member.userId !== undefined,
  );
}

async function tell(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  userId: Id<"users">,
  event: Doc<"events">,
): Promise<void> {
  const language = languageOf(organization);
  const objectId = idOfAnyTenant(ctx, "objects", event.objectId);
  await ctx.db.insert("notifications", {
    organizationId: organization._id,
    channel: "in_app",
    status: "unread",
    userId,
    ...(objectId ? { objectId } : {}),
    template: event.type,
    language,
    data: { title: headline(event, organization) },
    attachments: [],
    attempts: [],
    createdAt: event.at,
    updatedAt: event.at,
  });
}

/** Tells one member what concerns them alone; `#` of the words is its name. */
export async function tellInApp(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  userId: Id<"users">,
  { template, objectId, contactId, words, name }: Told,
): Promise<void> {
  const language = languageOf(organization);
  const now = Date.now();
  await ctx.db.insert("notifications", {
    organizationId: organization._id,
    channel: "in_app",
    status: "unread",
    ...{ userId, objectId, template, language },
    ...(contactId ? { contactId } : {}),
    data: { title: words[language].replace("#", () => name) },
    attachments: [],
    attempts: [],
    createdAt: now,
    updatedAt: now,
  });
}
/** The same by their own choices, also by mail: of one of the events that they choose for. */
export async function tellMember(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  { membershipId, userId }: Addressee,
  { event, objectId, contactId, name, message }: News,
): Promise<void> {
  const choice = choiceOf(await settingsOf(ctx, organization._id, userId), event);
  const words = STAFF_EVENTS[event];
  if (choice.in_app) {
    const told = { template: event, objectId, contactId, words, name };
    await tellInApp(ctx, organization, userId, told);
  }
  if (!choice.email) return;
  const title = titleOf(event, languageOf(organization), name);
  const mails = await noticeTo(ctx, organization, { membershipId, userId }, title);
  const of: { contactId?: Id<"objects"> } = contactId ? { contactId } : {};
  const said: { message?: string } = message === undefined ? {} : { message };
  await queueMessages(
    ctx,
    organization._id,
    mails.map((mail) => ({ ...mail, objectId, ...of, data: { ...mail.data, ...said } })),
  );
}
type News = {
  event: StaffEvent;
  objectId: Id<"objects">;
  /** The person whom it speaks of: what is told is blanked when they are erased. */
  contactId?: Id<"objects"> | undefined;
  name: string;
  /** What a mail says beside it, as plain text. */
  message?: string;
};
type Addressee = { membershipId: Id<"memberships">; userId: Id<"users"> };

type Told = {
  template: string;
  objectId: Id<"objects">;
  contactId?: Id<"objects"> | undefined;
  words: Record<Language, string>;
  name: string;
};

async function mailTo(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  { _id: membershipId, userId }: Member,
  event: Doc<"events">,
): Promise<OutboundMessage[]> {
  const title = headline(event, organization);
  return await noticeTo(ctx, organization, { membershipId, userId }, title);
}

async function noticeTo(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  { membershipId, userId }: Addressee,
  title: string,
): Promise<OutboundMessage[]> {
  const user = await ctx.db.get("users", userId);
  // A mail that could not be delivered is not told of by mail to the address that failed.
  if (user?.email === undefined) return [];
  const { sender, name } = organization;
  return [
    {
      channel: "email",
      to: user.email,
      membershipId,
      template: "notice",
      language: languageOf(organization),
      data: {
        organization: sender?.name ?? name,
        recipient: user.name,
        title,
      },
    },
  ];
}

function headline(event: Doc<"events">, organization: Doc<"organizations">): string {
  const { name, url = "" } = dataIn(event) as { name?: string; url?: string };
  return titleOf(event.type as StaffEvent, languageOf(organization), name ?? url);
}

/** Marks one's own notifications as read. @throws NOTIFICATION_NOT_FOUND for another's, or none */
export async function markRead(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
  ids: readonly string[],
): Promise<{ marked: number }> {
  const found: Notification[] = [];
  for (const id of new Set(ids)) {
    const isTheirs = (found: Notification): boolean => found.userId === userId;
    found.push(await own(ctx, { organizationId }, "notifications", id, isTheirs));
  }
  const unread = found.filter(({ status }) => status === "unread");
  for (const { _id } of unread) await read(ctx, _id);
  return { marked: unread.length };
}

/** Marks a whole inbox as read, what came in until now: the first few hundred at once. */
export async function markAllRead(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
): Promise<{ marked: number; isComplete: boolean }> {
  const unread = await unreadOf(ctx, organizationId, userId).take(READ_AT_ONCE);
  for (const { _id } of unread) await read(ctx, _id);
  const isComplete = unread.length < READ_AT_ONCE;
  if (!isComplete) {
    await ctx.scheduler.runAfter(0, internal.delivery.inbox.goOnReading, {
      organizationId,
      userId,
      until: Date.now(),
    });
  }
  return { marked: unread.length, isComplete };
}

/** The rest of a large inbox; what has come in since stays unread. */
export const goOnReading = internalMutation({
  args: { organizationId: v.id("organizations"), userId: v.id("users"), until: v.number() },
  returns: v.null(),
  handler: async (ctx, { organizationId, userId, until }) => {
    const unread = await unreadOf(ctx, organizationId, userId, until).take(READ_AT_ONCE);
    for (const { _id } of unread) await read(ctx, _id);
    if (unread.length === READ_AT_ONCE) {
      const rest = { organizationId, userId, until };
      await ctx.scheduler.runAfter(0, internal.delivery.inbox.goOnReading, rest);
    }
    return null;
  },
});

/** How many are unread: up to 99, and whether there are more. */
export async function unreadCount(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
): Promise<{ unread: number; isMore: boolean }> {
  const unread = await unreadOf(ctx, organizationId, userId).take(COUNTED);
  const isMore = unread.length === COUNTED;
  return { unread: isMore ? COUNTED - 1 : unread.length, isMore };
}

function unreadOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
  until = Infinity,
) {
  return ctx.db.query("notifications").withIndex("by_user_status", (q) =>
    q
      .eq("organizationId", organizationId)
      .eq("userId", userId)
      .eq("status", "unread")
      // A later one was made later.
      .lte("_creationTime", until),
  );
}

async function read(ctx: MutationCtx, id: Id<"notifications">): Promise<void> {
  const now = Date.now();
  await ctx.db.patch("notifications", id, { status: "read", readAt: now, updatedAt: now });
}

/** Up to so many of an inbox go to another person, or are deleted; answers whether those were all. */
export async function handInboxOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
  most: number,
): Promise<boolean> {
  const rows = await ctx.db
    .query("notifications")
    .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", from))
    .take(most);
  for (const { _id } of rows) {
    if (to === null) await ctx.db.delete("notifications", _id);
    else await ctx.db.patch("notifications", _id, { userId: to });
  }
  return rows.length < most;
}
