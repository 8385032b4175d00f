import { v } from "convex/values";
import type { RegisteredMutation } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import type { SignedRequest } from "./signatures";

/**
 * A webhook that a provider sends us. Its signature is checked on the raw body (wrong: 401), one
 * mutation records the event under its own id and applies it, and the answer is 200 from then on,
 * also for one that has come before. What fails to apply is recorded and tried again by us.
 */
export type IncomingWebhookDefinition = {
  /** Below `/api/v1`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Part of the event's identity: ids of two providers do not meet. */
  provider: string;
  /** The environment variable of the signing secret; without it the route answers 503. */
  secret: string;
  /** @throws INVALID_SIGNATURE; see signatures.ts. */
  verify(secret: string, request: SignedRequest): void;
  /** The event's own id (null where it has none) and type. Asked after `verify`. */
  read(request: SignedRequest, body: unknown): { id: string | null; type: string };
  /** The answer to a provider's GET that proves whose address it is; null refuses it. */
  challenge?: (query: URLSearchParams) => string | null;
  /** Bytes; 1 MiB where nothing else is said: so much a row of ours can hold. */
  bodyLimit?: number;
};

/**
 * What became of an event: `ignored` when it is none of ours or of a type that says nothing to us;
 * `failed` when it cannot be applied yet, so that we try again. What the handler wrote stays then; to
 * take that back as well, it throws.
 */
export type Outcome = {
  status: "applied" | "ignored" | "failed";
  /** Why it is ignored, or what a person should know of it. */
  note?: string;
  organizationId?: Id<"organizations">;
};

export const outcomeValidator = v.object({
  status: v.union(v.literal("applied"), v.literal("ignored"), v.literal("failed")),
  note: v.optional(v.string()),
  organizationId: v.optional(v.id("organizations")),
});

type Handler = (ctx: MutationCtx, event: Doc<"incomingEvents">) => Promise<Outcome>;

const definitions = new WeakMap<object, IncomingWebhookDefinition>();

/**
 * An incoming webhook is one export, as an endpoint is. The handler runs in a transaction within the
 * one that records the event: what it throws rolls back what it wrote, and the event stays recorded.
 * It must bear being called again after it threw. Nothing external happens in it: it schedules.
 */
export function incomingWebhook(
  definition: IncomingWebhookDefinition,
  handler: Handler,
): RegisteredMutation<"internal", { id: Id<"incomingEvents"> }, Promise<Outcome>> {
  const registered = internalMutation({
    args: { id: v.id("incomingEvents") },
    returns: outcomeValidator,
    handler: async (ctx, { id }): Promise<Outcome> => {
      const event = await ctx.db.get("incomingEvents", id);
      if (!event) throw new Error(`Incoming event ${id} is missing.`);
      return await handler(ctx, event);
    },
  });
  definitions.set(registered, definition);
  return registered;
}

/** With the name that Convex calls its handler by. */
export type MountedWebhook = IncomingWebhookDefinition & { functionName: string };

/** All incoming webhooks of the given modules, by their path under `convex/`. */
export function incomingIn(modules: Record<string, Record<string, unknown>>): MountedWebhook[] {
  return Object.entries(modules).flatMap(([module, exports]) =>
    Object.entries(exports).flatMap(([name, exported]) => {
      const isObject = typeof exported === "object" || typeof exported === "function";
      const definition = isObject && exported ? definitions.get(exported) : undefined;
      return definition ? [{ ...definition, functionName: `${module}:${name}` }] : [];
    }),
  );
}
