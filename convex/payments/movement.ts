/** What a provider says of money, in one form for all of them. */
export type Movement = {
  provider: string;
  /** Unique with the provider; a payment's is its `transactionRef` on the invoice. */
  reference: string;
  kind: "payment" | "refund";
  /** Above zero, in the currency's smallest unit. */
  amountInCents: number;
  /** ISO 4217, in capitals. */
  currency: string;
  /** Milliseconds since the epoch. */
  paidAt: number;
  paymentMethod: string;
  /**
   * The reference of the movement that it takes back, a payment's or a refund's: it waits for that
   * one, and goes to the same invoice.
   */
  follows?: string;
  /** Whose it is and what it pays, as far as the provider knows; ids as they came. */
  organizationId?: string;
  invoiceId?: string;
  invoiceNumber?: string;
};
