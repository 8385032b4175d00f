import * as z from "zod";
import type { Doc, Id } from "../../_generated/dataModel";
import type { QueryCtx } from "../../_generated/server";
import { jobOf } from "../../kit/incomingJob";
import { ok, readEndpoint } from "../../kit/endpoint";
import { type Pageable, pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { personalReadEndpoint } from "../../kit/personalEndpoint";
import { text } from "../../kit/text";
import { once } from "../../kit/once";

const status = once(() => z.enum(["received", "applied", "ignored", "failed", "unreadable"]));

const record = once(() =>
  z
    .object({
      id: z.string(),
      provider: z.string().meta({ example: "stripe" }),
      eventId: z
        .string()
        .meta({ description: "The provider's own; where it has none, the SHA-256 of the body." }),
      type: z.string().meta({ example: "checkout.session.completed" }),
      status: status(),
      note: z
        .string()
        .nullable()
        .meta({ description: "Why it is not applied, or what a person should know of it." }),
      path: z
        .string()
        .nullable()
        .meta({ description: "Of what could not be read.", example: "body.data.currency" }),
      attempts: z.number().int(),
      nextAttemptAt: z.number().nullable().meta({ description: "Of one that failed." }),
      receivedAt: z.number(),
    })
    .meta({ id: "IncomingEvent" }),
);

const filters = once(() => ({ provider: text(50).optional(), status: status().optional() }));

export const list = readEndpoint(
  {
    method: "GET",
    path: "/webhooks/incoming",
    tag: "Webhooks",
    summary: "List the events that providers sent, newest first",
    description:
      "Every event whose signature held and that is this organization's, also one that is ignored or that could not be read; those of no organization are in the platform's list. They are kept 90 days.",
    scope: "webhooks:read",
    query: () => z.strictObject({ ...pageParameters(), ...filters() }),
    list: true,
    answers: { 200: () => z.array(record()) },
  },
  async (ctx, { query }) => {
    const listName = JSON.stringify(["incoming", query.provider, query.status]);
    const found = incomingOf(ctx, ctx.caller.organizationId, query);
    const { rows, meta } = await pageThrough(listName, pagingOf(query), found);
    return ok(rows.map(eventView), { meta });
  },
);

export const listOfPlatform = personalReadEndpoint(
  {
    method: "GET",
    path: "/admin/incoming",
    tag: "Administration",
    summary: "List the events of providers that are no organization's, newest first",
    description: "For administrators of the deployment. They are kept 90 days.",
    forAdministrators: true,
    query: () => z.strictObject({ ...pageParameters(), ...filters() }),
    list: true,
    answers: { 200: () => z.array(record()) },
  },
  async (ctx, { query }) => {
    const listName = JSON.stringify(["admin/incoming", query.provider, query.status]);
    const found = incomingOf(ctx, undefined, query);
    const { rows, meta } = await pageThrough(listName, pagingOf(query), found);
    return ok(rows.map(eventView), { meta });
  },
);

type Filters = {
  provider?: string | undefined;
  status?: z.output<ReturnType<typeof status>> | undefined;
};

function incomingOf(
  { db }: QueryCtx,
  organizationId: Id<"organizations"> | undefined,
  { provider, status: wanted }: Filters,
): Pageable<Doc<"incomingEvents">> {
  const rows = db.query("incomingEvents");
  if (provider !== undefined && wanted !== undefined) {
    return rows
      .withIndex("by_provider_and_status", (q) =>
        q.eq("organizationId", organizationId).eq("provider", provider).eq("status", wanted),
      )
      .order("desc");
  }
  if (provider !== undefined) {
    return rows
      .withIndex("by_provider", (q) =>
        q.eq("organizationId", organizationId).eq("provider", provider),
      )
      .order("desc");
  }
  if (wanted !== undefined) {
    return rows
      .withIndex("by_status", (q) => q.eq("organizationId", organizationId).eq("status", wanted))
      .order("desc");
  }
  return rows
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .order("desc");
}

/** Without the body: it is the provider's, of its own size and shape. */
function eventView(event: Doc<"incomingEvents">): z.input<ReturnType<typeof record>> {
  const { _id: id, provider, eventId, type, receivedAt } = event;
  const { error, path = null } = event;
  const { attempts, state, at } = jobOf(event);
  const nextAttemptAt = state === "queued" ? at : null;
  const note = error === undefined ? null : path === null ? error : `${path}: ${error}`;
  return {
    ...{ id, provider, eventId, type, status: event.status, note, path },
    ...{ attempts, nextAttemptAt, receivedAt },
  };
}
