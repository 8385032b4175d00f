/** Who looks at a live query: a user, an administrator, or nobody in particular. */
import type { Identity } from "../identity";
import type { Visibility } from "../runtime/modules";

export type Viewer = {
  identity: Identity | null;
  /** Administrators also reach internal functions. */
  visibility: Visibility;
  /** Equal for viewers who see the same. */
  key: string;
  /** Milliseconds; from then on the identity is no longer proven. */
  expires: number;
};

export const NOBODY: Viewer = viewer(null, "public");

export function viewer(identity: Identity | null, visibility: Viewer["visibility"]): Viewer {
  return {
    identity,
    visibility,
    expires: identity?.expiresAt ?? Infinity,
    // Of the user and not of the token: a fresh token changes nothing of what its holder sees.
    key: `${visibility} ${JSON.stringify(identity?.user ?? null)}`,
  };
}
