"use node";

import { hash as bcrypt } from "bcryptjs";
import { v } from "convex/values";
import { internalAction } from "./_generated/server";

/** bcrypt's cost: about a quarter of a second on today's machines. */
const COST = 12;

/** bcrypt of a password. In Node, because a transaction has one second of code. */
export const hash = internalAction({
  args: { password: v.string() },
  returns: v.string(),
  handler: async (_ctx, { password }) => await bcrypt(password, COST),
});
