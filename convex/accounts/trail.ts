import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import type { Change } from "../ontology/changes";
import { record } from "../ontology/effects";
import { activeMemberships } from "./memberships";

/** Beyond so many organizations a person's own matters are told to the first of them. */
const MAX_ORGANIZATIONS = 50;

type PersonalEvent = {
  /** `user.signed_in`, `user.password_changed`, … */
  action: string;
  changes?: Change[];
};

/**
 * What happened to a person's account, in the trail of each organization that they are an active
 * member of: whoever answers for its data sees who gets in how. The actor is the person. It is in the log
 * as well, by the request's id: who belongs to no organization yet has no other trail.
 */
export async function recordForPerson(
  ctx: MutationCtx,
  user: Doc<"users">,
  { action, changes = [] }: PersonalEvent,
  request: RequestOrigin,
): Promise<void> {
  const { traceId: requestId, ip } = request;
  console.log(
    JSON.stringify({
      ...{ timestamp: new Date().toISOString(), level: "INFO", message: action },
      ...{ requestId, userId: user._id, ip },
    }),
  );
  const memberships = await activeMemberships(ctx, user._id, MAX_ORGANIZATIONS);
  for (const { organizationId } of memberships) {
    const actor = { type: "user" as const, id: user._id, name: user.name };
    const subject = { objectType: "user", objectId: user._id, changes };
    await record(ctx, { organizationId, actor, ...request }, { action, ...subject });
  }
}
