import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { bodyFields } from "../kit/bodyFields";
import { consultationArgs } from "../kit/outside";

/** Bodies that prove somebody in one of several ways: Node is asked for what takes Node alone. */

export const ofFactor = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, args): Promise<string> => {
    if (bodyFields(args.request).credential === undefined) {
      return JSON.stringify({ assertion: null });
    }
    const assertion = await ctx.runAction(internal.accounts.passkeyActions.assert, args);
    return `{"assertion":${assertion}}`;
  },
});

export const ofPerson = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, args): Promise<string> => {
    const { password, credential } = bodyFields(args.request);
    const { passkeyActions, passwordActions } = internal.accounts;
    const assertion =
      credential === undefined ? "null" : await ctx.runAction(passkeyActions.assert, args);
    const comparison =
      password === undefined ? "null" : await ctx.runAction(passwordActions.compareForPerson, args);
    return `{"assertion":${assertion},"comparison":${comparison}}`;
  },
});
