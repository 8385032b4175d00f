import type { Consumer } from "../delivery/consumer";
import { TenantReader } from "../ontology/reader";
import { PAYMENT_EVENTS } from "./events";
import { closeStaleLinks } from "./links";
import { settle, waitingFor } from "./matching";

/** Payments that came before their invoice are taken up when it is sent; stale links are closed. */
export const paymentConsumer: Consumer = {
  rowsPerEvent: async () => 20,
  take: async (ctx, { _id: organizationId }, events) => {
    const tenant = new TenantReader(ctx, { organizationId });
    const wanted = events.filter(({ type }) => PAYMENT_EVENTS.includes(type));
    for (const id of new Set(wanted.map(({ objectId }) => objectId))) {
      const invoice = await tenant.find("invoice", id);
      if (!invoice) continue;
      for (const waiting of await waitingFor(ctx, invoice)) await settle(ctx, waiting._id);
      const after = await tenant.find("invoice", id);
      if (after) await closeStaleLinks(ctx, after);
    }
  },
};
