import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireRecentSignIn } from "../accounts/recent";
import { noteUse } from "../accounts/sessions";
import { isUnverified, requireVerifiedEmail } from "../accounts/verified";
import { ApiError } from "./errors";
import {
  type Caller,
  type CallerCredential,
  callerKey,
  type CallerKind,
  type Identity,
  requireKind,
  hasScope,
  requireScope,
  requireUnexpired,
} from "./caller";
import type { KeyOwner } from "./idempotency";
import { identify } from "./identify";
import {
  consumeForAddress,
  consumeForCaller,
  consumeForKey,
  consumeTry,
  type RateLimit,
} from "./limits";
import { requireKeyOfMode } from "./mode";
import { organizationOf } from "./own";
import { identifyPerson, type Person, personKey } from "./person";
import type { Scope } from "./scopes";

/** What an answer tells of the caller's limit, the origins that may read it, and whom the log names. */
export type Metering = {
  rateLimit: RateLimit;
  allowedOrigins: string[] | null;
  caller: string | null;
  /** The session was given more time: until then. */
  rolledTo?: number;
};

type Expiring = Pick<Identity, "expiresAt">;
type Counted = { ip: string | null; triesTokens?: boolean | undefined };

/**
 * Who asks: a caller of an organization, or a person who acts for none. The steps of a request
 * (`admit`, `admitToWrite`, pipeline.ts) are the same for both; what they do for each is here.
 */
export type Askers<Who extends Expiring, Home, Door> = {
  /** @throws UNAUTHORIZED; as `identify` and `identifyPerson` */
  identify(ctx: QueryCtx, credential: CallerCredential): Promise<Who>;
  /** The organization that is asked. */
  homeOf(ctx: QueryCtx, who: Who): Promise<Home>;
  /** @throws RATE_LIMITED */
  count(ctx: MutationCtx, who: Who, home: Home, request: Counted): Promise<Metering>;
  /** @throws FORBIDDEN, INSUFFICIENT_SCOPE */
  requireTaken(who: Who, door: Door): void;
  /** @throws FORBIDDEN for who reads, and writes nothing */
  requireWriter(who: Who, home: Home): void;
  /** Whose idempotency keys they are. */
  keysOf(who: Who): KeyOwner;
};

/** What an endpoint says of whom it takes. */
type CallersDoor = {
  scope: Scope;
  orScopes?: readonly Scope[] | undefined;
  callers?: readonly CallerKind[] | undefined;
};
type PersonsDoor = {
  forAdministrators?: true;
  needsVerifiedEmail?: true;
  needsRecentSignIn?: true;
};

export const callersOfOrganizations: Askers<Identity, Doc<"organizations">, CallersDoor> = {
  identify,
  homeOf: async (ctx, { caller }) => await organizationOf(ctx, caller),
  count: async (ctx, { caller, session }, organization, { ip }) => ({
    rateLimit: await consumeFor(ctx, caller, organization, ip),
    allowedOrigins: organization.allowedOrigins,
    caller: callerKey(caller),
    ...(await rolled(ctx, session)),
  }),
  requireTaken: ({ caller }, { scope, orScopes = [], callers }) => {
    requireKind(caller, callers);
    if (!orScopes.some((other) => hasScope(caller, other))) requireScope(caller, scope);
  },
  requireWriter: ({ keyMode }, organization) => {
    requireKeyOfMode(keyMode, organization);
  },
  keysOf: ({ caller }) => ({ organizationId: caller.organizationId, caller: callerKey(caller) }),
};

/** Every counted request is a use of its session. */
async function rolled(
  ctx: MutationCtx,
  session: Doc<"sessions"> | null,
): Promise<{ rolledTo?: number }> {
  const rolledTo = session && (await noteUse(ctx, session));
  return rolledTo === null ? {} : { rolledTo };
}

/** Who has no secret is counted by address. */
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

export const persons: Askers<Person, null, PersonsDoor> = {
  identify: identifyPerson,
  homeOf: async () => null,
  /** As of the smallest plan. Where they try a token, that is the limit which counts. */
  count: async (ctx, { person, session }, _home, { ip, triesTokens = false }) => {
    const subject = personKey(person);
    const general = await consumeForCaller(ctx, subject, "free");
    const rateLimit = triesTokens ? await consumeTry(ctx, subject, ip) : general;
    return { rateLimit, allowedOrigins: null, caller: subject, ...(await rolled(ctx, session)) };
  },
  requireTaken: ({ person, session }, door) => {
    if (door.forAdministrators && !person.isPlatformAdmin) {
      throw new ApiError("FORBIDDEN", "This is for administrators of the deployment.");
    }
    if (door.needsVerifiedEmail) requireVerifiedEmail({ isUnverified: isUnverified(person) });
    if (door.needsRecentSignIn) requireRecentSignIn(session);
  },
  requireWriter: () => undefined,
  keysOf: ({ person }) => ({ caller: personKey(person) }),
};

/** Nobody in particular, see publicEndpoint.ts: counted by address, as who tries a token. */
export const strangers: Askers<Expiring, null, object> = {
  identify: async () => ({ expiresAt: undefined }),
  homeOf: async () => null,
  count: async (ctx, _who, _home, { ip, triesTokens = false }) => ({
    rateLimit: await consumeForAddress(ctx, ip, triesTokens),
    allowedOrigins: null,
    caller: null,
  }),
  requireTaken: () => undefined,
  requireWriter: () => undefined,
  keysOf: () => ({ caller: "nobody" }),
};

/** Who asks, and by what they are known. */
export type Entrance<Who> = {
  identify: () => Promise<Who>;
  credential: CallerCredential["kind"];
};

/** Who asks, by a credential that is good now: what only a mutation can tell. @throws UNAUTHORIZED */
export async function identifyNow<Who extends Expiring>({
  identify: identified,
  credential,
}: Entrance<Who>): Promise<Who> {
  const who = await identified();
  requireUnexpired(who, Date.now(), credential);
  return who;
}

/** The first steps of a read. A query does not read the clock: its door does, see metering.ts. */
export async function admit<Known extends Expiring, Who extends Known, Home, Door>(
  askers: Askers<Known, Home, Door>,
  identified: () => Promise<Who>,
  door: Door,
): Promise<Who> {
  const who = await identified();
  askers.requireTaken(who, door);
  return who;
}

/** `metering` is null where the request was counted with its upload. */
export type Admitted<Who, Home> = { who: Who; home: Home; metering: Metering | null };

/** The first steps of a write: known, counted, then let in. */
export async function admitToWrite<Known extends Expiring, Who extends Known, Home, Door>(
  ctx: MutationCtx,
  askers: Askers<Known, Home, Door>,
  request: Entrance<Who> & Counted & { isCounted?: boolean; door: Door },
): Promise<Admitted<Who, Home>> {
  const who = await identifyNow(request);
  const home = await askers.homeOf(ctx, who);
  const metering = request.isCounted ? null : await askers.count(ctx, who, home, request);
  askers.requireTaken(who, request.door);
  askers.requireWriter(who, home);
  return { who, home, metering };
}
