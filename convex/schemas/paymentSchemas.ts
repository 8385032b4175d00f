import { defineTable } from "convex/server";
import { v } from "convex/values";
import { jobFields } from "./jobSchemas";

export const paymentTables = {
  /**
   * Money that a provider tells us of: a payment, or what took one back (a refund, a dispute). Each
   * once, by the provider's own reference. Written by payments/matching.ts; what fits no invoice waits
   * here as `unmatched` for a person, or for the invoice; kept with the books.
   */
  incomingPayments: defineTable({
    /** Absent where nobody can tell whose it is: the platform's list has it. */
    organizationId: v.optional(v.id("organizations")),
    /** It came to the organization's own address, and not to the deployment's. */
    isOwnAddress: v.optional(v.literal(true)),
    provider: v.string(),
    reference: v.string(),
    kind: v.union(v.literal("payment"), v.literal("refund")),
    /** Above zero, in the currency's smallest unit, also of a refund. */
    amountInCents: v.number(),
    /** The amount that the provider told, of which `amountInCents` may be the part that was applied. */
    told: v.optional(v.number()),
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
   * Pages of a provider on which an invoice is paid. Written by payments/links.ts and linkJob.ts; read by the API
   * and by what closes a link when its amount is no longer what is open. The address also stands on
   * the invoice. Kept with the books.
   */
  paymentLinks: defineTable({
    organizationId: v.id("organizations"),
    invoiceId: v.id("objects"),
    provider: v.literal("stripe"),
    /** The organization's key that it was made with; absent where it was the deployment's. */
    keyId: v.optional(v.id("paymentKeys")),
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
    /** Asking the provider for it, then for its end. */
    ...jobFields,
    error: v.optional(v.string()),
    createdAt: v.number(),
    /** What rows of before say of the job; see payments/linkJob.ts. */
    attempts: v.optional(v.number()),
    nextAttemptAt: v.optional(v.number()),
  })
    .index("by_invoice", ["organizationId", "invoiceId", "status"])
    .index("by_key", ["keyId", "status"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * Providers that organizations have set up, each with an address of its own. Written by
   * payments/providers.ts; read by the API and when an event comes; deleted by their owner.
   */
  paymentProviders: defineTable({
    organizationId: v.id("organizations"),
    provider: v.union(v.literal("stripe"), v.literal("generic")),
    /** The end of the address `/webhooks/payments/:provider/:endpointKey`: 256 random bits. */
    endpointKey: v.string(),
    /** The key that links are made with now. */
    keyId: v.optional(v.id("paymentKeys")),
    /** Sealed (kit/secretBox.ts); the current one first, then those that overlap, each with its end. */
    webhookSecrets: v.array(
      v.object({ sealed: v.string(), hint: v.string(), until: v.union(v.number(), v.null()) }),
    ),
    version: v.number(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_organization", ["organizationId", "provider"])
    .index("by_endpointKey", ["provider", "endpointKey"]),

  /**
   * Secret keys of organizations at a provider. A page is closed with the key that it was made with:
   * one that was replaced or taken away stays, sealed, until its last page is closed, and is deleted
   * then by payments/keys.ts.
   */
  paymentKeys: defineTable({
    organizationId: v.id("organizations"),
    /** Sealed, see kit/secretBox.ts. */
    sealed: v.string(),
    /** What people know it by: its last characters. */
    hint: v.string(),
    retiredAt: v.optional(v.number()),
    createdAt: v.number(),
  }).index("by_organization", ["organizationId"]),
};
