import type { QueryCtx } from "../_generated/server";
import {
  type CallerCredential,
  identifyAccessToken,
  identifyApiKey,
  identifyClerkUser,
  identifySession,
  type Identity,
} from "./caller";
import { unauthorized } from "./unauthorized";
import { identifyPortalSession, identifyPortalUser, identifyUnkeyedPortal } from "./portalCaller";

/**
 * Resolves a credential to its caller and tenant.
 * @throws UNAUTHORIZED for an unknown or revoked credential; VALIDATION_ERROR when a user of several
 *   organizations names none; FORBIDDEN for an organization that is not the caller's.
 */
export async function identify(ctx: QueryCtx, credential: CallerCredential): Promise<Identity> {
  switch (credential.kind) {
    case "api_key":
      return await identifyApiKey(ctx, credential);
    case "session":
      return await identifySession(ctx, credential);
    case "portal_session":
      return await identifyPortalSession(ctx, credential);
    case "portal_user":
      return await identifyPortalUser(ctx, credential);
    case "access_token":
      return await identifyAccessToken(ctx, credential);
    case "clerk":
      return await identifyClerkUser(ctx, credential);
    case "unkeyed_portal":
      return await identifyUnkeyedPortal(ctx);
    case "nobody":
      throw unauthorized("missing");
    default:
      return credential satisfies never;
  }
}
