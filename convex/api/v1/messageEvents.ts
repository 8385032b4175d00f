import { z } from "zod";
import { applyProviderEvent, type ProviderEvent } from "../../delivery/providerEvents";
import { incomingWebhook, type Outcome } from "../../kit/incomingWebhook";
import {
  isEqual,
  standardWebhookId,
  verifyHexSignature,
  verifyStandardWebhook,
} from "../../kit/signatures";

const tag = "Incoming webhooks";

/** https://resend.com/docs/dashboard/webhooks/event-types */
const resendEvent = z.looseObject({
  type: z.string(),
  created_at: z.string().optional(),
  data: z.looseObject({
    email_id: z.string().optional(),
    // An object by Resend's documentation, a list of pairs in older events.
    tags: z
      .union([
        z.record(z.string(), z.string()),
        z.array(z.object({ name: z.string(), value: z.string() })),
      ])
      .optional(),
    bounce: z
      .looseObject({ type: z.string().optional(), message: z.string().optional() })
      .optional(),
    failed: z.looseObject({ reason: z.string().optional() }).optional(),
  }),
});

export const resend = incomingWebhook(
  {
    path: "/webhooks/resend",
    tag,
    summary: "What Resend says of a message",
    description: "`email.delivered`, `bounced`, `complained`, `opened`, … move the notification.",
    provider: "resend",
    secret: "RESEND_WEBHOOK_SECRET",
    verify: verifyStandardWebhook,
    read: (request, body) => ({
      id: standardWebhookId(request),
      type: resendEvent.safeParse(body).data?.type ?? "unknown",
    }),
  },
  async (ctx, { payload, receivedAt }): Promise<Outcome> => {
    const parsed = resendEvent.safeParse(JSON.parse(payload));
    if (!parsed.success) return { status: "ignored", note: "It is no event of Resend's." };
    const event = providerEventOf(parsed.data, receivedAt);
    if (!event) return { status: "ignored", note: "Events of this type say nothing to us." };
    return await applyProviderEvent(ctx, event);
  },
);

function providerEventOf(
  { type, created_at, data }: z.output<typeof resendEvent>,
  receivedAt: number,
): ProviderEvent | null {
  const { tags, bounce, failed } = data;
  const said = Date.parse(created_at ?? "");
  const about = {
    channel: "email" as const,
    notificationId: Array.isArray(tags)
      ? tags.find(({ name }) => name === "notification_id")?.value
      : tags?.["notification_id"],
    providerMessageId: data.email_id,
    at: Number.isNaN(said) ? receivedAt : said,
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
const whatsappPayload = z.looseObject({
  entry: z.array(
    z.looseObject({
      changes: z.array(
        z.looseObject({
          value: z.looseObject({
            statuses: z
              .array(
                z.looseObject({
                  id: z.string(),
                  status: z.string(),
                  timestamp: z.string().optional(),
                  biz_opaque_callback_data: z.string().optional(),
                  errors: z
                    .array(z.looseObject({ code: z.number(), title: z.string().optional() }))
                    .optional(),
                }),
              )
              .optional(),
          }),
        }),
      ),
    }),
  ),
});
type WhatsAppStatus = NonNullable<
  z.output<typeof whatsappPayload>["entry"][number]["changes"][number]["value"]["statuses"]
>[number];

export const whatsapp = incomingWebhook(
  {
    path: "/webhooks/whatsapp",
    tag,
    summary: "What WhatsApp says of messages",
    description:
      "Signed with `X-Hub-Signature-256`. The address is proven by GET with `WHATSAPP_VERIFY_TOKEN`.",
    provider: "whatsapp",
    secret: "WHATSAPP_APP_SECRET",
    verify: (secret, request) => {
      verifyHexSignature(secret, request, { header: "x-hub-signature-256", prefix: "sha256=" });
    },
    read: () => ({ id: null, type: "whatsapp.statuses" }),
    challenge: (query) => {
      const expected = process.env.WHATSAPP_VERIFY_TOKEN ?? "";
      const isOurs =
        expected !== "" &&
        query.get("hub.mode") === "subscribe" &&
        isEqual(query.get("hub.verify_token") ?? "", expected);
      return isOurs ? query.get("hub.challenge") : null;
    },
  },
  async (ctx, { payload, receivedAt }): Promise<Outcome> => {
    const parsed = whatsappPayload.safeParse(JSON.parse(payload));
    if (!parsed.success) return { status: "ignored", note: "It is no event of WhatsApp's." };
    const statuses = parsed.data.entry.flatMap(({ changes }) =>
      changes.flatMap(({ value }) => value.statuses ?? []),
    );
    let outcome: Outcome = { status: "ignored", note: "It says nothing of a message of ours." };
    for (const status of statuses) {
      const event = statusEventOf(status, receivedAt);
      const applied: Outcome = event ? await applyProviderEvent(ctx, event) : outcome;
      if (applied.status === "applied") outcome = applied;
    }
    return outcome;
  },
);

function statusEventOf(
  { id, status, timestamp, errors, biz_opaque_callback_data }: WhatsAppStatus,
  receivedAt: number,
): ProviderEvent | null {
  const seconds = Number(timestamp ?? NaN);
  const about = {
    channel: "whatsapp" as const,
    notificationId: biz_opaque_callback_data,
    providerMessageId: id,
    at: Number.isFinite(seconds) ? seconds * 1000 : receivedAt,
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
