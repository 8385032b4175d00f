import type { AuthConfig } from "convex/server";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_AUDIENCE,
  JWKS_PATH,
  siteIssuer,
} from "./kit/accessTokens";
import { CLERK_AUDIENCE, clerkIssuer } from "./kit/clerk";

/** Whose tokens a client may authenticate with: the deployment's own, and Clerk's where it is configured. */
const clerk = clerkIssuer();
const site = siteIssuer();

export default {
  providers: [
    {
      type: "customJwt",
      issuer: site,
      jwks: site + JWKS_PATH,
      algorithm: ACCESS_TOKEN_ALGORITHM,
      applicationID: ACCESS_TOKEN_AUDIENCE,
    },
    ...(clerk === null ? [] : [{ domain: clerk, applicationID: CLERK_AUDIENCE }]),
  ],
} satisfies AuthConfig;
