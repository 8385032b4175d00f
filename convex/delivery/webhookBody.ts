import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { isOfErased } from "./erasedEvents";
import { dataIn, previousIn } from "../ontology/eventData";
import { modeIn } from "../kit/mode";

export const TEST_EVENT = "webhook.test";

/** What is sent of an event: `webhook-id`, and the body. */
export type DeliveryBody = { messageId: string; body: string };

/** What a body says of its organization's mode. */
type Said = { mode?: "test" };

/**
 * What is delivered: `{ id, type, createdAt, organizationId, mode?, data, previous?, traceId }`, times in
 * milliseconds; `mode` is `test` of a test organization, and absent of a live one. The id is the event's,
 * so it is the same however often it is sent. Of an event that goes to many endpoints the body is made
 * once. It is read at each attempt: what was erased since it was queued is not said any more, nor by a
 * resend or a replay.
 */
export class DeliveryBodies {
  private readonly modes = new Map<Id<"organizations">, Said>();
  private readonly ofEvents = new Map<Id<"events">, DeliveryBody | null>();

  constructor(private readonly ctx: MutationCtx) {}

  /** Null when the event is kept no longer. */
  async of(
    webhook: Doc<"webhooks">,
    delivery: Doc<"webhookDeliveries">,
  ): Promise<DeliveryBody | null> {
    const { eventId } = delivery;
    const mode = await this.modeOf(webhook.organizationId);
    if (eventId === undefined) return testBody(webhook, delivery, mode);
    const known = this.ofEvents.get(eventId);
    if (known !== undefined) return known;
    const event = await this.ctx.db.get("events", eventId);
    const said = event && ((await isOfErased(this.ctx, event)) ? blanked(event) : event);
    const body = said && bodyOf(said, mode);
    this.ofEvents.set(eventId, body);
    return body;
  }

  private async modeOf(organizationId: Id<"organizations">): Promise<Said> {
    const known = this.modes.get(organizationId);
    if (known) return known;
    const mode = await modeIn(this.ctx, organizationId);
    const said: Said = mode === "test" ? { mode } : {};
    this.modes.set(organizationId, said);
    return said;
  }
}

/** The erased form, as the job of an erasure leaves the event: that it was, and of what. */
function blanked(event: Doc<"events">): Doc<"events"> {
  const { objectId: id, objectType: type } = event;
  return { ...event, data: { id, type, erased: true }, previous: undefined };
}

function bodyOf(event: Doc<"events">, mode: Said): DeliveryBody {
  const { _id: id, type, at: createdAt, organizationId, traceId } = event;
  const data = dataIn(event);
  const previous = previousIn(event);
  const message = { id, type, createdAt, organizationId, ...mode, data, previous, traceId };
  return { messageId: id, body: JSON.stringify(message) };
}

function testBody(
  webhook: Doc<"webhooks">,
  delivery: Doc<"webhookDeliveries">,
  mode: Said,
): DeliveryBody {
  const { organizationId } = webhook;
  const { _id: id, createdAt, traceId } = delivery;
  const data = { webhookId: webhook._id, url: webhook.url };
  const test = { id, type: TEST_EVENT, createdAt, organizationId, ...mode, data, traceId };
  return { messageId: id, body: JSON.stringify(test) };
}
