import * as z from "zod";
import { username } from "../../accounts/usernames";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";
import { emailAddress } from "../../kit/emailInput";
import { organizationOf } from "../../kit/own";
import {
  acceptInvite,
  inviteMember,
  isInvite,
  type Issued,
  openInvites,
  requireInvite,
  resendInvite,
  revokeInvite,
} from "../../tenants/invites";
import { requireRank } from "../../tenants/members";
import { inviteRecord, inviteView, role, tenant, tenantView } from "./tenantShapes";
import { once } from "../../kit/once";

const tag = "Tenants";
const params = once(() => z.object({ id: z.string() }));
const ofOne = once(() => params().extend({ inviteId: z.string() }));
const staffOnly = ["user"] as const;

const issued = once(() =>
  inviteRecord().extend({
    token: z.string().nullable().meta({ description: "This once; good for seven days." }),
    notificationId: z
      .string()
      .nullable()
      .meta({ description: "The e-mail; null where `APP_URL` is not set: hand the token on." }),
  }),
);

export const invite = writeEndpoint(
  {
    method: "POST",
    path: "/tenants/:id/invite",
    tag,
    summary: "Invite somebody to the organization",
    description:
      "By e-mail, or by the username of somebody who has an account and a verified e-mail (which the inviter does not learn; else USER_NOT_FOUND), with a link that is good for seven days. Whoever accepts must be signed in with this e-mail, verified, or be that person. Managers may invite; only an owner invites owners.",
    scope: "admin:write",
    callers: staffOnly,
    tenantInPath: true,
    params,
    body: () =>
      z
        .strictObject({
          email: emailAddress().optional(),
          username: username().optional(),
          role: role(),
        })
        .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
          error: "Give either email or username.",
        }),
    example: { email: "jonas.weber@studio-morgenrot.example", role: "member" },
    answers: { 201: issued },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT", "TIER_LIMIT_EXCEEDED"],
    secrets: ["token"],
  },
  async (ctx, { body }) => {
    requireRank(ctx.caller, body.role);
    const { email = "", username, role } = body;
    const invitee = username === undefined ? { email } : { username };
    const made = await inviteMember(ctx, ctx.scope, ctx.organization, { invitee, role });
    return created(issuedView(made));
  },
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/tenants/:id/invites",
    tag,
    summary: "List open invites, the newest first",
    description: "Also those that have expired: they can be sent again.",
    scope: "admin:read",
    tenantInPath: true,
    params,
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(inviteRecord()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const invites = openInvites(ctx, ctx.caller.organizationId);
    const { rows, meta } = await pageThrough("invites", pagingOf(query), invites);
    return ok(rows.filter(isInvite).map(inviteView), { meta });
  },
);

export const resend = writeEndpoint(
  {
    method: "POST",
    path: "/tenants/:id/invites/:inviteId/resend",
    tag,
    summary: "Send an invite again",
    description: "With a new token, for another seven days; the one before is worth nothing then.",
    scope: "admin:write",
    callers: staffOnly,
    tenantInPath: true,
    params: ofOne,
    answers: { 200: issued },
    errors: ["FORBIDDEN", "NOT_FOUND"],
    secrets: ["token"],
  },
  async (ctx, { params }) => {
    const known = await requireInvite(ctx, ctx.caller.organizationId, params.inviteId);
    requireRank(ctx.caller, known.role);
    return ok(issuedView(await resendInvite(ctx, ctx.scope, ctx.organization, known)));
  },
);

export const revoke = writeEndpoint(
  {
    method: "DELETE",
    path: "/tenants/:id/invites/:inviteId",
    tag,
    summary: "Revoke an invite",
    scope: "admin:write",
    callers: staffOnly,
    tenantInPath: true,
    params: ofOne,
    answers: { 204: null },
    errors: ["FORBIDDEN", "NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const known = await requireInvite(ctx, ctx.caller.organizationId, params.inviteId);
    requireRank(ctx.caller, known.role);
    await revokeInvite(ctx, ctx.scope, known);
    return noContent;
  },
);

export const accept = personalWriteEndpoint(
  {
    method: "POST",
    path: "/tenants/invites/accept",
    tag,
    summary: "Accept an invite",
    description:
      "As the person who was invited: signed in with that e-mail, verified; anybody else is 403. An unknown, used, revoked or expired token is 410. Ten tries a minute of an account, and of an address.",
    body: () => z.strictObject({ token: z.string().min(1).max(200) }),
    example: { token: exampleId("inviteToken") },
    answers: { 200: tenant },
    errors: ["FORBIDDEN", "GONE", "CONFLICT"],
    triesTokens: true,
  },
  async (ctx, { body }) => {
    const membership = await acceptInvite(ctx, ctx.person, body.token, (id) => ctx.scopeIn(id));
    return ok(tenantView(await organizationOf(ctx, membership), membership));
  },
);

function issuedView({ invite, token, notificationId }: Issued): z.input<ReturnType<typeof issued>> {
  return { ...inviteView(invite), token, notificationId };
}
