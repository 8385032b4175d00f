/** Turns what a client sends with `Authenticate` into the viewer that it is from then on. */
import type { AdminKey } from "../server/adminKey";
import type { Authenticate } from "./protocol";
import { NOBODY, type UserIdentity, type Viewer, viewer } from "./viewer";

/** The token proves nothing: it is malformed, forged, expired, or of an unknown provider. */
export class TokenRefused extends Error {}

export type Authentication = { viewerOf(message: Authenticate): Promise<Viewer> };

/** Verifies a user's token; throws `TokenRefused`. */
export type VerifyToken = (token: string) => Promise<{ identity: UserIdentity; expires: number }>;

export function authentication(adminKey: AdminKey, verify: VerifyToken): Authentication {
  return {
    viewerOf: async (message) => {
      switch (message.tokenType) {
        case "None":
          return NOBODY;
        case "Admin": {
          if (!adminKey.matches(message.value)) {
            throw new TokenRefused("The provided admin key was invalid for this instance");
          }
          return viewer(message.impersonating ?? null, "all", Infinity);
        }
        case "User": {
          const { identity, expires } = await verify(message.value);
          return viewer(identity, "public", expires);
        }
      }
    },
  };
}
