/** Who looks at a live query: a user, an administrator, or nobody in particular. */
import type { JSONValue } from "convex/values";

/** What a verified token says of its holder. */
export type UserIdentity = { [attribute: string]: JSONValue };

export type Viewer = {
  identity: UserIdentity | null;
  /** Administrators also reach internal functions. */
  visibility: "public" | "all";
  /** Equal for viewers who see the same. */
  key: string;
  /** Milliseconds; from then on the identity is no longer proven. */
  expires: number;
};

export const NOBODY: Viewer = viewer(null, "public", Infinity);

export function viewer(
  identity: UserIdentity | null,
  visibility: Viewer["visibility"],
  expires: number,
): Viewer {
  return { identity, visibility, expires, key: `${visibility} ${JSON.stringify(identity)}` };
}
