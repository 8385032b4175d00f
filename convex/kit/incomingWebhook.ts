import { v } from "convex/values";
import type { RegisteredMutation } from "convex/server";
import type * as z from "zod";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { payloadOf, readPayload } from "./incomingPayload";
import type { SignatureScheme } from "./signatures";

/**
 * A webhook that a provider sends us. Its signature is checked on the raw body (wrong: 401), one
 * mutation records the event under its own id and applies it, and the answer is 200 from then on,
 * also for one that has come before. What fails to apply is recorded and tried again by us; what
 * cannot be read is recorded as `unreadable`, with the path of what is wrong. An event whose signature
 * holds is always in a list: its organization's, or the platform's.
 */
export type IncomingWebhookDefinition<Body extends z.ZodType = z.ZodType> = {
  /** Below `/api/v1`; an address of an organization's own ends in `/:endpointKey`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Part of the event's identity: ids of two providers do not meet. */
  provider: string;
  secret: SecretSource;
  signature: SignatureScheme;
  identity: EventIdentity;
  /** What makes the schema of what the handler reads of the body, once the signature holds. */
  body: () => Body;
  /** A body as documentation shows it. Signed, it is answered 200: test/http/examples.test.ts. */
  example: z.input<Body>;
  /**
   * Whose what comes to the deployment's address is, as far as that is known of the address alone: days
   * are read in their time zone, and an event that cannot be read is in their list.
   */
  owner?(ctx: QueryCtx): Promise<Id<"organizations"> | null>;
  /** What may differ between two deliveries of one event, such as a count of attempts: a pattern. */
  varying?: string;
  /**
   * The provider is answered 400 where its event cannot be read. Others are answered 200 all the same:
   * they switch an address off that refuses.
   */
  refusesUnreadable?: true;
  /** A provider's GET proves whose address it is, as Meta does it, with this variable's token. */
  challenge?: { variable: string };
};

/**
 * The event's own id: the message's of Standard Webhooks, the body's `id`, or none. Its type is the
 * body's `type`, unless all events of the address are of one.
 */
export type EventIdentity = { id: "standard-webhooks" | "body" | null; type?: string };

/**
 * Where the secret stands: in a variable of the deployment (without it the route answers 503), or with
 * the organization that the address's `:endpointKey` names, asked of an internal query by its name.
 */
export type SecretSource = { variable: string } | { query: string };

/** What such a query answers: the secrets that sign at an address now, sealed, and until when. */
export type AddressSecrets = {
  organizationId: Id<"organizations">;
  secrets: { sealed: string; until: number | null }[];
};

/**
 * What became of an event: `ignored` when it is none of ours or of a type that says nothing to us;
 * `unreadable` when some of it could not be read; `failed` when it cannot be applied yet, so that we
 * try again. What the handler wrote stays then; to take that back as well, it throws.
 */
export type Outcome = {
  status: "applied" | "ignored" | "failed" | "unreadable";
  /** Why it is not applied, or what a person should know of it. */
  note?: string;
  /** Of what could not be read: `body.data.currency`. */
  path?: string;
  organizationId?: Id<"organizations">;
};

export const outcomeValidator = v.object({
  status: v.union(
    v.literal("applied"),
    v.literal("ignored"),
    v.literal("failed"),
    v.literal("unreadable"),
  ),
  note: v.optional(v.string()),
  path: v.optional(v.string()),
  organizationId: v.optional(v.id("organizations")),
});

type Handler<Body extends z.ZodType> = (
  ctx: MutationCtx,
  event: Doc<"incomingEvents">,
  body: z.output<Body>,
) => Promise<Outcome>;

const definitions = new WeakMap<object, IncomingWebhookDefinition>();

/**
 * An incoming webhook is one export, as an endpoint is. The handler runs in a transaction within the
 * one that records the event: what it throws rolls back what it wrote, and the event stays recorded.
 * It must bear being called again after it threw. Nothing external happens in it: it schedules.
 */
export function incomingWebhook<Body extends z.ZodType>(
  definition: IncomingWebhookDefinition<Body>,
  handler: Handler<Body>,
): RegisteredMutation<"internal", { id: Id<"incomingEvents"> }, Promise<Outcome>> {
  const registered = internalMutation({
    args: { id: v.id("incomingEvents") },
    returns: outcomeValidator,
    handler: async (ctx, { id }): Promise<Outcome> => {
      const event = await ctx.db.get("incomingEvents", id);
      if (!event) throw new Error(`Incoming event ${id} is missing.`);
      const organizationId = event.addressedTo ?? (await definition.owner?.(ctx)) ?? null;
      const owner = organizationId && (await ctx.db.get("organizations", organizationId));
      const payload = await payloadOf(ctx, event);
      const read = readPayload(definition.body(), payload, owner?.timeZone ?? "UTC");
      if (read.success) return await handler(ctx, event, read.data);
      const { path, message: note } = read.problem;
      return { status: "unreadable", path, note, ...(organizationId ? { organizationId } : {}) };
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
