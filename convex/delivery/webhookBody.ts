import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

export const TEST_EVENT = "webhook.test";

/**
 * What is delivered: `{ id, type, createdAt, organizationId, data, previous?, traceId }`, times in
 * milliseconds. The id is the event's, so it is the same however often it is sent. Null when the
 * event is kept no longer.
 */
export async function deliveryBody(
  ctx: MutationCtx,
  webhook: Doc<"webhooks">,
  delivery: Doc<"webhookDeliveries">,
): Promise<{ messageId: string; body: string } | null> {
  const { organizationId } = webhook;
  if (delivery.eventId === undefined) {
    const { _id: id, createdAt, traceId } = delivery;
    const data = { webhookId: webhook._id, url: webhook.url };
    const test = { id, type: TEST_EVENT, createdAt, organizationId, data, traceId };
    return { messageId: id, body: JSON.stringify(test) };
  }
  const event = await ctx.db.get("events", delivery.eventId);
  if (!event) return null;
  const { _id: id, type, at: createdAt, traceId } = event;
  const data: unknown = event.data;
  const previous: unknown = event.previous;
  const message = { id, type, createdAt, organizationId, data, previous, traceId };
  return { messageId: id, body: JSON.stringify(message) };
}
