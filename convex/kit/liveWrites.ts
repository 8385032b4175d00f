import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { ObjectStore } from "../ontology/store";
import { type Caller, requireUnexpired } from "./caller";
import { callerAt, callerIn, type SessionId, signedIn } from "./live";
import { meterCaller } from "./metering";
import type { Scope } from "./scopes";
import { writeScopeOf } from "./writeScope";

/** What a mutation of the dashboard writes with: the same store, limits and traces as an endpoint's. */
export type LiveWriter = {
  ctx: MutationCtx;
  caller: Caller;
  organization: Doc<"organizations">;
  store: ObjectStore;
  scope: WriteScope;
};

/** Writes in the organization that the arguments name. @throws as `callerIn`; RATE_LIMITED */
export async function writeIn<Result>(
  ctx: MutationCtx,
  sessionId: SessionId,
  organizationId: Id<"organizations">,
  scope: Scope,
  write: (writer: LiveWriter) => Promise<Result>,
): Promise<Result> {
  const { caller } = await callerIn(ctx, sessionId, organizationId, scope);
  return await writeAs(ctx, sessionId, caller, write);
}

/** Writes to the object that the arguments name. @throws as `callerAt`; RATE_LIMITED */
export async function writeAt<T extends ObjectType, Result>(
  ctx: MutationCtx,
  sessionId: SessionId,
  subject: { type: T; id: string },
  scope: Scope,
  write: (writer: LiveWriter, object: ObjectDoc<T>) => Promise<Result>,
): Promise<Result> {
  const { type, id } = subject;
  const { caller, object } = await callerAt(ctx, sessionId, type, id, scope);
  return await writeAs(ctx, sessionId, caller, (writer) => write(writer, object));
}

async function writeAs<Result>(
  ctx: MutationCtx,
  sessionId: SessionId,
  caller: Caller,
  write: (writer: LiveWriter) => Promise<Result>,
): Promise<Result> {
  const { session } = await signedIn(ctx, sessionId);
  requireUnexpired({ expiresAt: session?.expiresAt }, Date.now(), "session");
  const { ip, userAgent, requestId } = await ctx.meta.getRequestMetadata();
  const { organization } = await meterCaller(ctx, caller, ip);
  const scope = await writeScopeOf(ctx, caller, { traceId: requestId, ip, userAgent });
  const store = new ObjectStore(ctx, scope, organization);
  const result = await write({ ctx, caller, organization, store, scope });
  await store.finish();
  return result;
}
