import type { Consumer } from "./consumer";
import { commitTsOf } from "./events";
import { enqueue } from "./webhookQueue";
import { wants, webhooksOf } from "./webhooks";

/** A delivery for every event and endpoint that wants it. */
export const webhookConsumer: Consumer = {
  rowsPerEvent: async (ctx, { _id: organizationId }) =>
    (await webhooksOf(ctx, organizationId)).length,
  take: async (ctx, { _id: organizationId }, events) => {
    for (const webhook of await webhooksOf(ctx, organizationId)) {
      if (webhook.status === "disabled") continue;
      const wanted = events.filter(
        (event) => commitTsOf(event) > webhook.sinceTs && wants(webhook, event),
      );
      const deliveries = wanted.map(({ _id: eventId, type: eventType, traceId }) => ({
        eventId,
        eventType,
        traceId,
      }));
      await enqueue(ctx, webhook, deliveries);
    }
  },
};
