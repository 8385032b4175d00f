import * as z from "zod";
import type { Doc, Id } from "../../_generated/dataModel";
import { jobOf } from "../../delivery/webhookJob";
import { requireDelivery, resend as resendDelivery, sendTest } from "../../delivery/webhooks";
import { created, ok, type ReadContext, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { type Pageable, pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { text } from "../../kit/text";
import { once } from "../../kit/once";

const tag = "Webhooks";
const params = once(() => z.object({ id: z.string() }));
const status = once(() => z.enum(["pending", "sending", "succeeded", "failed"]));

const record = once(() =>
  z
    .object({
      id: z.string(),
      webhookId: z.string(),
      eventId: z.string().nullable().meta({ description: "Null for a test." }),
      eventType: z.string(),
      status: status(),
      error: z
        .object({ code: z.literal("WEBHOOK_DELIVERY_FAILED"), message: z.string() })
        .nullable()
        .meta({ description: "Of a delivery that failed for good." }),
      nextAttemptAt: z.number().nullable(),
      attempts: z.array(
        z.object({
          at: z.number(),
          status: z.number().optional(),
          error: z.string().optional(),
          durationMs: z.number(),
        }),
      ),
      resendOf: z.string().nullable(),
      createdAt: z.number(),
    })
    .meta({ id: "WebhookDelivery" }),
);

const filters = once(() => ({ status: status().optional(), eventType: text(100).optional() }));

export const list = readEndpoint(
  {
    method: "GET",
    path: "/webhooks/:id/deliveries",
    tag,
    summary: "List a webhook's deliveries, newest first",
    description: "They are kept 30 days.",
    scope: "webhooks:read",
    params,
    query: () => z.strictObject({ ...pageParameters(), ...filters() }),
    list: true,
    answers: { 200: () => z.array(record()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params: { id }, query }) => {
    const { _id: webhookId } = await ctx.tenant.own("webhooks", id);
    const listName = JSON.stringify(["deliveries", webhookId, query.status, query.eventType]);
    const found = deliveriesOf(ctx, webhookId, query);
    const { rows, meta } = await pageThrough(listName, pagingOf(query), found);
    return ok(rows.map(deliveryView), { meta });
  },
);

export const test = writeEndpoint(
  {
    method: "POST",
    path: "/webhooks/:id/test",
    tag,
    summary: "Deliver a test event",
    description: "Its type is `webhook.test`; what became of it stands in the deliveries.",
    scope: "webhooks:write",
    params,
    answers: { 201: record },
    errors: ["NOT_FOUND", "INVALID_STATE"],
  },
  async (ctx, { params: { id } }) => {
    const webhook = await ctx.store.own("webhooks", id);
    return created(deliveryView(await sendTest(ctx, ctx.scope, webhook)));
  },
);

export const resend = writeEndpoint(
  {
    method: "POST",
    path: "/webhooks/deliveries/:id/resend",
    tag,
    summary: "Deliver an event once more",
    description: "As a delivery of its own, under the same `webhook-id`.",
    scope: "webhooks:write",
    params,
    answers: { 201: record },
    errors: ["NOT_FOUND", "INVALID_STATE"],
  },
  async (ctx, { params: { id } }) => {
    const delivery = await requireDelivery(ctx, ctx.scope.organizationId, id);
    return created(deliveryView(await resendDelivery(ctx, ctx.scope, delivery)));
  },
);

type Filters = {
  status?: z.output<ReturnType<typeof status>> | undefined;
  eventType?: string | undefined;
};

function deliveriesOf(
  { db }: ReadContext,
  webhookId: Id<"webhooks">,
  { status: wanted, eventType }: Filters,
): Pageable<Doc<"webhookDeliveries">> {
  const rows = db.query("webhookDeliveries");
  if (wanted !== undefined && eventType !== undefined) {
    return rows
      .withIndex("by_status_and_type", (q) =>
        q.eq("webhookId", webhookId).eq("status", wanted).eq("eventType", eventType),
      )
      .order("desc");
  }
  if (wanted !== undefined) {
    return rows
      .withIndex("by_status", (q) => q.eq("webhookId", webhookId).eq("status", wanted))
      .order("desc");
  }
  if (eventType !== undefined) {
    return rows
      .withIndex("by_type", (q) => q.eq("webhookId", webhookId).eq("eventType", eventType))
      .order("desc");
  }
  return rows.withIndex("by_webhook", (q) => q.eq("webhookId", webhookId)).order("desc");
}

function deliveryView(delivery: Doc<"webhookDeliveries">): z.input<ReturnType<typeof record>> {
  const { _id: id, webhookId, eventType, attempts, createdAt } = delivery;
  const { eventId = null, resendOf = null } = delivery;
  const job = jobOf(delivery);
  const isCancelled = job.state === "cancelled";
  const last = isCancelled ? "It was cancelled." : attempts.at(-1)?.error;
  const message = last ?? "It was not delivered.";
  const isFailed = delivery.status === "failed";
  return {
    ...{ id, webhookId, eventId, eventType, status: delivery.status },
    error: isFailed ? { code: "WEBHOOK_DELIVERY_FAILED", message } : null,
    nextAttemptAt: delivery.status === "pending" ? job.at : null,
    ...{ attempts, resendOf, createdAt },
  };
}
