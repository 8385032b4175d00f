import { convexToJson, type JSONValue, type Value } from "convex/values";
import type { WithoutSystemFields } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import { sha256Hex } from "../kit/tokens";

/**
 * What the chain of the audit trail is made of. What an entry says has two parts that the erasure of
 * a person may take: the values of the changed fields, and where it came from. Of each there is a
 * SHA-256 under a salt of its own, made as the entry is written; a link is the SHA-256 of the link
 * before, the entry's place, all else that it says, and those digests. A part that is erased loses
 * its salt as well: its digest still links, and tells nobody whether a guess at it is right.
 */
export type AuditEntry = Doc<"auditLogs">;
export type AuditContent = Omit<
  WithoutSystemFields<AuditEntry>,
  "digests" | "seq" | "hash" | "commitTs"
>;
export type AuditDigests = NonNullable<AuditEntry["digests"]>;
export type AuditPart = keyof AuditDigests;

export const AUDIT_PARTS: readonly AuditPart[] = ["changes", "origin"];

/** The action of the entry that accounts for blank ones: those of its object, or of what that did. */
export const ERASURE = "audit.erased";

/** What stands before the first link. */
export const GENESIS = "0".repeat(64);

export function digestsOf(content: AuditContent): AuditDigests {
  const facts = JSON.stringify(factsOf(content));
  const digest = (part: AuditPart): { salt: string; sha256: string } => {
    // 122 random bits, from a stock: other random bytes cost more than the digest.
    const salt = crypto.randomUUID();
    return { salt, sha256: digestUnder(salt, part, content, facts) };
  };
  return { changes: digest("changes"), origin: digest("origin") };
}

export function digestOf(part: AuditPart, content: AuditContent, salt: string): string {
  return digestUnder(salt, part, content, JSON.stringify(factsOf(content)));
}

/** `facts` is JSON text, which both parts of an entry have in common. */
function digestUnder(salt: string, part: AuditPart, content: AuditContent, facts: string): string {
  const said = JSON.stringify(SAID[part](content));
  return sha256Hex(`[${JSON.stringify(salt)},"${part}",${facts},${said}]`);
}

/** A row of an earlier transaction always has one. */
export function commitOf({ _id, commitTs }: AuditEntry): bigint {
  if (typeof commitTs !== "bigint") throw new Error(`Entry ${_id} is not committed yet.`);
  return commitTs;
}

/** The link of an entry at its place in the chain. */
export function linkOf(
  previous: string,
  seq: number,
  entry: AuditContent & { _id: Id<"auditLogs"> },
  { changes, origin }: AuditDigests,
): string {
  const digests = [changes.sha256, origin.sha256];
  return sha256Hex(JSON.stringify([previous, seq, entry._id, factsOf(entry), digests]));
}

const SAID: Record<AuditPart, (content: AuditContent) => JSONValue> = {
  changes: ({ changes }) => canonical(changes),
  origin: ({ actor, ip, userAgent, deviceId = null }) => [actor.name, ip, userAgent, deviceId],
};

/** What every entry says for good. */
function factsOf(content: AuditContent): JSONValue {
  const { organizationId, at, actor, role = null, sessionId = null, traceId } = content;
  const { action, objectType, objectId, changes } = content;
  const fields = changes.map(({ field }) => field);
  const who = [actor.type, actor.id, role, sessionId];
  return [organizationId, at, who, action, objectType, objectId, fields, traceId];
}

/** JSON with sorted keys and without what is undefined: the same before and after it was stored. */
export function canonical(value: unknown): JSONValue {
  if (Array.isArray(value)) return value.map(canonical);
  const isPlain = typeof value === "object" && value !== null && !(value instanceof ArrayBuffer);
  if (!isPlain) return convexToJson(value as Value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, canonical(field)]));
}
