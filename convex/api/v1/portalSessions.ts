import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import {
  liveSessions,
  requirePortalSession,
  revokePortalSession,
  revokePortalSessions,
} from "../../ontology/portalSessions";
import { once } from "../../kit/once";

const tag = "Portal sessions";

const portalSession = once(() =>
  z
    .object({
      id: z.string(),
      userId: z.string(),
      createdBy: z.string().meta({ description: "The API key that signed the user in." }),
      createdAt: z.number(),
      expiresAt: z.number(),
    })
    .meta({ id: "PortalSession" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/portal/sessions",
    tag,
    summary: "List the sessions of the portal's users, newest first",
    scope: "portal:read",
    query: () => z.strictObject({ ...pageParameters(), userId: z.string().max(64).optional() }),
    list: true,
    answers: { 200: () => z.array(portalSession()) },
    errors: ["NOT_FOUND"],
  },
  async ({ tenant, ...ctx }, { query }) => {
    const { organizationId } = ctx.caller;
    const listName = `portal-sessions:${query.userId ?? ""}`;
    const user = query.userId && (await tenant.require("frontend_user", query.userId));
    const sessions = user
      ? liveSessions(ctx, user._id)
      : ctx.db
          .query("frontendSessions")
          .withIndex("by_organization", (q) =>
            q.eq("organizationId", organizationId).eq("revokedAt", undefined),
          )
          .order("desc");
    const { rows, meta } = await pageThrough(listName, pagingOf(query), sessions);
    return ok(rows.map(sessionView), { meta });
  },
);

export const revoke = writeEndpoint(
  {
    method: "DELETE",
    path: "/portal/sessions/:id",
    tag,
    summary: "End a session, at once",
    scope: "portal:write",
    params: () => z.object({ id: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async ({ scope, ...ctx }, { params }) => {
    const session = await requirePortalSession(ctx, scope.organizationId, params.id);
    await revokePortalSession(ctx, scope, session);
    return noContent;
  },
);

export const revokeAll = writeEndpoint(
  {
    method: "DELETE",
    path: "/portal/users/:id/sessions",
    tag,
    summary: "End all sessions of a portal user",
    scope: "portal:write",
    subject: "frontend_user",
    answers: { 204: null },
  },
  async ({ scope, ...ctx }, { subject }) => {
    await revokePortalSessions(ctx, scope, subject._id);
    return noContent;
  },
);

function sessionView(session: Doc<"frontendSessions">): z.input<ReturnType<typeof portalSession>> {
  const { _id: id, userId, createdBy, createdAt, expiresAt } = session;
  return { id, userId, createdBy, createdAt, expiresAt };
}
