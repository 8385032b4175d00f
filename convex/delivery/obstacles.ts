import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import { isTest } from "../kit/mode";
import type { OutboundChannel } from "./providers/configured";
import { findSuppression } from "./suppressions";
import { membershipOf } from "../kit/memberships";

type Organization = Pick<Doc<"organizations">, "_id" | "mode">;

export const TEST_MODE = "suppressed: test mode";

/** So many people of before may share an address, of whom at most one has access. */
const SAME_ADDRESS = 20;

/**
 * Why nothing goes to an address by a channel, or null. Asked of every message, whatever it says, when
 * it is queued and again when an attempt begins: what leaves a test organization goes to its members.
 */
export async function obstacleTo(
  ctx: Pick<QueryCtx, "db">,
  organization: Organization,
  { channel, to }: { channel: OutboundChannel; to: string },
): Promise<string | null> {
  const { _id: organizationId } = organization;
  if (isTest(organization)) {
    const isOurs = channel === "email" && (await isMembersAddress(ctx, organizationId, to));
    if (!isOurs) return TEST_MODE;
  }
  if (channel !== "email") return null;
  const suppression = await findSuppression(ctx, organizationId, to);
  return suppression && `suppressed: ${suppression.reason}`;
}

/** Of an active member, as their account has it; an invited person is no member yet. */
async function isMembersAddress(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  email: string,
): Promise<boolean> {
  const people = await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .take(SAME_ADDRESS);
  for (const { _id: userId, deletedAt } of people) {
    if (deletedAt !== undefined) continue;
    const membership = await membershipOf(ctx, userId, organizationId);
    if (membership?.status === "active") return true;
  }
  return false;
}
