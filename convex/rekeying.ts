import { v } from "convex/values";
import { internalMutation } from "./_generated/server";
import { beginRekeying, stepRekeying, wakeRekeyings } from "./ontology/rekeying";

/** What earlier versions derived from the objects is derived anew; see ontology/rekeying.ts. */

/** Begins what is due, and takes up what came to a halt: by itself, each minute. */
export const wake = internalMutation({
  args: {},
  returns: v.object({ begun: v.number(), resumed: v.number() }),
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
  args: { rekeyingId: v.id("rekeyings") },
  returns: v.null(),
  handler: async (ctx, { rekeyingId }) => {
    await stepRekeying(ctx, rekeyingId);
    return null;
  },
});
