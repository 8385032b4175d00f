/** Turns what a client sends with `Authenticate` into the viewer that it is from then on. */
import { actingAs, AuthenticationError, type Identities } from "../identity";
import { type AdminKey, BAD_ADMIN_KEY } from "../server/adminKey";
import type { Authenticate } from "./protocol";
import { NOBODY, type Viewer, viewer } from "./viewer";

/** @throws AuthenticationError for a token that proves nothing: malformed, forged, expired, unknown */
export type Authentication = { viewerOf(message: Authenticate): Promise<Viewer> };

export function authentication(adminKey: AdminKey, identities: Identities): Authentication {
  return {
    viewerOf: async (message) => {
      switch (message.tokenType) {
        case "None":
          return NOBODY;
        case "Admin": {
          if (!adminKey.matches(message.value)) {
            throw new AuthenticationError("BadAdminKey", BAD_ADMIN_KEY.message);
          }
          const { impersonating } = message;
          return viewer(impersonating == null ? null : actingAs(impersonating), "admin");
        }
        case "User":
          return viewer(await identities.verify(message.value), "public");
      }
    },
  };
}
