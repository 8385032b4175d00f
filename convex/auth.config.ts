import type { AuthConfig } from "convex/server";
import { CLERK_AUDIENCE, clerkIssuer } from "./kit/clerk";

/** Whose tokens a client may authenticate with: Clerk's, where it is configured; else nobody's. */
const issuer = clerkIssuer();

export default {
  providers: issuer === null ? [] : [{ domain: issuer, applicationID: CLERK_AUDIENCE }],
} satisfies AuthConfig;
