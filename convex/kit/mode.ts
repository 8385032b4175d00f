import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError } from "./errors";
import { organizationOf } from "./own";
import { TOKEN_PREFIXES } from "./tokens";

/**
 * What an organization does is meant, or is tried out: in a `test` organization numbers begin with
 * `TEST-`, documents bear TEST on every page, mail goes to its own members alone, nothing goes by
 * WhatsApp, and no customer's money moves. An organization is founded so and stays so; what was founded
 * before there were test organizations is live.
 */
export const MODES = ["live", "test"] as const;
export type Mode = (typeof MODES)[number];

type Moded = Pick<Doc<"organizations">, "mode">;

export function modeOf({ mode }: Moded): Mode {
  return mode ?? "live";
}

export function isTest(organization: Moded): boolean {
  return modeOf(organization) === "test";
}

export async function modeIn(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
): Promise<Mode> {
  return modeOf(await organizationOf(ctx, { organizationId }));
}

/**
 * The only organization that there is, or null: whose what the deployment's own variables set up is,
 * where they name none. A test organization beside it changes nothing of that.
 */
export async function onlyOrganization(ctx: QueryCtx): Promise<Doc<"organizations"> | null> {
  const [only, another] = await ctx.db
    .query("organizations")
    .withIndex("by_mode", (q) => q.eq("mode", undefined))
    .take(2);
  return only && !another ? only : null;
}

/** The mode that a key was made for, as its beginning says. */
export function modeOfKey({ prefix }: Pick<Doc<"apiKeys">, "prefix">): Mode {
  return prefix.startsWith(TOKEN_PREFIXES.api_key_test) ? "test" : "live";
}

/**
 * Keys of before may be test keys of a live organization. Whoever uses one believes that nothing is
 * meant: such a key reads, and writes nothing.
 * @param keyMode of the key that the caller stands on; null where there is none
 * @throws FORBIDDEN
 */
export function requireKeyOfMode(keyMode: Mode | null, organization: Moded): void {
  const mode = modeOf(organization);
  if (keyMode === null || keyMode === mode) return;
  const message =
    "This fh_test_ key belongs to a live organization: it reads, but writes nothing, since what it would write is real. " +
    "To write for real, rotate it or make an fh_live_ key (POST /api-keys) with another credential; " +
    'to try things out, found a test organization (POST /tenants with "mode": "test") and make its key there.';
  throw new ApiError("FORBIDDEN", message, {
    details: { keyMode, organizationMode: mode },
  });
}
