import * as z from "zod";
import { DOCUMENT_FORMATS } from "../schemas/documentSchemas";
import { isHeldBack, isOpen } from "../jobs/job";
import { sendingOf } from "./mailJob";
import { hasSecretLink, letterOf, type TemplateName } from "./letters";
import type { Notification } from "./outbox";
import { HIDDEN_LINK } from "./secretLink";
import { once } from "../kit/once";

export const CHANNELS = ["email", "whatsapp", "in_app"] as const;
export const STATUSES = [
  "queued",
  "sending",
  "sent",
  "delivered",
  "failed",
  "bounced",
  "cancelled",
  "unknown",
  "unread",
  "read",
] as const;

const time = once(() => z.number().nullable());

export const notificationSummary = once(() =>
  z
    .object({
      id: z.string(),
      channel: z.enum(CHANNELS),
      status: z.enum(STATUSES),
      to: z.string().nullable(),
      template: z.string().meta({
        description: "The letter; in the inbox the type of what happened (`invoice.paid`).",
      }),
      language: z.enum(["en", "de"]),
      subject: z.string(),
      objectId: z.string().nullable(),
      contactId: z.string().nullable(),
      reason: z
        .string()
        .nullable()
        .meta({ description: "Why it waits, has failed, or is not known to have been sent." }),
      cancelReason: z.string().nullable().meta({ description: "Why it was withdrawn." }),
      attachments: z.array(z.object({ objectId: z.string(), format: z.enum(DOCUMENT_FORMATS) })),
      attempts: z.array(
        z.object({
          at: z.number(),
          provider: z.string(),
          durationMs: z.number().optional(),
          status: z.number().optional().meta({ description: "The provider's reply code." }),
          error: z.string().optional(),
        }),
      ),
      nextAttemptAt: time(),
      providerMessageId: z.string().nullable(),
      resendOf: z.string().nullable(),
      sentAt: time(),
      deliveredAt: time(),
      openedAt: time(),
      complainedAt: time(),
      readAt: time(),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "NotificationSummary" }),
);

export const notificationDetail = once(() =>
  notificationSummary()
    .extend({
      text: z.string().meta({ description: "The message as plain text." }),
      html: z.string().nullable().meta({ description: "The message as a mail program shows it." }),
    })
    .meta({ id: "Notification" }),
);

export function notificationSummaryView(
  notification: Notification,
): z.input<ReturnType<typeof notificationSummary>> {
  const { _id, channel, status, template, language, attachments, attempts } = notification;
  const { createdAt, updatedAt } = notification;
  return {
    id: _id,
    channel,
    status,
    to: shownTo(notification),
    template,
    language,
    subject: subjectOf(notification),
    objectId: notification.objectId ?? null,
    contactId: notification.contactId ?? null,
    reason: withoutAddress(notification, notification.reason ?? null),
    cancelReason: notification.cancelReason ?? null,
    attachments,
    attempts: attempts.map((attempt) =>
      attempt.error === undefined
        ? attempt
        : { ...attempt, error: withoutAddress(notification, attempt.error) },
    ),
    nextAttemptAt: nextAttemptOf(notification),
    providerMessageId: notification.providerMessageId ?? null,
    resendOf: notification.resendOf ?? null,
    sentAt: notification.sentAt ?? null,
    deliveredAt: notification.deliveredAt ?? null,
    openedAt: notification.openedAt ?? null,
    complainedAt: notification.complainedAt ?? null,
    readAt: notification.readAt ?? null,
    createdAt,
    updatedAt,
  };
}

/** Who is invited by their username is shown by it: their address is not known to who invites. */
function shownTo({ to, data }: Notification): string | null {
  const { username } = data;
  return username === undefined ? (to ?? null) : `@${username}`;
}

function withoutAddress<Text extends string | null>(message: Notification, text: Text): Text {
  const { to } = message;
  if (message.data["username"] === undefined || to === undefined || text === null) return text;
  return text.replaceAll(to, shownTo(message) ?? "") as Text;
}

export function notificationDetailView(
  notification: Notification,
): z.input<ReturnType<typeof notificationDetail>> {
  const summary = notificationSummaryView(notification);
  if (notification.channel === "in_app") return { ...summary, text: summary.subject, html: null };
  const { template, language, data } = notification;
  const name = template as TemplateName;
  const { text, html } = letterOf(name, language, data, linkShown(name));
  return { ...summary, text, html };
}

/** Of one in a sender's hands, when it is looked at next; null where none is due or it is under way. */
function nextAttemptOf(notification: Notification): number | null {
  const job = sendingOf(notification);
  const isWaiting = notification.status === "queued" && job && isOpen(job);
  return isWaiting && !isHeldBack(job) ? job.at : null;
}

/** A view says that there is a link, not where it leads. */
function linkShown(template: TemplateName): string | undefined {
  return hasSecretLink(template) ? HIDDEN_LINK : undefined;
}

function subjectOf({ channel, template, language, data }: Notification): string {
  if (channel === "in_app") return data["title"] ?? template;
  return letterOf(template as TemplateName, language, data).subject;
}
