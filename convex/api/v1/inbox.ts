import * as z from "zod";
import type { Id } from "../../_generated/dataModel";
import { markAllRead, markRead } from "../../delivery/inbox";
import {
  changeNotificationSettings,
  settingsOf,
  settingsView,
} from "../../delivery/notificationSettings";
import {
  notificationSettings,
  notificationSettingsUpdate,
} from "../../delivery/notificationSettingsInput";
import type { Caller } from "../../kit/caller";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { ApiError } from "../../kit/errors";
import { record } from "../../ontology/effects";

/** One's own inbox: whoever may read it, a viewer too, marks what they have seen. */
const own = { tag: "Notifications", callers: ["user"] } as const;
const reading = { ...own, scope: "inbox:read" } as const;
const writing = { ...own, scope: "inbox:write" } as const;

export const markListRead = writeEndpoint(
  {
    ...writing,
    method: "POST",
    path: "/notifications/mark-read",
    summary: "Mark notifications of one's inbox as read",
    body: () =>
      z
        .strictObject({ ids: z.array(z.string().max(64)).min(1).max(200) })
        .meta({ id: "NotificationsRead" }),
    example: { ids: [exampleId("notificationId")] },
    answers: { 200: () => z.object({ marked: z.number().int() }) },
    errors: ["NOT_FOUND"],
  },
  async ({ caller, ...ctx }, { body }) =>
    ok(await markRead(ctx, caller.organizationId, userOf(caller), body.ids)),
);

export const markInboxRead = writeEndpoint(
  {
    ...writing,
    method: "POST",
    path: "/notifications/mark-all-read",
    summary: "Mark one's whole inbox as read",
    description: "Of a large inbox the rest follows by itself: `isComplete` is false then.",
    answers: { 200: () => z.object({ marked: z.number().int(), isComplete: z.boolean() }) },
  },
  async ({ caller, ...ctx }) => ok(await markAllRead(ctx, caller.organizationId, userOf(caller))),
);

export const getSettings = readEndpoint(
  {
    ...reading,
    method: "GET",
    path: "/notifications/settings",
    summary: "Get what one is told of, by event and channel",
    answers: { 200: notificationSettings },
  },
  async (ctx) => {
    const { caller } = ctx;
    return ok(settingsView(await settingsOf(ctx, caller.organizationId, userOf(caller))));
  },
);

export const updateSettings = writeEndpoint(
  {
    ...writing,
    method: "PATCH",
    path: "/notifications/settings",
    summary: "Change what one is told of",
    description: "Given choices change.",
    body: notificationSettingsUpdate,
    example: { events: { "invoice.paid": { in_app: true, email: true } } },
    answers: { 200: notificationSettings },
  },
  async ({ caller, scope, ...ctx }, { body }) => {
    const userId = userOf(caller);
    const { organizationId } = caller;
    const before = settingsView(await settingsOf(ctx, organizationId, userId));
    const after = await changeNotificationSettings(ctx, organizationId, userId, body);
    await record(ctx, scope, {
      action: "notification_settings.updated",
      objectType: "notification_settings",
      objectId: userId,
      changes: [{ field: "events", before: before.events, after: after.events }],
    });
    return ok(after);
  },
);

function userOf(caller: Caller): Id<"users"> {
  if (caller.kind === "user") return caller.id;
  throw new ApiError("FORBIDDEN", "Only a member of staff has an inbox.");
}
