import * as z from "zod";
import { requireScope } from "../../kit/caller";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { MODES } from "../../kit/mode";
import { organizationOf } from "../../kit/own";
import { pageThrough, pagingOf } from "../../kit/page";
import { MAX_LIMIT } from "../../kit/pageLimits";
import { pageParameters } from "../../kit/pageParameters";
import { personalReadEndpoint, personalWriteEndpoint } from "../../kit/personalEndpoint";
import { requireVersion } from "../../kit/version";
import { changeSettings, foundOrganization } from "../../tenancy";
import { changeRole, removeMember, requireMember, requireRank } from "../../tenants/members";
import { organizationSettings } from "../../kit/organizationSettings";
import {
  changedSettings,
  settingsExample,
  settingsUpdate,
  settingsView,
  tenantSettings,
} from "./organizationShapes";
import { memberRecord, memberView, role, tenant, tenantView } from "./tenantShapes";
import { once } from "../../kit/once";

const tag = "Tenants";
const params = once(() => z.object({ id: z.string() }));
const staffOnly = ["user"] as const;

export const list = personalReadEndpoint(
  {
    method: "GET",
    path: "/tenants",
    tag,
    summary: "List the caller's organizations",
    description:
      "With the caller's role in each. A Clerk user who calls for the first time is made here, and has none yet.",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(tenant()) },
  },
  async (ctx, { query }) => {
    const mine = ctx.db
      .query("memberships")
      .withIndex("by_user", (q) => q.eq("userId", ctx.person._id));
    const { rows, meta } = await pageThrough("tenants", pagingOf(query), mine);
    const tenants = await Promise.all(
      rows.map(async (membership) => tenantView(await organizationOf(ctx, membership), membership)),
    );
    return ok(tenants, { meta });
  },
);

export const create = personalWriteEndpoint(
  {
    method: "POST",
    path: "/tenants",
    tag,
    summary: "Found an organization",
    description:
      "The caller becomes its owner: the role above manager, which every organization has at least once. A person owns at most 20. With `mode: test` what it does is tried out, not meant: see docs/tenants.md; the mode never changes.",
    body: () =>
      z.strictObject({
        name: organizationSettings().shape.name,
        mode: z.enum(MODES).optional().meta({ description: "`live` by default; for good." }),
      }),
    example: { name: "Studio Morgenrot" },
    answers: { 201: tenant },
    errors: ["CONFLICT"],
  },
  async (ctx, { body }) => {
    const { organization, membership } = await foundOrganization(ctx, ctx.person, body, {
      scopeIn: (id) => ctx.scopeIn(id),
    });
    return created(tenantView(organization, membership));
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/tenants/:id",
    tag,
    summary: "Get an organization and its settings",
    description: "The same as `GET /organization`, by its id.",
    scope: "organization:read",
    tenantInPath: true,
    params,
    answers: { 200: tenantSettings },
    errors: ["NOT_FOUND"],
  },
  async (ctx) => {
    const organization = await organizationOf(ctx, ctx.caller);
    return ok(settingsView(organization), { version: organization.version });
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/tenants/:id",
    tag,
    summary: "Change an organization's settings",
    description: "The same as `PATCH /organization`, by its id.",
    scope: "organization:write",
    tenantInPath: true,
    params,
    body: settingsUpdate,
    example: settingsExample,
    answers: { 200: tenantSettings },
    errors: ["NOT_FOUND", "VERSION_MISMATCH"],
  },
  async ({ organization, scope, ifMatch, ...ctx }, { body }) => {
    requireVersion(ifMatch, organization.version);
    const changed = await changeSettings(
      ctx,
      scope,
      organization,
      changedSettings(organization, body),
    );
    return ok(settingsView(changed), { version: changed.version });
  },
);

export const listMembers = readEndpoint(
  {
    method: "GET",
    path: "/tenants/:id/members",
    tag,
    summary: "List members",
    scope: "membership:read",
    tenantInPath: true,
    params,
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(memberRecord()).max(MAX_LIMIT) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const members = ctx.db
      .query("memberships")
      .withIndex("by_organization_status", (q) =>
        q.eq("organizationId", organizationId).eq("status", "active"),
      );
    const { rows, meta } = await pageThrough("members", pagingOf(query), members);
    return ok(await Promise.all(rows.map((row) => memberView(ctx, row))), { meta });
  },
);

export const setRole = writeEndpoint(
  {
    method: "PATCH",
    path: "/tenants/:id/members/:userId",
    tag,
    summary: "Change a member's role",
    description:
      "An owner changes everybody's, a manager those of whoever is no owner. The last owner stays one.",
    scope: "admin:write",
    callers: staffOnly,
    tenantInPath: true,
    params: () => params().extend({ userId: z.string() }),
    body: () => z.strictObject({ role: role() }),
    example: { role: "owner" },
    answers: { 200: memberRecord },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT"],
  },
  async (ctx, { params, body }) => {
    const membership = await requireMember(ctx, ctx.caller.organizationId, params.userId);
    requireRank(ctx.caller, membership.role, body.role);
    await changeRole(ctx, ctx.scope, membership, body.role);
    return ok(await memberView(ctx, { ...membership, role: body.role }));
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/tenants/:id/members/:userId",
    tag,
    summary: "Remove a member, or leave",
    description:
      "Whoever it is leaves at once: their next request finds no membership. Everybody may remove themselves; others, as roles are changed. The last owner cannot go.",
    scope: "membership:write",
    callers: staffOnly,
    tenantInPath: true,
    params: () => params().extend({ userId: z.string() }),
    answers: { 204: null },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT"],
  },
  async (ctx, { params }) => {
    const membership = await requireMember(ctx, ctx.caller.organizationId, params.userId);
    if (membership.userId !== ctx.caller.id) {
      requireScope(ctx.caller, "admin:write");
      requireRank(ctx.caller, membership.role);
    }
    await removeMember(ctx, ctx.scope, membership);
    return noContent;
  },
);
