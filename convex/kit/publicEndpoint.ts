import type { RegisteredMutation } from "convex/server";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { strangers } from "./askers";
import { type WriteCall, writeCallValidator, type WriteReply } from "./calls";
import {
  type Consulted,
  consultedBy,
  type DocumentedAnswer,
  type Input,
  registerEndpoint,
  type WithExample,
} from "./endpoint";
import { parseInput, type RequestInput, requestValidator, schemasOf } from "./input";
import type { PersonalDefinition } from "./personalEndpoint";
import { serveWrite } from "./pipeline";
import type { Refusal } from "./reply";
import type { RequestOrigin } from "./requestOrigin";

/**
 * Endpoints for everybody: registering, signing in, and showing what was mailed. No credential is
 * read; each is counted by its address, ten a minute where something could be guessed, before anything
 * is done for it. Nothing is kept of a body that may have a password in it, and nothing is rehearsed.
 */
export type PublicDefinition = Omit<
  PersonalDefinition,
  | "finishes"
  | "forAdministrators"
  | "needsRecentSignIn"
  | "needsVerifiedEmail"
  | "triesTokens"
  | "streams"
> & {
  /** It tries nothing that could be guessed: counted among the address's other requests. */
  isNoTry?: true;
};

export type PublicContext = MutationCtx & { request: RequestOrigin };

type Args = { call: WriteCall; request: RequestInput };

export function publicEndpoint<const Definition extends PublicDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: (
    ctx: PublicContext,
    input: Input<Definition> & { consulted: Consulted<Definition> },
  ) => Promise<DocumentedAnswer<Definition> | Refusal>,
): RegisteredMutation<"internal", Args, Promise<WriteReply>> {
  const schemas = schemasOf(definition);
  const { isNoTry } = definition;
  const door = { ...definition, ...(isNoTry ? {} : { triesTokens: true as const }) };
  const registered = internalMutation({
    args: { call: writeCallValidator, request: requestValidator },
    handler: async (ctx, { call, request }): Promise<WriteReply> =>
      await serveWrite(ctx, strangers, { call, door }, async () => {
        const input = (await parseInput(schemas, request, () => "UTC")) as Input<Definition>;
        const consulted = consultedBy(definition, call) as Consulted<Definition>;
        const { traceId, ip, userAgent } = call;
        const context = { ...ctx, request: { traceId, ip, userAgent } };
        return await handler(context, { ...input, consulted });
      }),
  });
  const isPublic = { scope: null, callers: [], isPublic: true, takesSecret: true } as const;
  registerEndpoint(registered, { ...door, ...isPublic, kind: "mutation" });
  return registered;
}
