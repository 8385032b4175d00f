import type { Value } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Infer } from "convex/values";
import type { actor } from "../schemas/ontologySchemas";
import type { PortalViewer } from "./portalRules";

/** On whose behalf, in which tenant and by which request a mutation writes. */
export type WriteScope = {
  organizationId: Id<"organizations">;
  actor: Infer<typeof actor>;
  traceId: string;
  ip: string | null;
  userAgent: string | null;
  /** Set when a device's change is carried out: as the device calls itself. */
  deviceId?: string;
  /** Set when a portal user writes: what they see then bounds what they change. */
  viewer?: PortalViewer;
};

export type Change = { field: string; before?: Value; after?: Value };

/** Something that happened to an object of the ontology or of the core tables. */
export type Happening = {
  /** `contact.created`, `api_key.revoked`: the audit action and the event's type. */
  action: string;
  objectType: string;
  objectId: string;
  changes: Change[];
  /** The object after it, for those who follow events; absent where only the audit trail cares. */
  event?: { data: Value; previous?: Value };
};

/** Writes the audit entry and the event, in the transaction of the change itself. */
export async function record(
  ctx: MutationCtx,
  scope: WriteScope,
  happening: Happening,
): Promise<void> {
  const { action, objectType, objectId, changes, event } = happening;
  const { organizationId, actor, traceId, ip, userAgent, deviceId } = scope;
  const at = Date.now();
  const commitTs = ctx.db.vars.commitTs;
  const subject = { organizationId, actor, objectType, objectId, traceId, at, commitTs };
  await ctx.db.insert("auditLogs", {
    ...subject,
    ...{ action, changes, ip, userAgent },
    ...(deviceId === undefined ? {} : { deviceId }),
  });
  if (event) await ctx.db.insert("events", { ...subject, type: action, ...event });
}
