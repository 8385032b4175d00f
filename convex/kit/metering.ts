import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import {
  type Caller,
  type CallerCredential,
  callerKey,
  credentialValidator,
  requireUnexpired,
} from "./caller";
import { identify } from "./identify";
import { errorDataOf } from "./errors";
import { notePull } from "../sync/devices";
import { organizationOf } from "./own";
import { identifyPerson, personKey } from "./person";
import {
  consumeForAddress,
  consumeForCaller,
  consumeForKey,
  consumeTry,
  type RateLimit,
} from "./limits";

/** What an answer tells of the caller's limit, the origins that may read it, and whom the log names. */
export type Metering = {
  rateLimit: RateLimit;
  allowedOrigins: string[] | null;
  caller: string | null;
};

/** Counts a request of a known caller; one that has no secret, by its address. @throws RATE_LIMITED */
export async function meterCaller(
  ctx: MutationCtx,
  caller: Caller,
  ip: string | null,
): Promise<{ metering: Metering; organization: Doc<"organizations"> }> {
  const organization = await organizationOf(ctx, caller);
  const subject = callerKey(caller);
  const rateLimit = await consumeFor(ctx, caller, organization, ip);
  const { allowedOrigins } = organization;
  return { metering: { rateLimit, allowedOrigins, caller: subject }, organization };
}

async function consumeFor(
  ctx: MutationCtx,
  caller: Caller,
  organization: Doc<"organizations">,
  ip: string | null,
): Promise<RateLimit> {
  if (caller.kind === "unkeyed_portal") return await consumeForAddress(ctx, ip, true);
  const subject = callerKey(caller);
  return caller.kind === "api_key"
    ? await consumeForKey(ctx, subject, organization)
    : await consumeForCaller(ctx, subject, organization.tier);
}

/**
 * Counts a request of a person who acts for no organization: as of the smallest plan. Where they try
 * a token, that is the limit which counts. @throws RATE_LIMITED
 */
export async function meterPerson(
  ctx: MutationCtx,
  person: Doc<"users">,
  { ip, triesTokens = false }: { ip: string | null; triesTokens?: boolean | undefined },
): Promise<Metering> {
  const subject = personKey(person);
  const general = await consumeForCaller(ctx, subject, "free");
  const rateLimit = triesTokens ? await consumeTry(ctx, subject, ip) : general;
  return { rateLimit, allowedOrigins: null, caller: subject };
}

/**
 * Counts what no write of its own counts: a read (this runs beside its query, never before it) and a
 * request that was refused (whose own transaction rolled back). A stranger is counted by address.
 * `authorized` is also where a read's credential meets the clock.
 * @throws RATE_LIMITED
 */
export const meter = internalMutation({
  args: {
    credential: v.union(credentialValidator, v.null()),
    ip: v.union(v.string(), v.null()),
    triesTokens: v.optional(v.boolean()),
    /** A pull: the device that the session is tied to has been seen. */
    isPull: v.optional(v.boolean()),
    /** Whether the endpoint takes a person, see personalEndpoint.ts. */
    isPersonal: v.optional(v.boolean()),
  },
  handler: async (ctx, request): Promise<MeterReply> => {
    const { credential, ip, triesTokens = false, isPull, isPersonal = false } = request;
    const { identity, ...metered } = await meterRequest(ctx, {
      ...{ credential, ip, triesTokens, isPersonal },
    });
    if (isPull && identity) await notePull(ctx, identity);
    const { documentsRead } = await ctx.meta.getTransactionMetrics();
    return { ...metered, documentsRead: documentsRead.used };
  },
});

type MeterReply = Metering & { authorized: boolean; documentsRead: number };

type Metered = {
  credential: CallerCredential | null;
  ip: string | null;
  triesTokens: boolean;
  isPersonal: boolean;
};

async function meterRequest(
  ctx: MutationCtx,
  { credential, ip, triesTokens, isPersonal }: Metered,
): Promise<Omit<MeterReply, "documentsRead"> & { identity: Caller | null }> {
  const known = credential && (await identifyQuietly(ctx, credential, isPersonal));
  if (known?.person) {
    const metering = await meterPerson(ctx, known.person, { ip, triesTokens });
    return { ...metering, authorized: true, identity: null };
  }
  if (known?.caller) {
    const { metering } = await meterCaller(ctx, known.caller, ip);
    return { ...metering, authorized: true, identity: known.caller };
  }
  const rateLimit = await consumeForAddress(ctx, ip, triesTokens);
  return {
    rateLimit,
    allowedOrigins: null,
    caller: null,
    authorized: known?.authorized ?? false,
    identity: null,
  };
}

/** A good credential may be refused for what it asks; one that has expired is refused for itself. */
async function hasExpired(ctx: QueryCtx, credential: CallerCredential): Promise<boolean> {
  if (credential.kind === "clerk") return false; // its end was checked with its signature
  const { tenantId: _tenantId, tenantInPath: _tenantInPath, ...alone } = credential;
  const { expiresAt } =
    alone.kind === "session" ? await identifyPerson(ctx, alone) : await identify(ctx, alone);
  return expiresAt !== undefined && expiresAt <= Date.now();
}

/** A refusal is for the request's own function to state; here it only tells whom to count. */
async function identifyQuietly(
  ctx: MutationCtx,
  credential: CallerCredential,
  isPersonal: boolean,
): Promise<{ caller: Caller | null; person?: Doc<"users">; authorized: boolean }> {
  try {
    if (isPersonal) {
      const identity = await identifyPerson(ctx, credential);
      requireUnexpired(identity, Date.now(), credential.kind);
      return { caller: null, person: identity.person, authorized: true };
    }
    const identity = await identify(ctx, credential);
    requireUnexpired(identity, Date.now(), credential.kind);
    return { caller: identity.caller, authorized: true };
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    const isGood = refusal.code !== "UNAUTHORIZED" && !(await hasExpired(ctx, credential));
    return { caller: null, authorized: isGood };
  }
}
