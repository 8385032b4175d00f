import { requireVerifiedEmail } from "../accounts/verified";
import { dataIn, fieldIn } from "../ontology/eventData";
import { compareValues, type Value } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { internal } from "../_generated/api";
import { ApiError, invalidFields, notFound } from "../kit/errors";
import { own } from "../kit/own";
import { receiverProblem } from "../kit/publicAddress";
import { sealSecret } from "../kit/secretBox";
import { record, type WriteScope } from "../ontology/effects";
import { isEventType, unknownEvent } from "../ontology/eventTypes";
import { TenantReader } from "../ontology/reader";
import { ALL_EVENTS } from "./following";
import { TEST_EVENT } from "./webhookBody";
import { enqueue, resetQueue } from "./webhookQueue";
import { newSecret } from "./webhookSecrets";

/** Endpoints of outgoing webhooks: what their owners decide of them. */
export type Webhook = Doc<"webhooks">;

/** Each event is matched with every one of them. */
export const MAX_WEBHOOKS = 100;

export type WebhookInput = {
  url: string;
  events: string[];
  projectId?: string | null | undefined;
  description?: string | null | undefined;
  ordered?: boolean | undefined;
};

/**
 * A new endpoint, and its secret, which is shown this once.
 * @throws VALIDATION_ERROR for an address that is not allowed or an unknown event; PROJECT_NOT_FOUND;
 * CONFLICT when the organization has as many as it may
 */
