import { v, type Infer } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import {
  asked,
  attemptFailed,
  ended,
  holds,
  leased,
  newJob,
  queuedAt,
  succeeded,
} from "../jobs/job";
import { ApiError } from "../kit/errors";
import { modeIn } from "../kit/mode";
import { requireIssued } from "../ontology/invoiceActions";
import type { ObjectDoc } from "../ontology/registry";
import type { InvoicingContext } from "../ontology/salesContent";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import { deploymentOwner } from "./deploymentOwner";
import { isTestKey } from "./hints";
import { currentKey, forgetKey } from "./keys";
import { jobOf, LINK_LEASE_MS, putNext, startLink, withJob } from "./linkJob";
import { stripeAmount } from "./stripeAmounts";

/**
 * A page of the provider on which an invoice is paid. The request that asks for one only writes that
 * it is wanted; an action asks the provider for it, and the address then stands on the invoice. When
 * what is open changes, the link is closed, so that nobody pays what is no longer owed.
 */
type Link = Doc<"paymentLinks">;
type Invoice = ObjectDoc<"invoice">;

const MAX_ERROR = 300;
/** Each changes its invoice as well. */
const CLOSED_AT_ONCE = 50;

/**
 * The invoice's link for what is open now; a new one where there is none for that amount.
 * @throws SERVICE_UNAVAILABLE where no provider is set up; INVALID_STATE, CONFLICT
 */
export async function requestLink(context: InvoicingContext, invoice: Invoice): Promise<Link> {
  const { _id: invoiceId, organizationId } = invoice;
  const keyId = await keyFor(context, context.organization);
  requireIssued(invoice, "cannot be paid");
  const { amountDueInCents, currency } = invoice.customProperties;
  if (amountDueInCents <= 0) {
    throw new ApiError("INVALID_STATE", "Nothing is open on this invoice.", {
      details: {
        status: invoice.status,
        allowed: ["sent", "awaiting_employer_payment", "overdue"],
      },
    });
  }
  for (const status of ["pending", "ready"] as const) {
    const present = await linkIn(context, invoice, status);
    // One that was made with another key may be another account's.
    const isStill = present?.amountInCents === amountDueInCents && present.keyId === keyId;
    if (isStill) return present;
    if (present) await closeLink(context, present);
  }
  const now = Date.now();
  const id = await context.db.insert("paymentLinks", {
    ...{ organizationId, invoiceId, provider: "stripe", amountInCents: amountDueInCents, currency },
    ...(keyId === undefined ? {} : { keyId }),
    ...{ status: "pending", job: newJob(now), createdAt: now },
  });
  await startLink(context, id, now);
  return await existing(context, id);
}

/**
 * The organization's own key; the deployment's (undefined) is for the organization that it belongs to
 * alone: another's customers would pay that one; and for a test organization only if it is a test key.
 * @throws SERVICE_UNAVAILABLE where there is none
 */
async function keyFor(
  ctx: QueryCtx,
  { _id: organizationId, mode }: Doc<"organizations">,
): Promise<Id<"paymentKeys"> | undefined> {
  const own = await currentKey(ctx, organizationId);
  if (own) return own._id;
  const isOwner = (await deploymentOwner(ctx)) === organizationId;
  const deployments = process.env.STRIPE_SECRET_KEY;
  if (isOwner && deployments && (mode !== "test" || isTestKey(deployments))) return undefined;
  const message =
    "No payment provider is set up for this organization: PUT /organization/payment-providers/stripe with its secretKey.";
  throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 3600 });
}

/** The newest link of an invoice that has not been closed, or null. */
export async function currentLink(ctx: QueryCtx, invoice: Invoice): Promise<Link | null> {
  for (const status of ["ready", "pending", "failed"] as const) {
    const link = await linkIn(ctx, invoice, status);
    if (link) return link;
  }
  return null;
}

