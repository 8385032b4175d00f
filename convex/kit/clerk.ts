import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/** The audience of Clerk's tokens for Convex, as its integration names it. */
export const CLERK_AUDIENCE = "convex";

/** `CLERK_ISSUER`, the Clerk instance's Frontend API URL, without a slash at its end; null if it is not set. */
export function clerkIssuer(): string | null {
  const issuer = variable("CLERK_ISSUER")?.replace(/\/+$/, "");
  return issuer === undefined || issuer === "" ? null : issuer;
}

/**
 * The member of staff whose Clerk token the call came with, or null. Another provider's users can
 * have the same subject, so the issuer has to be ours.
 */
export async function clerkUser(ctx: QueryCtx): Promise<Doc<"users"> | null> {
  const identity = await ctx.auth.getUserIdentity();
  const issuer = clerkIssuer();
  if (identity === null || issuer === null) return null;
  if (identity.issuer.replace(/\/+$/, "") !== issuer || isPendingSession(identity["sts"]))
    return null;
  return await userByClerkId(ctx, identity.subject);
}

/**
 * Whether the token's session status (`sts`) is that of one who has not finished to sign in: Clerk
 * asks them for more, such as a second factor or an organization, and treats them as signed out.
 */
export function isPendingSession(status: unknown): boolean {
  return status === "pending";
}

/** The user who calls with this Clerk account, unless Clerk has deleted it. */
export async function userByClerkId(
  ctx: Pick<QueryCtx, "db">,
  clerkUserId: string,
): Promise<Doc<"users"> | null> {
  const account = await accountAtClerk(ctx, clerkUserId);
  return account?.deletedAt === undefined ? account : null;
}

/** The user of this Clerk account, also of one that Clerk has deleted. */
export async function accountAtClerk(
  ctx: Pick<QueryCtx, "db">,
  clerkUserId: string,
): Promise<Doc<"users"> | null> {
  return await ctx.db
    .query("users")
    .withIndex("by_clerkUserId", (q) => q.eq("clerkUserId", clerkUserId))
    .unique();
}

function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    // While Convex evaluates auth.config.ts, reading a variable that is not set throws.
    return undefined;
  }
}
