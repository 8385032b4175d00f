import { type ObjectType, v } from "convex/values";
import type * as z from "zod";
import type { QueryCtx } from "../_generated/server";
import { type Caller, type Identity, callerKindValidator, credentialValidator } from "./caller";
import { admit, callersOfOrganizations } from "./askers";
import { identify } from "./identify";
import { requestValidator } from "./input";
import { isGrant } from "./scopes";

/** Where an endpoint reaches beyond its transaction, which itself asks nobody outside. */

/**
 * Before a write: an internal action, by its name, which is called with `consultationArgs`, judges
 * the caller itself (`consultingCaller`), and answers JSON text of shape `found`. Its answer may be
 * out of date by the time of the transaction, which checks again whatever can have changed.
 */
export type Consultation<Found extends z.ZodType = z.ZodType> = {
  action: string;
  found: () => Found;
};

export const consultationArgs = {
  credential: credentialValidator,
  /** Whom the endpoint takes, as it says itself. */
  callers: v.optional(v.array(callerKindValidator)),
  /** Absent where the caller is a person or nobody. */
  scope: v.optional(v.string()),
  request: requestValidator,
};
export type ConsultationArgs = ObjectType<typeof consultationArgs>;

/** The caller of a consultation, if the endpoint takes them. @throws UNAUTHORIZED, FORBIDDEN, INSUFFICIENT_SCOPE */
export async function consultingCaller(
  ctx: QueryCtx,
  { credential, callers, scope }: Omit<ConsultationArgs, "request">,
): Promise<Caller> {
  if (scope === undefined || !isGrant(scope) || scope === "*")
    throw new Error(`${scope} is not a scope.`);
  const identified = async (): Promise<Identity> => await identify(ctx, credential);
  const { caller } = await admit(callersOfOrganizations, identified, { scope, callers });
  return caller;
}
