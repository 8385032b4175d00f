import type { QueryCtx } from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import type { Caller } from "./caller";
import { findOwn } from "./own";

/** What the audit trail says of a caller's writes: who, as what, from where, by which request. */
export async function writeScopeOf(
  ctx: QueryCtx,
  caller: Caller,
  request: Pick<WriteScope, "traceId" | "ip" | "userAgent">,
): Promise<WriteScope> {
  const { organizationId, kind, id, name } = caller;
  const { traceId, ip, userAgent } = request;
  const type = kind === "unkeyed_portal" ? "system" : kind;
  const actor = { type, id, name } as const;
  return { organizationId, actor, traceId, ip, userAgent, ...(await standingOf(ctx, caller)) };
}

/** By what the caller may write, and what bounds it. */
async function standingOf(
  ctx: QueryCtx,
  caller: Caller,
): Promise<
  Pick<WriteScope, "role" | "member" | "sessionId" | "deviceId" | "viewer" | "isUnverified">
> {
  if (caller.kind === "api_key" || caller.kind === "unkeyed_portal") return {};
  const session = caller.sessionId === null ? {} : { sessionId: caller.sessionId };
  if (caller.kind === "portal_user") return { ...session, viewer: caller.viewer };
  // Not with the caller: a query that read the device would not be cached beyond its next pull.
  const device = caller.deviceId && (await findOwn(ctx, caller, "devices", caller.deviceId));
  const unverified = caller.isUnverified ? { isUnverified: true } : {};
  return {
    ...session,
    ...unverified,
    role: caller.role,
    ...(caller.member === undefined ? {} : { member: caller.member }),
    ...(device ? { deviceId: device.deviceId } : {}),
  };
}
