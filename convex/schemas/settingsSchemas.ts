import { type Infer, v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { storedAddress } from "../ontology/address";

/** What an organization decides for itself, as it is stored; kit/organizationSettings.ts says what it may be. */
export const storedSettings = v.object({
  name: v.string(),
  timeZone: v.string(),
  currency: v.string(),
  locale: v.string(),
  sender: v.optional(
    v.object({ name: v.string(), email: v.string(), replyTo: v.optional(v.string()) }),
  ),
  address: v.optional(storedAddress),
  bankDetails: v.optional(
    v.object({
      accountHolder: v.optional(v.string()),
      iban: v.optional(v.string()),
      bic: v.optional(v.string()),
      bankName: v.optional(v.string()),
    }),
  ),
  taxIds: v.optional(
    v.object({
      vatId: v.optional(v.string()),
      taxNumber: v.optional(v.string()),
      registrationNumber: v.optional(v.string()),
    }),
  ),
  legalName: v.optional(v.string()),
  invoiceFooter: v.optional(v.string()),
  reminders: v.optional(
    v.object({
      enabled: v.boolean(),
      channels: v.array(oneOf(["email", "whatsapp"])),
      rules: v.array(
        v.object({
          days: v.number(),
          level: v.union(v.literal(1), v.literal(2), v.literal(3)),
        }),
      ),
      businessHours: v.optional(
        v.object({ from: v.number(), to: v.number(), weekdays: v.array(v.number()) }),
      ),
    }),
  ),
  paymentReceipts: v.optional(v.boolean()),
  magicLinkSignIn: v.optional(v.boolean()),
  requireSecondFactor: v.optional(v.boolean()),
  /** The id of a member's connected mailbox; see oauth/sender.ts. */
  senderConnectionId: v.optional(v.string()),
  /** Of an hour, in the smallest unit of the currency. */
  hourlyRateInCents: v.optional(v.number()),
  portalFields: v.optional(v.array(v.string())),
  allowedOrigins: v.array(v.string()),
});

export const defaultSettings = {
  timeZone: "UTC",
  currency: "EUR",
  locale: "en",
  allowedOrigins: [],
} satisfies Partial<Infer<typeof storedSettings>>;
