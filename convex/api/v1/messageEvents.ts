import * as z from "zod";
import { applyProviderEvent } from "../../delivery/providerEvents";
import type { ProviderEvent } from "../../delivery/providers/event";
import { exampleId } from "../../kit/exampleId";
import { incomingWebhook, type Outcome } from "../../kit/incomingWebhook";
import { readAs } from "../../kit/problems";
import { findUnsafeValue } from "../../kit/text";
import { readTime } from "../../kit/time";
import { once } from "../../kit/once";

const tag = "Incoming webhooks";

/** https://resend.com/docs/dashboard/webhooks/event-types */
const resendEvent = once(() =>
  z.object({
    type: z.string(),
    created_at: z.string().optional(),
    data: z.object({
      email_id: z.string().optional(),
      // An object by Resend's documentation, a list of pairs in older events.
      tags: z
        .union([
          z.record(z.string(), z.string()),
          z.array(z.object({ name: z.string(), value: z.string() })),
        ])
        .optional(),
      bounce: z.object({ type: z.string().optional(), message: z.string().optional() }).optional(),
      failed: z.object({ reason: z.string().optional() }).optional(),
    }),
  }),
);

export const resend = incomingWebhook(
  {
    path: "/webhooks/resend",
    tag,
    summary: "What Resend says of a message",
    description: "`email.delivered`, `bounced`, `complained`, `opened`, … move the notification.",
    provider: "resend",
    secret: { variable: "RESEND_WEBHOOK_SECRET" },
    signature: { scheme: "standard-webhooks" },
    identity: { id: "standard-webhooks" },
    body: resendEvent,
    example: {
      type: "email.delivered",
      created_at: "2026-10-14T08:30:00.000Z",
      data: {
        email_id: "ae2014de-c168-4c61-8267-70d2662a1ce1",
        tags: { notification_id: exampleId("notificationId") },
      },
    },
  },
  async (ctx, { receivedAt }, body): Promise<Outcome> => {
    const event = providerEventOf(body, receivedAt);
    if (!event) return { status: "ignored", note: "Events of this type say nothing to us." };
    return await applyProviderEvent(ctx, event);
  },
);

/** When a provider says that it was, or undefined where that is no time. */
function timeOf(said: string | number | undefined): number | undefined {
  return said === undefined ? undefined : readTime(said, { edge: "first", timeZone: "UTC" }).at;
}

function providerEventOf(
  { type, created_at, data }: z.output<ReturnType<typeof resendEvent>>,
  receivedAt: number,
): ProviderEvent | null {
  const { tags, bounce, failed } = data;
  const about = {
    channel: "email" as const,
    notificationId: Array.isArray(tags)
      ? tags.find(({ name }) => name === "notification_id")?.value
      : tags?.["notification_id"],
    providerMessageId: data.email_id,
    at: timeOf(created_at) ?? receivedAt,
  };
  switch (type) {
    case "email.sent":
      return { ...about, kind: "sent" };
    case "email.delivered":
      return { ...about, kind: "delivered" };
    case "email.opened":
      return { ...about, kind: "opened" };
    case "email.complained":
      return { ...about, kind: "complained" };
    case "email.failed":
      return {
        ...about,
        kind: "failed",
        reason: failed?.reason ?? "The provider could not send it.",
      };
    case "email.bounced":
    case "email.suppressed": {
      const isPermanent = !["Transient", "Undetermined"].includes(bounce?.type ?? "");
      return { ...about, kind: "bounced", isPermanent, reason: bounce?.message ?? "It came back." };
    }
    default:
      return null;
  }
}

/** https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples */
const whatsappPayload = once(() =>
  z.object({
    entry: z.array(
      z.object({
        changes: z.array(
          z.object({
            value: z.object({
              // Each is judged alone: one that is odd does not take the others with it.
              statuses: z.array(z.unknown()).optional(),
            }),
          }),
        ),
      }),
    ),
  }),
);
const whatsappStatus = once(() =>
  z.object({
    id: z.string(),
    status: z.string(),
    timestamp: z.string().optional(),
    biz_opaque_callback_data: z.string().optional(),
    errors: z.array(z.object({ code: z.number(), title: z.string().optional() })).optional(),
  }),
);
type WhatsAppStatus = z.output<ReturnType<typeof whatsappStatus>>;