/** Closes the links of an invoice whose amount is not what is open. */
export async function closeStaleLinks(ctx: MutationCtx, invoice: Invoice): Promise<void> {
  const { status: invoiceStatus, customProperties } = invoice;
  const due = invoiceStatus === "cancelled" ? 0 : customProperties.amountDueInCents;
  for (const status of ["pending", "ready"] as const) {
    const link = await linkIn(ctx, invoice, status);
    if (link && link.amountInCents !== due) await closeLink(ctx, link);
  }
}

/** One that the provider is asked for just now is closed when it has answered. */
async function closeLink(ctx: MutationCtx, link: Link): Promise<void> {
  const now = Date.now();
  const job = jobOf(link);
  if (link.externalId !== undefined) await beginClosing(ctx, link, now);
  else {
    const left = job.state === "running" ? job : ended(job, "cancelled", now);
    await ctx.db.patch("paymentLinks", link._id, { status: "closed", ...withJob(left) });
  }
  await showOnInvoice(ctx, link, undefined);
}

async function beginClosing(
  ctx: MutationCtx,
  link: Link,
  now: number,
  made: { url?: string; externalId?: string } = {},
): Promise<void> {
  const job = { ...queuedAt(jobOf(link), now), attempts: 0 };
  await ctx.db.patch("paymentLinks", link._id, { status: "closing", ...made, ...withJob(job) });
  await startLink(ctx, link._id, now);
}

const outcome = v.union(
  v.object({ url: v.string(), externalId: v.string() }),
  v.object({ closed: v.literal(true) }),
  v.object({ error: v.string(), isFinal: v.boolean() }),
);
export type LinkOutcome = Infer<typeof outcome>;

export const linkJob = v.object({
  lease: v.number(),
  task: v.union(v.literal("create"), v.literal("close")),
  externalId: v.union(v.string(), v.null()),
  amount: v.number(),
  currency: v.string(),
  invoiceNumber: v.string(),
  /** Of a test organization: no live key asks for anything. */
  isTest: v.boolean(),
  organizationId: v.id("organizations"),
  invoiceId: v.id("objects"),
  /** Sealed, or null for the deployment's: the one it is made with, then others that may close it. */
  keys: v.array(v.union(v.string(), v.null())),
});

/** What the action is to do; null when that is done, or is another run's. */
export const claim = internalMutation({
  args: { id: v.id("paymentLinks") },
  returns: v.union(linkJob, v.null()),
  handler: async (ctx, { id }): Promise<Infer<typeof linkJob> | null> => {
    const link = await ctx.db.get("paymentLinks", id);
    const now = Date.now();
    if (!link) return null;
    const job = jobOf(link);
    if (job.state !== "queued" || job.at > now) return null;
    const invoice = await ctx.db.get("objects", link.invoiceId);
    if (invoice?.type !== "invoice") return null;
    const held = asked(leased(job, now, LINK_LEASE_MS), now, LINK_LEASE_MS);
    await ctx.db.patch("paymentLinks", id, withJob(held));
    return {
      lease: held.lease,
      task: link.status === "closing" ? "close" : "create",
      externalId: link.externalId ?? null,
      amount: stripeAmount(link.amountInCents, link.currency),
      currency: link.currency,
      invoiceNumber: invoice.customProperties.invoiceNumber,
      isTest: (await modeIn(ctx, link.organizationId)) === "test",
      organizationId: link.organizationId,
      invoiceId: link.invoiceId,
      keys: await keysOf(ctx, link),
    };
  },
});

/** A key that Stripe has revoked closes nothing: the account's present one may. */
async function keysOf(ctx: QueryCtx, link: Link): Promise<(string | null)[]> {
  const made = link.keyId && (await ctx.db.get("paymentKeys", link.keyId));
  const first = link.keyId === undefined ? [null] : made ? [made.sealed] : [];
  if (link.status !== "closing") return first;
  const current = await currentKey(ctx, link.organizationId);
  return current && current._id !== link.keyId ? [...first, current.sealed] : first;
}

