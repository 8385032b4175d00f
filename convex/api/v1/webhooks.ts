import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { changeWebhook, createWebhook, removeWebhook, startReplay } from "../../delivery/webhooks";
import { MAX_OVERLAP_SECONDS, MAX_OVERLAPPING, rotateSecret } from "../../delivery/webhookRotation";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { invalid } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { text } from "../../kit/text";
import { feedSince, feedUntil } from "../../kit/time";
import { requireVersion } from "../../kit/version";
import { eventTypes } from "../../ontology/eventTypes";
import { once } from "../../kit/once";

const tag = "Webhooks";
const DAY_MS = 24 * 60 * 60 * 1000;
const DAY_SECONDS = 24 * 60 * 60;
/** Events are kept 90 days; a longer span is asked for in parts. */
const MAX_REPLAY = 31 * DAY_MS;

const params = once(() => z.object({ id: z.string() }));
const url = once(() =>
  text(2000).meta({
    description: "https, and a public address.",
    example: "https://example.com/hooks",
  }),
);
const events = once(() =>
  z
    .array(text(100))
    .min(1)
    .max(200)
    .transform((types) => [...new Set(types)])
    .meta({ description: "Types of events, or `*` for all.", example: ["invoice.paid"] }),
);
const description = once(() => text(500));
const projectId = once(() =>
  z
    .string()
    .max(64)
    .meta({ description: "Only events of this project and of what belongs to it." }),
);
const ordered = once(() =>
  z.boolean().meta({
    description: "The next delivery waits until the one before has succeeded or failed for good.",
  }),
);