export async function createWebhook(
  ctx: MutationCtx,
  scope: WriteScope,
  input: WebhookInput,
): Promise<{ webhook: Webhook; secret: string }> {
  requireVerifiedEmail(scope);
  const { organizationId, actor } = scope;
  const fields = await checkedFields(ctx, scope, input);
  const present = await webhooksOf(ctx, organizationId);
  if (present.length >= MAX_WEBHOOKS) {
    const message = `An organization has at most ${MAX_WEBHOOKS} webhooks.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_WEBHOOKS } });
  }
  const secret = newSecret();
  const now = Date.now();
  const id = await ctx.db.insert("webhooks", {
    ...fields,
    url: input.url,
    events: input.events,
    ordered: input.ordered ?? false,
    organizationId,
    status: "active",
    secret: await sealSecret(secret),
    sinceTs: ctx.meta.getSnapshotTs(),
    version: 1,
    createdBy: actor.id,
    createdAt: now,
    updatedAt: now,
  });
  await updateFollowed(ctx, organizationId);
  const changes = Object.entries({ url: input.url, events: input.events });
  await recordWebhook(ctx, scope, "created", id, changes);
  return { webhook: await existing(ctx, id), secret };
}

export type WebhookChanges = Partial<WebhookInput> & { status?: Webhook["status"] | undefined };

/** Given fields change; `null` clears. Switched on again, it goes on with what waits. */
export async function changeWebhook(
  ctx: MutationCtx,
  scope: WriteScope,
  webhook: Webhook,
  changes: WebhookChanges,
): Promise<Webhook> {
  const { status, ...input } = changes;
  const fields = await checkedFields(ctx, scope, input);
  const given = changedOf(webhook, { ...input, ...fields });
  const isSwitchedOn = status === "active" && webhook.status === "disabled";
  const on = isSwitchedOn
    ? { status: "active" as const, disabledAt: undefined, disabledReason: undefined }
    : {};
  if (Object.keys({ ...given, ...on }).length > 0) {
    const version = webhook.version + 1;
    const stamp = { version, updatedAt: Date.now() };
    await ctx.db.patch("webhooks", webhook._id, { ...given, ...on, ...stamp });
    await recordWebhook(ctx, scope, isSwitchedOn ? "enabled" : "updated", webhook._id, [
      ...Object.entries(given),
    ]);
  }
  const changed = await existing(ctx, webhook._id);
  if (isSwitchedOn) await resetQueue(ctx, changed);
  if (status === "disabled") await switchOff(ctx, scope, changed, "By hand.");
  await updateFollowed(ctx, scope.organizationId);
  return await existing(ctx, webhook._id);
}

/** Of what is given, that which is not so already; `null` as "remove". */
function changedOf(
  webhook: Webhook,
  given: Partial<WebhookInput>,
): Partial<Pick<Webhook, keyof WebhookInput>> {
  const known: Record<string, Value | undefined> = webhook;
  const changes = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, value ?? undefined] as const)
    .filter(([field, value]) => compareValues(known[field], value) !== 0);
  return Object.fromEntries(changes);
}

/** Stops deliveries; what waits stays, and goes out when it is switched on. Answers whether it was on. */
export async function switchOff(
  ctx: MutationCtx,
  scope: WriteScope,
  { _id: id }: Webhook,
  reason: string,
): Promise<boolean> {
  const webhook = await existing(ctx, id);
  if (webhook.status === "disabled") return false;
  const now = Date.now();
  const version = webhook.version + 1;
  const off = { status: "disabled" as const, disabledAt: now, disabledReason: reason };
  await ctx.db.patch("webhooks", id, { ...off, version, updatedAt: now });
  const { url } = webhook;
  await record(ctx, scope, {
    action: "webhook.disabled",
    objectType: "webhook",
    objectId: id,
    changes: [{ field: "status", before: "active", after: "disabled" }],
    event: { data: { id, type: "webhook", url, reason, createdBy: webhook.createdBy } },
  });
  await updateFollowed(ctx, webhook.organizationId);
  return true;
}

/** Its deliveries go with it, in transactions of their own. */
export async function removeWebhook(
  ctx: MutationCtx,
  scope: WriteScope,
  webhook: Webhook,
): Promise<void> {
  const { _id: webhookId, organizationId } = webhook;
  await ctx.db.delete("webhooks", webhookId);
  await ctx.scheduler.runAfter(0, internal.delivery.maintenance.deleteDeliveries, { webhookId });
  await updateFollowed(ctx, organizationId);
  await recordWebhook(ctx, scope, "deleted", webhookId, []);
}

/** A delivery of an event of its own, to try the receiver. @throws INVALID_STATE when it is off */
export async function sendTest(
  ctx: MutationCtx,
  scope: WriteScope,
  webhook: Webhook,
): Promise<Doc<"webhookDeliveries">> {
  requireActive(webhook);
  const { traceId } = scope;
  const ids = await enqueue(ctx, webhook, [{ eventType: TEST_EVENT, traceId }]);
  await recordWebhook(ctx, scope, "tested", webhook._id, []);
  return await oneDelivery(ctx, ids);
}

/** The same event once more, under the same `webhook-id`. @throws INVALID_STATE when it is off */
export async function resend(
  ctx: MutationCtx,
  scope: WriteScope,
  delivery: Doc<"webhookDeliveries">,
): Promise<Doc<"webhookDeliveries">> {
  const webhook = await existing(ctx, delivery.webhookId);
  requireActive(webhook);
  const { eventId, eventType } = delivery;
  if (eventId === undefined) return await sendTest(ctx, scope, webhook);
  const { traceId } = scope;
  const again = { eventId, eventType, traceId, resendOf: delivery._id };
  const ids = await enqueue(ctx, webhook, [again]);
  await recordWebhook(ctx, scope, "resent", webhook._id, [["deliveryId", delivery._id]]);
  return await oneDelivery(ctx, ids);
}

/** Everything of a span of time once more, a page at a time. @throws INVALID_STATE when it is off */
export async function startReplay(
  ctx: MutationCtx,
  scope: WriteScope,
  webhook: Webhook,
  span: { since: number; until: number },
): Promise<void> {
  requireActive(webhook);
  const { traceId } = scope;
  const { since: from, until } = span;
  const args = { webhookId: webhook._id, from, until, cursor: null, traceId };
  await ctx.scheduler.runAfter(0, internal.delivery.webhookReplay.replay, args);
  await recordWebhook(ctx, scope, "replayed", webhook._id, Object.entries(span));
}

export async function requireDelivery(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Doc<"webhookDeliveries">> {
  const delivery = await own(ctx, { organizationId }, "webhookDeliveries", id);
  // The deliveries of a deleted endpoint are on their way out.
  if (!(await ctx.db.get("webhooks", delivery.webhookId))) throw notFound("delivery");
  return delivery;
}

export async function webhooksOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<Webhook[]> {
  return await ctx.db
    .query("webhooks")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .take(MAX_WEBHOOKS);
}

/** Whether an endpoint wants an event: its type, and what it has to do with the project. */
export function wants(webhook: Webhook, event: Doc<"events">): boolean {
  const { events, projectId } = webhook;
  if (!events.includes(ALL_EVENTS) && !events.includes(event.type)) return false;
  if (projectId === undefined || event.objectId === projectId) return true;
  return fieldIn(dataIn(event), "projectId") === projectId;
}

/** Keeps what the organization's writes look at before they schedule a hand-over. */
async function updateFollowed(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<void> {
  const active = (await webhooksOf(ctx, organizationId)).filter(
    ({ status }) => status === "active",
  );
  const types = [...new Set(active.flatMap(({ events }) => events))].sort();
  const followedEvents = types.includes(ALL_EVENTS) ? [ALL_EVENTS] : types;
  const organization = await ctx.db.get("organizations", organizationId);
  if (organization?.followedEvents?.join() === followedEvents.join()) return;
  await ctx.db.patch("organizations", organizationId, { followedEvents });
}

async function checkedFields(
  ctx: MutationCtx,
  scope: WriteScope,
  { url, events, projectId, description }: Partial<WebhookInput>,
): Promise<{ projectId?: Id<"objects">; description?: string }> {
  const allowPrivate = process.env.WEBHOOK_ALLOW_PRIVATE === "true";
  const problem = url === undefined ? null : receiverProblem(url, allowPrivate);
  const unknown = (events ?? []).flatMap((type, index) =>
    type === ALL_EVENTS || isEventType(type)
      ? []
      : [{ field: `events.${index}`, message: unknownEvent(type) }],
  );
  const problems = [...(problem === null ? [] : [{ field: "url", message: problem }]), ...unknown];
  if (problems.length > 0) throw invalidFields(problems);
  const tenant = new TenantReader(ctx, scope);
  return {
    ...(projectId ? { projectId: (await tenant.require("project", projectId))._id } : {}),
    ...(description ? { description } : {}),
  };
}

function requireActive({ status, disabledReason }: Webhook): void {
  if (status === "active") return;
  throw new ApiError(
    "INVALID_STATE",
    `The webhook is switched off. ${disabledReason ?? ""}`.trim(),
    {
      details: { status, allowed: ["active"] },
    },
  );
}

export async function existing(ctx: QueryCtx, id: Id<"webhooks">): Promise<Webhook> {
  const webhook = await ctx.db.get("webhooks", id);
  if (!webhook) throw new Error(`Webhook ${id} vanished within its own transaction.`);
  return webhook;
}

async function oneDelivery(
  ctx: QueryCtx,
  [id]: Id<"webhookDeliveries">[],
): Promise<Doc<"webhookDeliveries">> {
  const delivery = id && (await ctx.db.get("webhookDeliveries", id));
  if (!delivery) throw new Error("A delivery vanished within its own transaction.");
  return delivery;
}

export async function recordWebhook(
  ctx: MutationCtx,
  scope: WriteScope,
  verb: string,
  objectId: Id<"webhooks">,
  after: [string, string | string[] | number | boolean | null | undefined][],
): Promise<void> {
  const changes = after.map(([field, value]) => ({ field, after: value ?? null }));
  await record(ctx, scope, {
    action: `webhook.${verb}`,
    objectType: "webhook",
    objectId,
    changes,
  });
}
