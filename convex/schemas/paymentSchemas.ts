import { defineTable } from "convex/server";
import { v } from "convex/values";

export const paymentTables = {
  /**
   * Money that a provider tells us of: a payment, or what took one back (a refund, a dispute). Each
   * once, by the provider's own reference. Written by payments/matching.ts; what fits no invoice waits
   * here as `unmatched` for a person, or for the invoice; kept with the books.
   */
  incomingPayments: defineTable({
    /** Absent for what takes back a payment that we have not been told of yet. */
    organizationId: v.optional(v.id("organizations")),
    provider: v.string(),
    reference: v.string(),
    kind: v.union(v.literal("payment"), v.literal("refund")),
    /** Above zero, in the currency's smallest unit, also of a refund. */
    amountInCents: v.number(),
    currency: v.string(),
    paidAt: v.number(),
    paymentMethod: v.string(),
    /** The reference of the movement that it takes back. */
    follows: v.optional(v.string()),
    invoiceId: v.optional(v.id("objects")),
    /** As the provider said it, and how numbers are compared. */
    invoiceNumber: v.optional(v.string()),
    numberKey: v.optional(v.string()),
    status: v.union(v.literal("unmatched"), v.literal("applied"), v.literal("dismissed")),
    /** Why it is unmatched or dismissed. */
    reason: v.optional(v.string()),
    receivedAt: v.number(),
    settledAt: v.optional(v.number()),
  })
    .index("by_reference", ["provider", "reference", "organizationId"])
    .index("by_status", ["organizationId", "status", "receivedAt"])
    .index("by_follows", ["provider", "follows", "organizationId", "status"])
    .index("by_invoice", ["organizationId", "invoiceId", "status"])
    .index("by_number", ["organizationId", "numberKey", "status"]),

  /**
   * Pages of a provider on which an invoice is paid. Written by payments/links.ts; read by the API
   * and by what closes a link when its amount is no longer what is open. The address also stands on
   * the invoice. Kept with the books.
   */
  paymentLinks: defineTable({
    organizationId: v.id("organizations"),
    invoiceId: v.id("objects"),
    provider: v.literal("stripe"),
    amountInCents: v.number(),
    currency: v.string(),
    /** `closing`: the provider is still to be told; `closed` takes no payment any more. */
    status: v.union(
      v.literal("pending"),
      v.literal("ready"),
      v.literal("failed"),
      v.literal("closing"),
      v.literal("closed"),
    ),
    url: v.optional(v.string()),
    /** The provider's id of it. */
    externalId: v.optional(v.string()),
    attempts: v.number(),
    nextAttemptAt: v.number(),
    error: v.optional(v.string()),
    createdAt: v.number(),
  }).index("by_invoice", ["organizationId", "invoiceId", "status"]),
};
