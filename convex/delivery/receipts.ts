import { changedFieldsIn } from "../ontology/eventData";
import type { Doc } from "../_generated/dataModel";
import { TenantReader } from "../ontology/reader";
import type { Consumer } from "./consumer";
import { receiptData } from "./letterData";
import { queueMessages } from "./outbox";
import { findSuppression } from "./suppressions";
import { languageOf } from "./wording";

/**
 * A customer is told that their payment has arrived: once for each time that a payment settles an
 * invoice, unless the organization has switched that off. Nobody has asked for this letter, so an
 * address that takes no mail is passed over in silence.
 */
export const receipts: Consumer = {
  rowsPerEvent: async () => 1,
  take: async (ctx, organization, events) => {
    if (organization.paymentReceipts === false) return;
    const { _id: organizationId } = organization;
    const tenant = new TenantReader(ctx, { organizationId });
    const settled = events.filter(isSettledByPayment).map(({ objectId }) => objectId);
    for (const id of new Set(settled)) {
      const invoice = await tenant.find("invoice", id);
      // As it is now: what was refunded meanwhile is not acknowledged.
      if (invoice?.status !== "paid") continue;
      const { email: to, contactId } = invoice.customProperties.billTo;
      if (to === undefined || (await findSuppression(ctx, organizationId, to))) continue;
      await queueMessages(ctx, organizationId, [
        {
          channel: "email",
          to,
          template: "receipt",
          language: languageOf(organization),
          data: receiptData(organization, invoice),
          objectId: invoice._id,
          ...(contactId === undefined ? {} : { contactId }),
        },
      ]);
    }
  },
};

/** Credits and write-offs settle invoices too, but bring no money. */
function isSettledByPayment(event: Doc<"events">): boolean {
  return event.type === "invoice.paid" && changedFieldsIn(event).includes("amountPaidInCents");
}
