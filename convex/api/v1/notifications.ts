import { requireVerifiedEmail } from "../../accounts/verified";
import * as z from "zod";
import {
  CHANNELS,
  notificationDetail,
  notificationDetailView,
  notificationSummary,
  notificationSummaryView,
  STATUSES,
} from "../../delivery/notificationView";
import {
  isShownTo,
  notificationReaderOf,
  pageOfMessagesAbout,
  pageOfNotifications,
} from "../../delivery/notificationList";
import { type Notification, resendMessage } from "../../delivery/outbox";
import { lift } from "../../delivery/suppressions";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { ApiError, invalid } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { text } from "../../kit/text";
import { record } from "../../ontology/effects";
import { once } from "../../kit/once";

const tag = "Notifications";
const byId = once(() => z.object({ id: z.string() }));

export const list = readEndpoint(
  {
    method: "GET",
    path: "/notifications",
    tag,
    summary: "List notifications, newest first",
    description:
      "A member of staff sees their own inbox, and with `channel=email` or `whatsapp` what the organization has sent, of notices to members only their own, unless they see all; an API key sees what it has sent. Without a provider, mail is kept here as `queued`, with the reason.",
    scope: "notifications:read",
    query: () =>
      z.strictObject({
        ...pageParameters(),
        channel: z.enum(CHANNELS).optional(),
        status: z.enum(STATUSES).optional(),
        objectId: z
          .string()
          .max(64)
          .optional()
          .meta({ description: "What was sent about this object; no other filter with it." }),
      }),
    list: true,
    answers: { 200: () => z.array(notificationSummary()) },
  },
  async (ctx, { query }) => {
    const { channel, status, objectId, ...paging } = query;
    const { caller } = ctx;
    const { organizationId } = caller;
    const reader = await notificationReaderOf(ctx, caller);
    if (objectId !== undefined) {
      if (channel !== undefined || status !== undefined) {
        const message = "cannot be combined with channel or status";
        throw invalid([{ path: "query.objectId", message }]);
      }
      const { rows, meta } = await pageOfMessagesAbout(
        ctx,
        organizationId,
        objectId,
        reader,
        paging,
      );
      return ok(rows.map(notificationSummaryView), { meta });
    }
    const isInbox = channel === "in_app" || (channel === undefined && caller.kind === "user");
    if (isInbox && caller.kind !== "user") {
      throw new ApiError("FORBIDDEN", "An API key has no inbox: ask for email or whatsapp.");
    }
    const filters = {
      userId: isInbox && caller.kind === "user" ? caller.id : undefined,
      channel: channel === "in_app" ? undefined : channel,
      status,
    };
    const { rows, meta } = await pageOfNotifications(ctx, organizationId, filters, reader, paging);
    return ok(rows.map(notificationSummaryView), { meta });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/notifications/:id",
    tag,
    summary: "Get a notification, with its text",
    scope: "notifications:read",
    params: byId,
    answers: { 200: notificationDetail },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const reader = await notificationReaderOf(ctx, ctx.caller);
    const isForCaller = (message: Notification): boolean =>
      message.userId === undefined ? isShownTo(reader, message) : message.userId === ctx.caller.id;
    const notification = await ctx.tenant.own("notifications", params.id, isForCaller);
    return ok(notificationDetailView(notification));
  },
);

export const resend = writeEndpoint(
  {
    method: "POST",
    path: "/notifications/:id/resend",
    tag,
    summary: "Send a message again",
    description:
      "As a new message (`resendOf` names the first), to another address where `to` names one; one that was kept for want of a provider goes out itself. A message that is under way is not sent again, nor one that would be withdrawn (CONFLICT says why).",
    scope: "notifications:write",
    params: byId,
    body: () =>
      z
        .strictObject({
          to: text(254)
            .optional()
            .meta({ description: "An address of the message's own channel; the same by default." }),
        })
        .meta({ id: "NotificationResend" })
        .optional(),
    example: { to: "buchhaltung@nordlicht.example" },
    answers: { 201: notificationSummary },
    errors: ["CONFLICT", "INVALID_STATE", "NOT_FOUND"],
  },
  async ({ scope, ...ctx }, { params, body }) => {
    const reader = await notificationReaderOf(ctx, ctx.caller);
    const isOutgoing = (each: Notification): boolean =>
      each.userId === undefined && isShownTo(reader, each);
    const message = await ctx.store.own("notifications", params.id, isOutgoing);
    requireVerifiedEmail(scope);
    const queued = await resendMessage(ctx, message, body?.to);
    await record(ctx, scope, {
      action: "notification.resent",
      objectType: "notification",
      objectId: message._id,
      changes: body?.to === undefined ? [] : [{ field: "to", after: body.to }],
    });
    return created(notificationSummaryView(queued));
  },
);

const suppression = once(() =>
  z
    .object({
      id: z.string(),
      email: z.string(),
      reason: z.enum(["bounced", "complained"]),
      detail: z.string().nullable(),
      notificationId: z.string().nullable(),
      createdAt: z.number(),
    })
    .meta({ id: "Suppression" }),
);

export const listSuppressions = readEndpoint(
  {
    method: "GET",
    path: "/notifications/suppressions",
    tag,
    summary: "List the addresses that mail no longer goes to",
    scope: "notifications:read",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(suppression()) },
  },
  async (ctx, { query }) => {
    const found = ctx.db
      .query("suppressions")
      .withIndex("by_email", (q) => q.eq("organizationId", ctx.caller.organizationId));
    const { rows, meta } = await pageThrough("suppressions", pagingOf(query), found);
    const shown = rows.map(({ _id: id, email, reason, detail, notificationId, createdAt }) => ({
      ...{ id, email, reason, createdAt },
      detail: detail ?? null,
      notificationId: notificationId ?? null,
    }));
    return ok(shown, { meta });
  },
);

export const liftSuppression = writeEndpoint(
  {
    method: "DELETE",
    path: "/notifications/suppressions/:id",
    tag,
    summary: "Let mail go to an address again",
    scope: "notifications:write",
    params: byId,
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async ({ store, scope, ...ctx }, { params }) => {
    const found = await store.own("suppressions", params.id);
    await lift(ctx, store, found);
    await record(ctx, scope, {
      action: "suppression.lifted",
      objectType: "suppression",
      objectId: found._id,
      changes: [{ field: "email", before: found.email }],
    });
    return noContent;
  },
);
