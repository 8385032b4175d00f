import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import { admitToWrite, callersOfOrganizations } from "./askers";
import type { Caller, Identity } from "./caller";
import { type PlaceOf, placing } from "./errors";
import { identifyAt, identifyIn, type SessionId } from "./live";
import { writing } from "./pipeline";
import type { Scope } from "./scopes";

/** What a mutation of the dashboard writes with: the same store, limits and traces as an endpoint's. */
export type LiveWriter = {
  ctx: MutationCtx;
  caller: Caller;
  organization: Doc<"organizations">;
  store: ObjectStore;
  scope: WriteScope;
};

/**
 * Writes in the organization that the arguments name.
 * @param placeOf where among the arguments the fields are that rules speak of
 * @throws as `callerIn`; RATE_LIMITED
 */
export async function writeIn<Result>(
  ctx: MutationCtx,
  sessionId: SessionId,
  organizationId: Id<"organizations">,
  scope: Scope,
  placeOf: PlaceOf,
  write: (writer: LiveWriter) => Promise<Result>,
): Promise<Result> {
  const identify = async (): Promise<Identity> => await identifyIn(ctx, sessionId, organizationId);
  return await writeAs(ctx, identify, scope, placeOf, write);
}

/**
 * Writes to the object that the arguments name.
 * @param placeOf where among the arguments the fields are that rules speak of
 * @throws as `callerAt`; RATE_LIMITED
 */
export async function writeAt<T extends ObjectType, Result>(
  ctx: MutationCtx,
  sessionId: SessionId,
  subject: { type: T; id: string },
  scope: Scope,
  placeOf: PlaceOf,
  write: (writer: LiveWriter, object: ObjectDoc<T>) => Promise<Result>,
): Promise<Result> {
  const identify = async (): Promise<Identity & { object: ObjectDoc<T> }> =>
    await identifyAt(ctx, sessionId, subject);
  return await writeAs(ctx, identify, scope, placeOf, (writer, { object }) =>
    write(writer, object),
  );
}

async function writeAs<Who extends Identity, Result>(
  ctx: MutationCtx,
  identify: () => Promise<Who>,
  scope: Scope,
  placeOf: PlaceOf,
  write: (writer: LiveWriter, who: Who) => Promise<Result>,
): Promise<Result> {
  const { ip, userAgent, requestId: traceId } = await ctx.meta.getRequestMetadata();
  const request = { identify, credential: "session", ip, door: { scope } } as const;
  const { who, home } = await admitToWrite(ctx, callersOfOrganizations, request);
  const by = { caller: who.caller, organization: home };
  return await placing(placeOf, () =>
    writing(ctx, by, { traceId, ip, userAgent }, (writer) => write({ ctx, ...by, ...writer }, who)),
  );
}
