import type { Edit } from "../ontology/store";

/** Last write wins, between a device's edit and what the server has. Pure. */

/** A device's clock may be this far ahead of ours; what it says beyond that is cut. */
export const MAX_AHEAD = 5 * 60 * 1000;

export type Written = {
  version: number;
  editedAt: number;
  /** Set while the latest writes are one device's. */
  pushedBy?: { device: string; editedAt: number; since: number } | undefined;
};

type Made = Pick<Edit, "device" | "at" | "editedAt">;

/** When a device made an edit, by its own clock and as far as that can be believed. */
export function editAt(device: string, clientUpdatedAt: number, now: number): Made {
  return { device, at: clientUpdatedAt, editedAt: Math.min(clientUpdatedAt, now + MAX_AHEAD) };
}

/**
 * The later one wins, and on a tie the server's. Between two edits of one device its own clock
 * decides, which orders also those that lie too far ahead; on a tie the one that came later.
 */
export function clientWins(server: Written, edit: Made): boolean {
  return server.pushedBy?.device === edit.device
    ? edit.at >= server.pushedBy.editedAt
    : edit.editedAt > server.editedAt;
}

/** What a device knew of an object when it edited it. */
export type Known = {
  baseVersion: number | undefined;
  /** It has made the object and not met it since: whatever others wrote, it cannot know. */
  isOwnOnly: boolean;
};

/**
 * Whether somebody else has written since what the device knew. One that does not say is taken to
 * have known what was written before its edit.
 */
export function hasChangedSince(
  server: Written,
  { baseVersion, isOwnOnly }: Known,
  edit: Made,
): boolean {
  const { version, pushedBy } = server;
  const run = pushedBy?.device === edit.device ? pushedBy : undefined;
  if (baseVersion === undefined) return !run && (isOwnOnly || server.editedAt > edit.editedAt);
  return version !== baseVersion && !(run && run.since <= baseVersion && baseVersion < version);
}
