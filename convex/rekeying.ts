import { v } from "convex/values";
import { internalMutation } from "./_generated/server";
import { beginRekeying, stepRekeying, wakeRekeyings } from "./ontology/rekeying";

/** What earlier versions derived from the objects is derived anew; see ontology/rekeying.ts. */

/** Begins what is due: by itself, each minute. */
export const wake = internalMutation({
  args: {},
  returns: v.object({ begun: v.number() }),
  handler: async (ctx) => await wakeRekeyings(ctx),
});

/** On demand: `npx convex run rekeying:begin '{"organizationId":"…"}'`. One that runs begins anew. */
export const begin = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.null(),
  handler: async (ctx, { organizationId }) => {
    await beginRekeying(ctx, organizationId);
    return null;
  },
});

/** The next objects of an organization. */
export const step = internalMutation({
  args: { rekeyingId: v.id("rekeyings"), lease: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { rekeyingId, lease }) => {
    await stepRekeying(ctx, rekeyingId, lease);
    return null;
  },
});
