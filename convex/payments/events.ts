/** What changes who owes what, and so what waits for it; see consumer.ts. */
export const PAYMENT_EVENTS: readonly string[] = [
  "invoice.sent",
  "invoice.paid",
  "invoice.cancelled",
  "invoice.payment_recorded",
  "invoice.refunded",
  "invoice.credited",
  "invoice.written_off",
];
