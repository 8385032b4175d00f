import type { Infer, Value } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { AWAITING } from "../audit/awaiting";
import { digestsOf } from "../audit/digest";
import type { Role } from "../kit/scopes";
import type { jobScope } from "../schemas/crmSchemas";
import type { actor } from "../schemas/ontologySchemas";
import type { Change } from "./changes";
import type { PortalViewer } from "./portalRules";

/** On whose behalf, in which tenant and by which request a mutation writes. */
export type WriteScope = {
  organizationId: Id<"organizations">;
  actor: Infer<typeof actor>;
  traceId: string;
  ip: string | null;
  userAgent: string | null;
  /** Of a member of staff. */
  role?: Role;
  /** Whose sight goes by teams, and so bounds what they change (sight.ts). */
  member?: Id<"users">;
  /** The sign-in under which they write. */
  sessionId?: string;
  /** The device that it comes from, as it calls itself: the session's, or a pushed change's. */
  deviceId?: string;
  /** They have not verified their e-mail: see accounts/verified.ts. */
  isUnverified?: boolean;
  /** Set when a portal user writes: what they see then bounds what they change. */
  viewer?: PortalViewer;
};

/** A scope as jobs keep it, which see all: without what bounds the one who began them. */
export function jobScopeOf(scope: WriteScope): Infer<typeof jobScope> {
  const { viewer: _viewer, member: _member, isUnverified: _isUnverified, ...kept } = scope;
  return kept;
}

/** Something that happened to an object of the ontology or of the core tables. */
export type Happening = {
  /** `contact.created`, `api_key.revoked`: the audit action and the event's type. */
  action: string;
  objectType: string;
  objectId: string;
  changes: Change[];
  /** The object after it, for those who follow events; absent where only the audit trail cares. */
  event?: { data: Value; previous?: Value };
  /** The audit entry will say which files the document was issued with, and waits for them. */
  awaitsFiles?: boolean;
};

/** Writes the audit entry, whose id it answers, and the event, in the transaction of the change itself. */
export async function record(
  ctx: MutationCtx,
  scope: WriteScope,
  happening: Happening,
): Promise<Id<"auditLogs">> {
  const { action, objectType, objectId, changes, event, awaitsFiles = false } = happening;
  const { viewer: _viewer, member: _member, isUnverified: _isUnverified, ...who } = scope;
  const { organizationId, actor, traceId } = scope;
  const at = Date.now();
  const commitTs = ctx.db.vars.commitTs;
  const entry = { ...who, at, action, objectType, objectId, changes };
  const entryId = await ctx.db.insert("auditLogs", {
    ...{ ...entry, digests: digestsOf(entry), commitTs },
    ...(awaitsFiles ? { seq: AWAITING } : {}),
  });
  if (!event) return entryId;
  const subject = { organizationId, actor, objectType, objectId, traceId, at, commitTs };
  await ctx.db.insert("events", { ...subject, type: action, ...event });
  return entryId;
}
