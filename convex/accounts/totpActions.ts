"use node";

import { v } from "convex/values";
import { toDataURL, toString } from "qrcode";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { consultationArgs } from "../kit/outside";
import { newTotpSecret, otpauthUrl } from "./totp";

/** In Node, where the library deflates a PNG. Nothing is kept here: the transaction that follows does. */
export const draw = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { credential }): Promise<string> => {
    const names = await ctx.runQuery(internal.accounts.factorLookups.totpNames, { credential });
    const secret = newTotpSecret();
    const url = otpauthUrl(secret, names);
    const [qrSvg, qrPng] = await Promise.all([toString(url, { type: "svg" }), toDataURL(url)]);
    return JSON.stringify({ secret, otpauthUrl: url, qrSvg, qrPng });
  },
});