export const whatsapp = incomingWebhook(
  {
    path: "/webhooks/whatsapp",
    tag,
    summary: "What WhatsApp says of messages",
    description:
      "Signed with `X-Hub-Signature-256`. The address is proven by GET with `WHATSAPP_VERIFY_TOKEN`.",
    provider: "whatsapp",
    secret: { variable: "WHATSAPP_APP_SECRET" },
    signature: { scheme: "hmac-sha256-hex", header: "x-hub-signature-256", prefix: "sha256=" },
    identity: { id: null, type: "whatsapp.statuses" },
    body: whatsappPayload,
    example: {
      entry: [
        {
          changes: [
            {
              value: {
                statuses: [
                  {
                    id: "wamid.HBgNNDkxNTEyMzQ1Njc4",
                    status: "delivered",
                    timestamp: "1760430600",
                    biz_opaque_callback_data: exampleId("notificationId"),
                  },
                ],
              },
            },
          ],
        },
      ],
    },
    challenge: { variable: "WHATSAPP_VERIFY_TOKEN" },
  },
  async (ctx, { receivedAt }, { entry }): Promise<Outcome> => {
    const found: Outcome[] = [];
    for (const [at, status] of statusesOf(entry)) {
      const read = readAs(at, whatsappStatus(), status);
      if (read.problems) {
        const [{ path, message: note } = { path: at, message: "is not readable" }] = read.problems;
        found.push({ status: "unreadable", path, note });
        continue;
      }
      const unsafe = findUnsafeValue(read.data, at);
      if (unsafe) {
        found.push({ status: "unreadable", path: unsafe.path, note: unsafe.message });
        continue;
      }
      const event = statusEventOf(read.data, receivedAt);
      if (event) found.push(await applyProviderEvent(ctx, event));
    }
    return combined(found);
  },
);

/** Every status of a payload, with the path that it stands at. */
function statusesOf(
  entry: z.output<ReturnType<typeof whatsappPayload>>["entry"],
): [string, unknown][] {
  return entry.flatMap(({ changes }, e) =>
    changes.flatMap(({ value }, c) =>
      (value.statuses ?? []).map((status, s): [string, unknown] => [
        `body.entry.${e}.changes.${c}.value.statuses.${s}`,
        status,
      ]),
    ),
  );
}

/**
 * One outcome of many: the worst counts, so that a person sees it. It is an organization's where all
 * are its own; what concerns several is in the platform's list.
 */
function combined(found: readonly Outcome[]): Outcome {
  const worst =
    found.find(({ status }) => status === "unreadable") ??
    found.find(({ status }) => status === "ignored") ??
    found[0];
  if (!worst) return { status: "ignored", note: "It says nothing of a message of ours." };
  const owners = new Set(found.flatMap(({ organizationId }) => organizationId ?? []));
  const [owner] = owners;
  const applied = found.filter(({ status }) => status === "applied").length;
  const isMixed = applied > 0 && applied < found.length;
  const { organizationId: _one, ...outcome } = worst;
  return {
    ...outcome,
    ...(isMixed ? { note: `${worst.note ?? ""} ${applied} of ${found.length} were applied.` } : {}),
    ...(owner && owners.size === 1 ? { organizationId: owner } : {}),
  };
}

function statusEventOf(
  { id, status, timestamp, errors, biz_opaque_callback_data }: WhatsAppStatus,
  receivedAt: number,
): ProviderEvent | null {
  const about = {
    channel: "whatsapp" as const,
    notificationId: biz_opaque_callback_data,
    providerMessageId: id,
    at: (/^\d{1,11}$/.test(timestamp ?? "") && timeOf(Number(timestamp) * 1000)) || receivedAt,
  };
  switch (status) {
    case "sent":
    case "delivered":
      return { ...about, kind: status };
    case "read":
      return { ...about, kind: "opened" };
    case "failed": {
      const [error] = errors ?? [];
      const reason = error
        ? `${error.code} ${error.title ?? ""}`.trim()
        : "WhatsApp gave no reason.";
      return { ...about, kind: "failed", reason };
    }
    default:
      return null;
  }
}