/** Closes the pages that were made with a key which its organization has taken away. */
export const closeLinksOf = internalMutation({
  args: { keyId: v.id("paymentKeys") },
  returns: v.null(),
  handler: async (ctx, { keyId }): Promise<null> => {
    for (const status of ["pending", "ready"] as const) {
      const open = await ctx.db
        .query("paymentLinks")
        .withIndex("by_key", (q) => q.eq("keyId", keyId).eq("status", status))
        .take(CLOSED_AT_ONCE);
      for (const link of open) await closeLink(ctx, link);
      if (open.length < CLOSED_AT_ONCE) continue;
      await ctx.scheduler.runAfter(0, internal.payments.links.closeLinksOf, { keyId });
      return null;
    }
    return null;
  },
});

/** Records what became of an attempt; one that failed is made again, at growing intervals. */
export const settle = internalMutation({
  args: { id: v.id("paymentLinks"), lease: v.optional(v.number()), outcome },
  returns: v.null(),
  handler: async (ctx, { id, lease, outcome: result }) => {
    const link = await ctx.db.get("paymentLinks", id);
    // Taken for lost, and asked for again by another: the provider answers that one the same.
    if (!link || (lease !== undefined && !holds(jobOf(link), lease))) return null;
    if ("error" in result) await recordFailure(ctx, link, result);
    else if ("closed" in result) {
      const done = withJob(succeeded(jobOf(link), Date.now()));
      await ctx.db.patch("paymentLinks", id, { status: "closed", ...done, error: undefined });
    } else await recordCreated(ctx, link, result);
    if (link.keyId) await forgetKey(ctx, link.keyId);
    return null;
  },
});

async function recordCreated(
  ctx: MutationCtx,
  link: Link,
  made: { url: string; externalId: string },
): Promise<void> {
  const now = Date.now();
  if (link.status !== "pending") {
    // Closed while the provider made it: there is something to close now.
    await beginClosing(ctx, link, now, made);
    return;
  }
  const ready = { status: "ready" as const, ...withJob(succeeded(jobOf(link), now)) };
  await ctx.db.patch("paymentLinks", link._id, { ...ready, ...made, error: undefined });
  await showOnInvoice(ctx, link, made.url);
}

async function recordFailure(
  ctx: MutationCtx,
  link: Link,
  { error: message, isFinal }: { error: string; isFinal: boolean },
): Promise<void> {
  const error = message.slice(0, MAX_ERROR);
  // One that was closed meanwhile is not wanted any more.
  const isOver = isFinal || link.status === "closed";
  await putNext(ctx, link, attemptFailed(jobOf(link), Date.now(), { error, isFinal: isOver }));
}

async function showOnInvoice(
  ctx: MutationCtx,
  { organizationId, invoiceId }: Link,
  paymentUrl: string | undefined,
): Promise<void> {
  const store = new ObjectStore(ctx, systemScope(organizationId, "payments"));
  const invoice = await store.find("invoice", invoiceId);
  if (!invoice) return;
  await store.update(invoice, { customProperties: { paymentUrl } });
  await store.finish();
}

async function linkIn(
  ctx: QueryCtx,
  { organizationId, _id: invoiceId }: Invoice,
  status: Link["status"],
): Promise<Link | null> {
  return await ctx.db
    .query("paymentLinks")
    .withIndex("by_invoice", (q) =>
      q.eq("organizationId", organizationId).eq("invoiceId", invoiceId).eq("status", status),
    )
    .order("desc")
    .first();
}

async function existing(ctx: QueryCtx, id: Id<"paymentLinks">): Promise<Link> {
  const link = await ctx.db.get("paymentLinks", id);
  if (!link) throw new Error(`Payment link ${id} vanished within its own transaction.`);
  return link;
}