const fields = once(() =>
  z.object({
    id: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    projectId: z.string().nullable(),
    description: z.string().nullable(),
    ordered: z.boolean(),
    status: z.enum(["active", "disabled"]),
    disabledAt: z.number().nullable(),
    disabledReason: z.string().nullable(),
    version: z.number(),
    createdAt: z.number(),
    updatedAt: z.number(),
  }),
);
const record = once(() => fields().meta({ id: "Webhook" }));
const withSecret = once(() =>
  fields()
    .extend({
      secret: z
        .string()
        .nullable()
        .meta({ description: "`whsec_…`, shown this once: null in a replay and in a dry run." }),
    })
    .meta({ id: "WebhookWithSecret" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/webhooks",
    tag,
    summary: "List webhooks, newest first",
    scope: "webhooks:read",
    query: () => z.strictObject({ ...pageParameters(), projectId: z.string().max(64).optional() }),
    list: true,
    answers: { 200: () => z.array(record()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const project =
      query.projectId === undefined ? null : await ctx.tenant.require("project", query.projectId);
    const rows = ctx.db.query("webhooks");
    const found = project
      ? rows.withIndex("by_project", (q) =>
          q.eq("organizationId", organizationId).eq("projectId", project._id),
        )
      : rows.withIndex("by_organization", (q) => q.eq("organizationId", organizationId));
    const listName = `webhooks/${project?._id ?? ""}`;
    const page = await pageThrough(listName, pagingOf(query), found.order("desc"));
    return ok(page.rows.map(webhookView), { meta: page.meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/webhooks",
    tag,
    summary: "Have events delivered to an address",
    description:
      "Deliveries are signed as Standard Webhooks describes. `secret` is shown this once.",
    scope: "webhooks:write",
    body: () =>
      z.strictObject({
        url: url(),
        events: events(),
        projectId: projectId().optional(),
        description: description().optional(),
        ordered: ordered().optional(),
      }),
    example: {
      url: "https://hooks.example.com/freehold",
      events: ["invoice.paid", "contact.created"],
      description: "To our bookkeeping.",
    },
    answers: { 201: withSecret },
    errors: ["NOT_FOUND", "CONFLICT"],
    secrets: ["secret"],
  },
  async (ctx, { body }) => {
    const { webhook, secret } = await createWebhook(ctx, ctx.scope, body);
    return created({ ...webhookView(webhook), secret }, { version: webhook.version });
  },
);

export const listEventTypes = readEndpoint(
  {
    method: "GET",
    path: "/webhooks/event-types",
    tag,
    summary: "List the types of events",
    scope: "webhooks:read",
    answers: {
      200: () =>
        z.array(
          z
            .object({
              type: z.string().meta({ example: "invoice.paid" }),
              objectType: z.string(),
              description: z.string(),
            })
            .meta({ id: "EventType" }),
        ),
    },
  },
  async () => ok([...eventTypes]),
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/webhooks/:id",
    tag,
    summary: "Get a webhook",
    scope: "webhooks:read",
    params,
    answers: { 200: record },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params: { id } }) => {
    const webhook = await ctx.tenant.own("webhooks", id);
    return ok(webhookView(webhook), { version: webhook.version });
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/webhooks/:id",
    tag,
    summary: "Change a webhook, or switch it on or off",
    description:
      "Given fields change, `null` clears. What happens while it is off is not delivered, and can be replayed; what waited when it was switched off is delivered when it is on again.",
    scope: "webhooks:write",
    params,
    body: () =>
      z.strictObject({
        url: url().optional(),
        events: events().optional(),
        projectId: projectId().nullish(),
        description: description().nullish(),
        ordered: ordered().optional(),
        status: z.enum(["active", "disabled"]).optional(),
      }),
    example: { events: ["invoice.paid", "invoice.overdue"], ordered: true },
    answers: { 200: record },
    errors: ["NOT_FOUND", "VERSION_MISMATCH"],
  },
  async (ctx, { params: { id }, body }) => {
    const webhook = await ctx.store.own("webhooks", id);
    requireVersion(ctx.ifMatch, webhook.version);
    const changed = await changeWebhook(ctx, ctx.scope, webhook, body);
    return ok(webhookView(changed), { version: changed.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/webhooks/:id",
    tag,
    summary: "Delete a webhook with its deliveries",
    scope: "webhooks:write",
    params,
    answers: { 204: null },
    errors: ["NOT_FOUND", "VERSION_MISMATCH"],
  },
  async (ctx, { params: { id } }) => {
    const webhook = await ctx.store.own("webhooks", id);
    requireVersion(ctx.ifMatch, webhook.version);
    await removeWebhook(ctx, ctx.scope, webhook);
    return noContent;
  },
);

export const rotate = writeEndpoint(
  {
    method: "POST",
    path: "/webhooks/:id/rotate-secret",
    tag,
    summary: "Give a webhook a new secret",
    description: `For \`overlapSeconds\` (a day by default, a week at most) deliveries carry the signature of the secret that is replaced as well. Each keeps its own end, however often it is rotated meanwhile; while ${MAX_OVERLAPPING} overlap, a further rotation is CONFLICT. With 0 the new secret signs alone, at once.`,
    scope: "webhooks:write",
    params,
    body: () =>
      z
        .strictObject({
          overlapSeconds: z.number().int().min(0).max(MAX_OVERLAP_SECONDS).optional(),
        })
        .optional(),
    example: { overlapSeconds: 86_400 },
    answers: { 200: withSecret },
    errors: ["CONFLICT", "NOT_FOUND", "VERSION_MISMATCH"],
    secrets: ["secret"],
  },
  async (ctx, { params: { id }, body }) => {
    const before = await ctx.store.own("webhooks", id);
    requireVersion(ctx.ifMatch, before.version);
    const overlap = body?.overlapSeconds ?? DAY_SECONDS;
    const { webhook, secret } = await rotateSecret(ctx, ctx.scope, before, overlap);
    return ok({ ...webhookView(webhook), secret }, { version: webhook.version });
  },
);

export const replay = writeEndpoint(
  {
    method: "POST",
    path: "/webhooks/:id/replay",
    tag,
    summary: "Deliver the events of a span of time once more",
    description:
      "Up to now where `until` is not given, 31 days at most; events are kept 90 days. Their `webhook-id` is the one they had.",
    scope: "webhooks:write",
    params,
    body: () =>
      z.strictObject({
        since: feedSince(),
        until: feedUntil().optional(),
      }),
    example: { since: "2026-06-01", until: "2026-06-14" },
    answers: {
      200: () =>
        z
          .object({ webhookId: z.string(), since: z.number(), until: z.number() })
          .meta({ id: "WebhookReplay" }),
    },
    errors: ["NOT_FOUND", "INVALID_STATE"],
  },
  async (ctx, { params: { id }, body: { since, until = Date.now() } }) => {
    const webhook = await ctx.store.own("webhooks", id);
    if (until <= since) throw invalid([{ path: "body.since", message: "must lie before until" }]);
    if (until - since > MAX_REPLAY) {
      throw invalid([{ path: "body.since", message: "must lie within 31 days of until" }]);
    }
    await startReplay(ctx, ctx.scope, webhook, { since, until });
    return ok({ webhookId: webhook._id, since, until });
  },
);

function webhookView(webhook: Doc<"webhooks">): z.input<ReturnType<typeof record>> {
  const { _id: id, url, events, ordered, status, version, createdAt, updatedAt } = webhook;
  const { projectId = null, description = null } = webhook;
  const { disabledAt = null, disabledReason = null } = webhook;
  const state = { status, disabledAt, disabledReason };
  return {
    ...{ id, url, events, projectId, description, ordered, ...state },
    ...{ version, createdAt, updatedAt },
  };
}
