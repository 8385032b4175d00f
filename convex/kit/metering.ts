import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { notePull } from "../sync/devices";
import {
  type Askers,
  callersOfOrganizations,
  identifyNow,
  type Metering,
  persons,
  strangers,
} from "./askers";
import { type CallerCredential, credentialValidator, type Identity } from "./caller";
import { errorDataOf } from "./errors";
import { identify } from "./identify";
import { consumeForAddress, consumeForCaller } from "./limits";
import { organizationOf } from "./own";
import { identifyPerson } from "./person";

/**
 * Counts what no write of its own counts: a read (this runs beside its query or after it, never before it) and a
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
    /** Whether it takes everybody, see publicEndpoint.ts. */
    isPublic: v.optional(v.boolean()),
  },
  handler: async (ctx, request): Promise<MeterReply> => {
    const { credential } = request;
    const known = credential && (await countAsked(ctx, credential, request));
    const metering = known?.metering ?? (await countStranger(ctx, request));
    const { documentsRead } = await ctx.meta.getTransactionMetrics();
    const authorized = known?.authorized ?? false;
    return { ...metering, authorized, documentsRead: documentsRead.used };
  },
});

/**
 * Counts the read of a member of staff after it, whom its query has found: what that has read is not
 * read again. @throws RATE_LIMITED
 */
export const meterStaff = internalMutation({
  args: { caller: v.string(), organizationId: v.id("organizations") },
  handler: async (ctx, known): Promise<MeterReply> => {
    const metering = await countStaff(ctx, known);
    const { documentsRead } = await ctx.meta.getTransactionMetrics();
    return { ...metering, authorized: true, documentsRead: documentsRead.used };
  },
});

type MeterReply = Metering & { authorized: boolean; documentsRead: number };
type Asked = Counted & { isPull?: boolean; isPersonal?: boolean; isPublic?: boolean };

/** Whom the endpoint takes: everybody, a person, or a caller of an organization. */
async function countAsked(
  ctx: MutationCtx,
  credential: CallerCredential,
  request: Asked,
): Promise<Known<Pick<Identity, "expiresAt">>> {
  if (request.isPublic) return await countKnown(ctx, strangers, credential, request);
  if (request.isPersonal) return await countKnown(ctx, persons, credential, request);
  const known = await countKnown(ctx, callersOfOrganizations, credential, request);
  if (request.isPull && known.who) await notePull(ctx, known.who.caller);
  return known;
}

type Counted = { ip: string | null; triesTokens?: boolean };
type Known<Who> =
  | { who: Who; metering: Metering; authorized: true }
  | { who: null; metering: null; authorized: boolean };

/** A refusal is for the request's own function to state; here it only tells whom to count. */
async function countKnown<Who extends Pick<Identity, "expiresAt">, Home, Door>(
  ctx: MutationCtx,
  askers: Askers<Who, Home, Door>,
  credential: CallerCredential,
  request: Counted,
): Promise<Known<Who>> {
  let who: Who;
  try {
    const asked = async (): Promise<Who> => await askers.identify(ctx, credential);
    who = await identifyNow({ identify: asked, credential: credential.kind });
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    const isGood = refusal.code !== "UNAUTHORIZED" && !(await hasExpired(ctx, credential));
    return { who: null, metering: null, authorized: isGood };
  }
  const metering = await askers.count(ctx, who, await askers.homeOf(ctx, who), request);
  return { who, metering, authorized: true };
}

/** As `callersOfOrganizations` counts a member of staff, of whom no more is known than their name. */
async function countStaff(
  ctx: MutationCtx,
  { caller, organizationId }: { caller: string; organizationId: Id<"organizations"> },
): Promise<Metering> {
  const { tier, allowedOrigins } = await organizationOf(ctx, { organizationId });
  return { rateLimit: await consumeForCaller(ctx, caller, tier), allowedOrigins, caller };
}

async function countStranger(
  ctx: MutationCtx,
  { ip, triesTokens = false }: Counted,
): Promise<Metering> {
  const rateLimit = await consumeForAddress(ctx, ip, triesTokens);
  return { rateLimit, allowedOrigins: null, caller: null };
}

/** A good credential may be refused for what it asks; one that has expired is refused for itself. */
async function hasExpired(ctx: QueryCtx, credential: CallerCredential): Promise<boolean> {
  if (credential.kind === "clerk") return false; // its end was checked with its signature
  const { tenantId: _tenantId, tenantInPath: _tenantInPath, ...alone } = credential;
  const isPersons = alone.kind === "session" || alone.kind === "access_token";
  const { expiresAt } = isPersons ? await identifyPerson(ctx, alone) : await identify(ctx, alone);
  return expiresAt !== undefined && expiresAt <= Date.now();
}
