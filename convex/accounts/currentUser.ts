import * as z from "zod";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type Mode, modeOf } from "../kit/mode";
import { once } from "../kit/once";
import { organizationOf } from "../kit/own";
import type { Role } from "../kit/scopes";
import { activeMemberships } from "./memberships";
import { addressOf } from "./verified";

/** ME2, whose literal body is in snake case. Times are ISO 8601. */
export const currentUser = once(() =>
  z.object({
    id: z.string(),
    email: z.string().nullable(),
    tier: z.enum(["free", "pro", "premium"]),
    subscription_status: z
      .enum(["active", "past_due", "canceled", "paused", "expired"])
      .nullable()
      .meta({ description: "Null without a subscription." }),
    subscription_id: z.string().nullable(),
    renews_at: z.string().nullable(),
    ends_at: z.string().nullable(),
  }),
);
export type CurrentUser = z.output<ReturnType<typeof currentUser>>;

/** The tier is the organization's; who belongs to none has the free one. */
export async function currentUserOf(
  ctx: QueryCtx,
  user: Doc<"users">,
  organizationId: Id<"organizations"> | null,
): Promise<CurrentUser> {
  const tier =
    organizationId === null ? "free" : (await organizationOf(ctx, { organizationId })).tier;
  return {
    ...{ id: user._id, email: addressOf(user), tier },
    ...{ subscription_status: null, subscription_id: null, renews_at: null, ends_at: null },
  };
}

/** Of a person, with what each organization is. */
export async function membershipsOf(
  ctx: QueryCtx,
  userId: Id<"users">,
): Promise<{ organizationId: string; name: string; role: Role; mode: Mode }[]> {
  const memberships = await activeMemberships(ctx, userId);
  return await Promise.all(
    memberships.map(async (membership) => {
      const organization = await organizationOf(ctx, membership);
      const { organizationId, role } = membership;
      return { organizationId, name: organization.name, role, mode: modeOf(organization) };
    }),
  );
}
