import * as z from "zod";
import { currentUser, currentUserOf, membershipsOf } from "../../accounts/currentUser";
import { meantOrganization } from "../../accounts/meant";
import { isUnverified } from "../../accounts/verified";
import { ok } from "../../kit/endpoint";
import { once } from "../../kit/once";
import { personalReadEndpoint } from "../../kit/personalEndpoint";
import { role } from "./tenantShapes";

const tag = "Accounts";

export const userMe = personalReadEndpoint(
  {
    method: "GET",
    path: "/user/me",
    tag,
    summary: "Who is calling, with the plan of their organization",
    description:
      "Of the organization that X-Tenant-Id names, else of the oldest that they belong to; who belongs to none has the tier `free`.",
    literal: true,
    answers: { 200: currentUser },
    errors: ["FORBIDDEN"],
  },
  async (ctx) => {
    const organizationId = await meantOrganization(ctx, ctx.person._id, ctx.tenantId);
    return ok(await currentUserOf(ctx, ctx.person, organizationId));
  },
);

const whole = once(() =>
  currentUser().extend({
    name: z.string(),
    username: z.string().nullable(),
    emailVerified: z.boolean(),
    mfaEnabled: z.boolean(),
    isPlatformAdmin: z.boolean(),
    memberships: z.array(
      z.object({
        organizationId: z.string(),
        name: z.string(),
        role: role(),
        mode: z.enum(["live", "test"]),
      }),
    ),
  }),
);

export const authMe = personalReadEndpoint(
  {
    method: "GET",
    path: "/auth/me",
    tag,
    summary: "Who is calling, with their organizations",
    description: "The body of GET /user/me, and more; at most a hundred memberships.",
    answers: { 200: whole },
    errors: ["FORBIDDEN"],
  },
  async (ctx) => {
    const { person } = ctx;
    const organizationId = await meantOrganization(ctx, person._id, ctx.tenantId);
    return ok({
      ...(await currentUserOf(ctx, person, organizationId)),
      ...{ name: person.name, username: person.username ?? null },
      emailVerified: person.email !== undefined && !isUnverified(person),
      mfaEnabled: (person.secondFactors ?? []).length > 0,
      isPlatformAdmin: person.isPlatformAdmin,
      memberships: await membershipsOf(ctx, person._id),
    });
  },
);
