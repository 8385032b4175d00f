import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import type { QueryCtx } from "../../_generated/server";
import { modeOf, MODES } from "../../kit/mode";
import type { Invite } from "../../tenants/invites";
import { userOf } from "../../tenants/members";
import { once } from "../../kit/once";

export const role = once(() => z.enum(["owner", "manager", "member", "viewer"]));

export const tenant = once(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      mode: z.enum(MODES),
      role: role(),
      status: z.enum(["active", "invited"]),
    })
    .meta({ id: "Tenant" }),
);

export const memberRecord = once(() =>
  z
    .object({
      userId: z.string(),
      name: z.string(),
      email: z.string().nullable(),
      role: role(),
      status: z.enum(["active", "invited"]),
      joinedAt: z.number(),
    })
    .meta({ id: "Member" }),
);

export const inviteRecord = once(() =>
  z
    .object({
      id: z.string(),
      email: z.string().nullable().meta({ description: "Null of one by username." }),
      username: z.string().nullable(),
      role: role(),
      status: z.literal("invited"),
      invitedBy: z.string(),
      createdAt: z.number(),
      expiresAt: z.number(),
    })
    .meta({ id: "Invite" }),
);

export function tenantView(
  organization: Doc<"organizations">,
  { role, status }: Pick<Doc<"memberships">, "role" | "status">,
): z.input<ReturnType<typeof tenant>> {
  const { _id: id, name } = organization;
  return { id, name, mode: modeOf(organization), role, status };
}

export async function memberView(
  ctx: QueryCtx,
  membership: Doc<"memberships">,
): Promise<z.input<ReturnType<typeof memberRecord>>> {
  const { role, status, createdAt: joinedAt } = membership;
  const { _id, name, email = null } = await userOf(ctx, membership);
  return { userId: _id, name, email, role, status, joinedAt };
}

export function inviteView({
  _id,
  role,
  createdAt,
  invite,
}: Invite): z.input<ReturnType<typeof inviteRecord>> {
  const { email = null, username = null, invitedBy, expiresAt } = invite;
  return { id: _id, email, username, role, status: "invited", invitedBy, createdAt, expiresAt };
}
