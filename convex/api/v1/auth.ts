import * as z from "zod";
import type { Caller } from "../../kit/caller";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import type { TenantReader } from "../../ontology/reader";
import {
  crmContext,
  frontendUserRecord,
  oauthProvider,
  signedInUser,
  signIn,
} from "../../ontology/frontendUserInput";
import { syncUser as sync } from "../../ontology/frontendUserRules";
import { crmContextOf, frontendUserView, ownCrmContext } from "../../ontology/frontendUserView";
import {
  requirePortalSession,
  revokePortalSession,
  startPortalSession,
} from "../../ontology/portalSessions";
import type { ObjectDoc } from "../../ontology/registry";
import { once } from "../../kit/once";

const tag = "Portal sign-in";

/** What NextAuth's server calls after a sign-in with Google or Microsoft. */
export const syncUser = writeEndpoint(
  {
    method: "POST",
    path: "/auth/sync-user",
    tag,
    summary: "Sign a portal user in",
    description:
      "Call it from the portal's server once the OAuth provider has vouched for the user. Makes the portal user of this e-mail or brings them up to date, links the contact that has the e-mail, and answers a session token for the browser.",
    scope: "portal:write",
    callers: ["api_key", "unkeyed_portal"],
    triesTokens: true,
    body: signIn,
    literal: true,
    example: {
      email: "greta.lindqvist@nordlicht.example",
      name: "Greta Lindqvist",
      oauthProvider: "google",
      oauthId: "108204268033311374519",
    },
    answers: { 200: signedInUser, 201: signedInUser },
    secrets: ["sessionToken"],
  },
  async ({ store, scope, ...ctx }, { body }) => {
    const { user, isNew } = await sync(store, body);
    const session = await startPortalSession(ctx, scope, user);
    const answer = { ...frontendUserView(user, await crmContextOf(store, user)), ...session };
    return isNew ? created(answer) : ok(answer);
  },
);

const validToken = once(() =>
  z.object({
    valid: z.literal(true),
    user: frontendUserRecord(),
    crmContext: crmContext(),
  }),
);
const validation = {
  path: "/auth/validate-token",
  tag,
  summary: "Who the portal session token belongs to",
  description: "An invalid or expired token is 401.",
  scope: "portal:read",
  callers: ["portal_user"],
  triesTokens: true,
  literal: true,
  answers: { 200: validToken },
} as const;

export const validateToken = writeEndpoint({ method: "POST", ...validation }, async (ctx) =>
  ok(await validityOf(ctx.store, ctx.caller)),
);

export const checkToken = readEndpoint({ method: "GET", ...validation }, async (ctx) =>
  ok(await validityOf(ctx.tenant, ctx.caller)),
);

export const currentUser = readEndpoint(
  {
    method: "GET",
    path: "/auth/user",
    tag,
    summary: "The portal user who is calling",
    scope: "portal:read",
    callers: ["portal_user"],
    triesTokens: true,
    literal: true,
    answers: {
      200: () =>
        z.object({
          _id: z.string(),
          email: z.string(),
          displayName: z.string(),
          oauthProvider: oauthProvider(),
          crmContext: crmContext(),
        }),
    },
  },
  async ({ tenant, caller }) => {
    const { user, context } = await ownUser(tenant, caller);
    const { email, displayName, oauthProvider: provider } = user.customProperties;
    return ok({
      _id: user._id,
      email,
      displayName,
      oauthProvider: provider,
      crmContext: context,
    });
  },
);

export const signOut = writeEndpoint(
  {
    method: "POST",
    path: "/auth/sign-out",
    tag,
    summary: "End the portal session that is calling",
    scope: "portal:read",
    callers: ["portal_user"],
    answers: { 204: null },
  },
  async ({ caller, scope, ...ctx }) => {
    // A user whose id an API key vouches for has no session that could end.
    if (caller.kind === "portal_user" && caller.sessionId) {
      const session = await requirePortalSession(ctx, caller.organizationId, caller.sessionId);
      await revokePortalSession(ctx, scope, session);
    }
    return noContent;
  },
);

async function validityOf(
  tenant: TenantReader,
  caller: Caller,
): Promise<z.input<ReturnType<typeof validToken>>> {
  const { user, context } = await ownUser(tenant, caller);
  return { valid: true, user: frontendUserView(user, context), crmContext: context };
}

async function ownUser(
  tenant: TenantReader,
  caller: Caller,
): Promise<{ user: ObjectDoc<"frontend_user">; context: z.input<ReturnType<typeof crmContext>> }> {
  if (caller.kind !== "portal_user") throw new Error(`A ${caller.kind} is no portal user.`);
  const user = await tenant.require("frontend_user", caller.id);
  return { user, context: ownCrmContext(caller.viewer) };
}
