import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import {
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import { requireUnexpired } from "./caller";
import { credentialValidator } from "./caller";
import { DryRun } from "./dryRun";
import {
  type DocumentedAnswer,
  type EndpointDefinition,
  type Input,
  registerEndpoint,
  type WithExample,
  type WriteCall,
  writeCallValidator,
  type WriteReply,
} from "./endpoint";
import { ApiError } from "./errors";
import { findReply, keepReply } from "./idempotency";
import { parseInput, type RequestInput, requestValidator } from "./input";
import { meterPerson } from "./metering";
import { identifyPerson, personKey } from "./person";
import { type Reply, replyOf, withoutSecrets } from "./reply";

/**
 * Endpoints of a person rather than of an organization: whose organizations there are, founding one,
 * accepting an invite, and what a platform administrator sees of all. Only members of staff have
 * them; `X-Tenant-Id` is not asked for, and no role or scope is needed.
 */
export type PersonalDefinition = Omit<
  EndpointDefinition,
  | "scope"
  | "callers"
  | "finishes"
  | "consults"
  | "tenantInPath"
  | "subject"
  | "raw"
  | "notesPull"
  | "tellsTime"
> & {
  /** Refused to who is no administrator of the deployment. */
  forAdministrators?: true;
};

export type PersonalReadContext = QueryCtx & { person: Doc<"users"> };
export type PersonalWriteContext = MutationCtx & {
  person: Doc<"users">;
  /** The scope of what the person writes in an organization. */
  scopeIn(organizationId: Id<"organizations">): WriteScope;
};

type ReadArgs = { credential: typeof credentialValidator.type; request: RequestInput };
type WriteArgs = { call: WriteCall; request: RequestInput };

export function personalReadEndpoint<const Definition extends PersonalDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: (
    ctx: PersonalReadContext,
    input: Input<Definition>,
  ) => Promise<DocumentedAnswer<Definition>>,
): RegisteredQuery<"internal", ReadArgs, Promise<Reply>> {
  const registered = internalQuery({
    args: { credential: credentialValidator, request: requestValidator },
    handler: async (ctx, { credential, request }): Promise<Reply> => {
      const { person } = await identifyPerson(ctx, credential);
      requireAdministrator(definition, person);
      const input = (await parseInput(definition, request, zoneOfPerson)) as Input<Definition>;
      const answer = await handler({ ...ctx, person }, input);
      const { documentsRead } = await ctx.meta.getTransactionMetrics();
      return { ...replyOf(answer), documentsRead: documentsRead.used };
    },
  });
  registerEndpoint(registered, personal(definition, "query"));
  return registered;
}

export function personalWriteEndpoint<const Definition extends PersonalDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: (
    ctx: PersonalWriteContext,
    input: Input<Definition>,
  ) => Promise<DocumentedAnswer<Definition>>,
): RegisteredMutation<"internal", WriteArgs, Promise<WriteReply>> {
  const registered = internalMutation({
    args: { call: writeCallValidator, request: requestValidator },
    handler: async (ctx, { call, request }): Promise<WriteReply> => {
      const identity = await identifyPerson(ctx, call.credential);
      const { person, expiresAt: _expiresAt, ...signIn } = identity;
      requireUnexpired(identity, Date.now(), call.credential.kind);
      const metering = await meterPerson(ctx, person, {
        ip: call.ip,
        triesTokens: definition.triesTokens,
      });
      requireAdministrator(definition, person);

      const { idempotency, dryRun = false, traceId, ip, userAgent } = call;
      const owner = { caller: personKey(person) };
      const first = idempotency && (await findReply(ctx, owner, idempotency));
      if (first) return { reply: JSON.parse(first) as Reply, replayed: true, metering };

      const input = (await parseInput(definition, request, zoneOfPerson)) as Input<Definition>;
      const actor = { type: "user", id: person._id, name: person.name } as const;
      const scopeIn = (organizationId: Id<"organizations">): WriteScope => ({
        ...{ organizationId, actor, traceId, ip, userAgent, ...signIn },
      });
      const answer = await handler({ ...ctx, person, scopeIn }, input);

      const reply = { ...replyOf(answer), traceId };
      const shown = withoutSecrets(reply, definition.secrets ?? []);
      if (dryRun) throw new DryRun(shown);
      if (idempotency) await keepReply(ctx, owner, idempotency, JSON.stringify(shown));
      const { documentsRead } = await ctx.meta.getTransactionMetrics();
      return {
        reply: { ...reply, documentsRead: documentsRead.used },
        replayed: false,
        metering,
      };
    },
  });
  registerEndpoint(registered, personal(definition, "mutation"));
  return registered;
}

function personal<Kind extends "query" | "mutation">(
  definition: PersonalDefinition,
  kind: Kind,
): PersonalDefinition & { scope: null; callers: readonly ["user"]; isPersonal: true; kind: Kind } {
  return { ...definition, scope: null, callers: ["user"], isPersonal: true, kind };
}

/** A person acts for no organization here, whose days they could mean. */
function zoneOfPerson(): string {
  return "UTC";
}

function requireAdministrator(definition: PersonalDefinition, person: Doc<"users">): void {
  if (!definition.forAdministrators || person.isPlatformAdmin) return;
  throw new ApiError("FORBIDDEN", "This is for administrators of the deployment.");
}
