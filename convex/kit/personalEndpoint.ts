import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import {
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import { persons } from "./askers";
import { type WriteCall, writeCallValidator, type WriteReply } from "./calls";
import { type CallerCredential, credentialValidator } from "./caller";
import {
  type AnswerOf,
  type Consulted,
  consultedBy,
  type EndpointDefinition,
  type Input,
  registerEndpoint,
  type WithExample,
} from "./endpoint";
import { parseInput, type RequestInput, requestValidator, schemasOf } from "./input";
import { serveRead, serveWrite } from "./pipeline";
import type { RequestOrigin } from "./requestOrigin";
import type { Refusal, Reply } from "./reply";

/**
 * Endpoints of a person rather than of an organization: whose organizations there are, founding one,
 * accepting an invite, and what a platform administrator sees of all. Only members of staff have
 * them; `X-Tenant-Id` is not asked for, and no role or scope is needed.
 */
export type PersonalDefinition = Omit<
  EndpointDefinition,
  "scope" | "callers" | "tenantInPath" | "subject" | "raw" | "notesPull" | "tellsTime"
> & {
  /** Refused to who is no administrator of the deployment. */
  forAdministrators?: true;
  /** Refused to who has signed in longer ago than `RECENT_SIGN_IN_SECONDS`; see accounts/recent.ts. */
  needsRecentSignIn?: true;
  /** Refused to who has not verified their e-mail yet. */
  needsVerifiedEmail?: true;
};

/** Of a person, under which sign-in: null for one who did not sign in with us. */
type SignedIn = {
  person: Doc<"users">;
  session: Doc<"sessions"> | null;
  /** `X-Tenant-Id` as it was sent, for what is told of one of their organizations; nothing asks for it. */
  tenantId: string | undefined;
};
export type PersonalReadContext = QueryCtx & SignedIn;
export type PersonalWriteContext = MutationCtx &
  SignedIn & {
    /** By which request they write. */
    request: RequestOrigin;
    /** By what they have shown who they are. */
    shown: CallerCredential["kind"];
    /** The scope of what the person writes in an organization. */
    scopeIn(organizationId: Id<"organizations">): WriteScope;
  };

type ReadArgs = { credential: typeof credentialValidator.type; request: RequestInput };
type WriteArgs = { call: WriteCall; request: RequestInput };

export function personalReadEndpoint<const Definition extends PersonalDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: (ctx: PersonalReadContext, input: Input<Definition>) => Promise<AnswerOf<Definition>>,
): RegisteredQuery<"internal", ReadArgs, Promise<Reply>> {
  const schemas = schemasOf(definition);
  const registered = internalQuery({
    args: { credential: credentialValidator, request: requestValidator },
    handler: async (ctx, { credential, request }): Promise<Reply> =>
      await serveRead(
        ctx,
        persons,
        { credential, door: definition },
        async ({ person, session }) => {
          const input = (await parseInput(schemas, request, zoneOf(person))) as Input<Definition>;
          const { tenantId } = credential;
          return await handler({ ...ctx, person, session, tenantId }, input);
        },
      ),
  });
  registerEndpoint(registered, personal(definition, "query"));
  return registered;
}

export function personalWriteEndpoint<const Definition extends PersonalDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: (
    ctx: PersonalWriteContext,
    input: Input<Definition> & { consulted: Consulted<Definition> },
  ) => Promise<AnswerOf<Definition> | Refusal>,
): RegisteredMutation<"internal", WriteArgs, Promise<WriteReply>> {
  const schemas = schemasOf(definition);
  const registered = internalMutation({
    args: { call: writeCallValidator, request: requestValidator },
    handler: async (ctx, { call, request }): Promise<WriteReply> =>
      await serveWrite(ctx, persons, { call, door: definition }, async ({ who }) => {
        const { person, session } = who;
        const input = (await parseInput(schemas, request, zoneOf(person))) as Input<Definition>;
        const actor = { type: "user", id: person._id, name: person.name } as const;
        const { traceId, ip, userAgent } = call;
        const by = { traceId, ip, userAgent };
        const signIn = session === null ? {} : { sessionId: session._id };
        const scopeIn = (organizationId: Id<"organizations">): WriteScope => ({
          ...{ organizationId, actor, ...by, ...signIn },
        });
        const consulted = consultedBy(definition, call) as Consulted<Definition>;
        const { tenantId, kind: shown } = call.credential;
        const context = { ...ctx, person, session, tenantId, request: by, shown, scopeIn };
        return await handler(context, { ...input, consulted });
      }),
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

/** A person acts for no organization here, whose days they could mean: theirs are meant. */
function zoneOf({ timeZone }: Doc<"users">): () => string {
  return () => timeZone ?? "UTC";
}
