import { defineTable } from "convex/server";
import { v } from "convex/values";

/** The keys that sign access tokens. */
export const signingKeyTables = {
  /**
   * One signs (`current`), and one is published already and signs after it (`next`), so that whoever has
   * kept the published ones for a while knows it then. Those of before are published until what they
   * have signed has ended. Written and read by accounts/signingKeys.ts, and deleted there an hour after
   * they have retired.
   */
  signingKeys: defineTable({
    /** The thumbprint of the public key (RFC 7638). */
    kid: v.string(),
    /** Coordinates on P-256 as a JSON Web Key has them (RFC 7518, 6.2). */
    publicJwk: v.object({
      kty: v.literal("EC"),
      crv: v.literal("P-256"),
      x: v.string(),
      y: v.string(),
    }),
    /** A JSON Web Key as text, sealed by kit/secretBox.ts. */
    privateJwk: v.string(),
    status: v.union(v.literal("next"), v.literal("current"), v.literal("retired")),
    createdAt: v.number(),
    retiredAt: v.optional(v.number()),
  })
    .index("by_kid", ["kid"])
    .index("by_status", ["status", "retiredAt"]),
};
