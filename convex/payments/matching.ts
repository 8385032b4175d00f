import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { ApiError, errorDataOf, FieldError, notFound } from "../kit/errors";
import type { Outcome } from "../kit/incomingWebhook";
import { isOwn, rowOfAnyTenant } from "../kit/own";
import { record, type WriteScope } from "../ontology/effects";
import { recordPayment } from "../ontology/paymentRules";
import { TenantReader } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import type { InvoicingContext } from "../ontology/salesContent";
import { numberKey } from "../ontology/salesDocument";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import { deploymentOwner } from "./deploymentOwner";
import type { Movement } from "./movement";

/**
 * Money that came in, brought to the invoice that it is for: exactly once however often and in
 * whatever order a provider tells of it. A movement is known by the provider's reference; a refund
 * that comes before its payment, or a payment before its invoice, waits and is tried again when that
 * comes. The rules of payments decide (ontology/paymentRules.ts); what they refuse waits for a person.
 */
type Incoming = Doc<"incomingPayments">;

/** The same in all lists and look-ups of what waits; each retry is a transaction of its own. */
const RETRIED_AT_ONCE = 20;

/**
 * Records a movement and applies it where it fits. What came to an organization's own address
 * (`addressedTo`) is that organization's, whatever it names; the deployment's address is for the
 * organization that its credentials belong to. What nobody can be told of is the platform's to place.
 */
export async function receiveMovement(
  ctx: MutationCtx,
  movement: Movement,
  addressedTo: Id<"organizations"> | undefined,
): Promise<Outcome> {
  const { provider, reference } = movement;
  const target = await targetOf(ctx, movement, addressedTo);
  const known = await byReference(ctx, provider, reference, target.organizationId, addressedTo);
  if (known && isAnother(known, movement)) return another(known);
  if (known && known.status !== "unmatched") return outcomeOf(known);
  const id = known
    ? await retarget(ctx, known, target)
    : await insert(ctx, movement, target, addressedTo);
  await settle(ctx, id);
  return outcomeOf(await existing(ctx, id));
}

/** Whether the reference has been another movement's before; rows of before do not tell. */
function isAnother({ told, currency }: Incoming, movement: Movement): boolean {
  if (told === undefined) return false;
  return told !== movement.amountInCents || currency !== movement.currency;
}

function another({ reference, told, currency, organizationId }: Incoming): Outcome {
  const note = `Under the reference ${reference} another amount has come before: ${told} ${currency}. A movement of its own needs a reference of its own.`;
  return { status: "ignored", note, ...(organizationId === undefined ? {} : { organizationId }) };
}

/** Tries to bring a waiting movement to its invoice, and then what waited for it in turn. */
export async function settle(ctx: MutationCtx, id: Id<"incomingPayments">): Promise<void> {
  const incoming = await existing(ctx, id);
  const invoiceId = await invoiceOf(ctx, incoming);
  if (!invoiceId) {
    await ctx.db.patch("incomingPayments", id, { reason: missingReason(incoming) });
    return;
  }
  try {
    await ctx.runMutation(internal.payments.matching.apply, { id, invoiceId });
  } catch (error) {
    const reason = errorDataOf(error)?.message;
    if (reason === undefined) throw error;
    await ctx.db.patch("incomingPayments", id, { invoiceId, reason });
    return;
  }
  await settleWaiting(ctx, await existing(ctx, id));
}

/** Applies a movement to an invoice, in a transaction that its refusal rolls back alone. */
export const apply = internalMutation({
  args: { id: v.id("incomingPayments"), invoiceId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, { id, invoiceId }) => {
    const incoming = await existing(ctx, id);
    const { organizationId } = incoming;
    const organization = organizationId && (await ctx.db.get("organizations", organizationId));
    if (!organization) throw notFound("organization");
    const store = new ObjectStore(ctx, systemScope(organization._id, "payments"), organization);
    const invoice = await store.require("invoice", invoiceId);
    await applyTo({ ...ctx, store, organization }, incoming, invoice);
    await store.finish();
    return null;
  },
});

/**
 * Records a movement on an invoice: as much as is open, the rest stays unmatched.
 * @throws INVALID_STATE, CONFLICT as the rules of payments do, and for another currency
 */
export async function applyTo(
  context: InvoicingContext,
  incoming: Incoming,
  invoice: ObjectDoc<"invoice">,
): Promise<void> {
  requireUnmatched(incoming);
  const { reference, amountInCents, currency, paidAt, paymentMethod } = incoming;
  const { customProperties: books } = invoice;
  if (currency !== books.currency) {
    throw conflict(`It is in ${currency}, the invoice in ${books.currency}.`);
  }
  const isRefund = incoming.kind === "refund";
  const sign = isRefund ? -1 : 1;
  let applied = amountInCents;
  if (!(await isRecorded(context.store, incoming, invoice, sign * amountInCents))) {
    const most = isRefund ? books.amountPaidInCents : books.amountDueInCents;
    applied = Math.min(amountInCents, Math.max(0, most));
    if (applied === 0) {
      throw conflict(
        isRefund ? "Nothing of the invoice is paid." : "Nothing is open on the invoice.",
      );
    }
    // Of a provider whose clock is ahead, the money is here all the same: no later than now.
    const paidDate = Math.min(paidAt, Date.now());
    const payment = { paidDate, paymentMethod, transactionRef: reference };
    await recordPayment(context, invoice, { amountInCents: sign * applied, ...payment });
  }
  const { _id: id, _creationTime: _, ...fields } = incoming;
  const settled = { amountInCents: applied, invoiceId: invoice._id, settledAt: Date.now() };
  await context.db.patch("incomingPayments", id, {
    ...settled,
    status: "applied",
    reason: undefined,
  });
  if (applied === amountInCents) return;
  const rest = { amountInCents: amountInCents - applied, reference: `${reference}:rest` };
  const reason = `More than was ${isRefund ? "paid" : "open"} on ${books.invoiceNumber}.`;
  const {
    invoiceId: _of,
    invoiceNumber: _number,
    numberKey: _key,
    told: _told,
    ...unbound
  } = fields;
  await context.db.insert("incomingPayments", { ...unbound, ...rest, status: "unmatched", reason });
}

/** Whether a person has recorded this very movement by hand already. */
async function isRecorded(
  store: ObjectStore,
  { reference }: Incoming,
  { _id: invoiceId }: ObjectDoc<"invoice">,
  amountInCents: number,
): Promise<boolean> {
  const payment = (await store.findByKey("payment", numberKey(reference)))?.customProperties;
  return payment?.invoiceId === invoiceId && payment.amountInCents === amountInCents;
}

/** Takes a movement off the list: it is for no invoice of ours. @throws INVALID_STATE */
export async function dismiss(
  ctx: MutationCtx,
  scope: WriteScope,
  incoming: Incoming,
  reason: string | undefined,
): Promise<Incoming> {
  requireUnmatched(incoming);
  const settled = { status: "dismissed" as const, settledAt: Date.now() };
  const why = reason === undefined ? {} : { reason };
  await ctx.db.patch("incomingPayments", incoming._id, { ...settled, ...why });
  await recordIncoming(ctx, scope, "dismissed", incoming._id);
  return await existing(ctx, incoming._id);
}

/** Brings a movement to the invoice that a person chose. @throws as `applyTo` */
export async function matchTo(
  context: InvoicingContext,
  scope: WriteScope,
  incoming: Incoming,
  invoice: ObjectDoc<"invoice">,
): Promise<Incoming> {
  await applyTo(context, incoming, invoice);
  await recordIncoming(context, scope, "matched", incoming._id);
  return await existing(context, incoming._id);
}

/** What waits for an invoice: by its number or id. */
export async function waitingFor(
  ctx: QueryCtx,
  { _id: invoiceId, organizationId, customProperties }: ObjectDoc<"invoice">,
): Promise<Incoming[]> {
  const byId = await ctx.db
    .query("incomingPayments")
    .withIndex("by_invoice", (q) =>
      q.eq("organizationId", organizationId).eq("invoiceId", invoiceId).eq("status", "unmatched"),
    )
    .take(RETRIED_AT_ONCE);
  const byNumber = await ctx.db
    .query("incomingPayments")
    .withIndex("by_number", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("numberKey", numberKey(customProperties.invoiceNumber))
        .eq("status", "unmatched"),
    )
    .take(RETRIED_AT_ONCE);
  return [...new Map([...byId, ...byNumber].map((row) => [row._id, row])).values()];
}

type Target = Pick<Incoming, "organizationId" | "invoiceId" | "invoiceNumber" | "numberKey">;

/** Whose a movement is, and what it pays, as far as that can be told now. */
async function targetOf(
  ctx: QueryCtx,
  movement: Movement,
  addressedTo: Id<"organizations"> | undefined,
): Promise<Target> {
  const invoice = await rowOfAnyTenant(ctx, "objects", movement.invoiceId ?? "");
  const organization =
    addressedTo ??
    (await linkOwner(ctx, movement, invoice)) ??
    (await deploymentOwner(ctx)) ??
    (await named(ctx, movement, invoice));
  const owner = organization ? { organizationId: organization } : null;
  const isTheirs = invoice?.type === "invoice" && owner && isOwn(owner, invoice);
  const { invoiceNumber } = movement;
  return {
    ...owner,
    ...(isTheirs ? { invoiceId: invoice._id } : {}),
    ...(invoiceNumber === undefined ? {} : { invoiceNumber, numberKey: numberKey(invoiceNumber) }),
  };
}

/**
 * Whose invoice it is whose page was made with the deployment's key, before others could have their
 * own; also of what takes such a payment back.
 */
async function linkOwner(
  ctx: QueryCtx,
  movement: Movement,
  invoice: Doc<"objects"> | null,
): Promise<Id<"organizations"> | null> {
  if (movement.provider !== "stripe") return null;
  if (invoice?.type !== "invoice") {
    const before = await followed(ctx, movement, undefined);
    return before && !before.isOwnAddress ? (before.organizationId ?? null) : null;
  }
  const { organizationId, _id: invoiceId } = invoice;
  const links = await ctx.db
    .query("paymentLinks")
    .withIndex("by_invoice", (q) =>
      q.eq("organizationId", organizationId).eq("invoiceId", invoiceId),
    )
    .take(RETRIED_AT_ONCE);
  return links.some(({ keyId }) => keyId === undefined) ? organizationId : null;
}

/** Whom the operator's own bridge names, where the credentials are for several organizations. */
async function named(
  ctx: QueryCtx,
  movement: Movement,
  invoice: Doc<"objects"> | null,
): Promise<Id<"organizations"> | undefined> {
  if (process.env.PAYMENTS_ORGANIZATION_ID) return undefined;
  return (
    (await rowOfAnyTenant(ctx, "organizations", movement.organizationId ?? ""))?._id ??
    invoice?.organizationId ??
    (await followed(ctx, movement, undefined))?.organizationId
  );
}

async function followed(
  ctx: QueryCtx,
  { provider, follows }: Pick<Movement, "provider" | "follows">,
  organizationId: Id<"organizations"> | undefined,
  addressedTo?: Id<"organizations">,
): Promise<Incoming | null> {
  if (follows === undefined) return null;
  return await byReference(ctx, provider, follows, organizationId, addressedTo);
}

async function invoiceOf(ctx: QueryCtx, incoming: Incoming): Promise<Id<"objects"> | null> {
  const { organizationId, invoiceId, numberKey: key } = incoming;
  if (organizationId === undefined) return null;
  if (invoiceId !== undefined) return invoiceId;
  const owner = incoming.isOwnAddress ? organizationId : undefined;
  const before = await followed(ctx, linkOf(incoming), organizationId, owner);
  if (before?.status === "applied") return before.invoiceId ?? null;
  if (key === undefined) return null;
  const store = new TenantReader(ctx, { organizationId });
  return (await store.findByKey("invoice", key))?._id ?? null;
}

async function insert(
  ctx: MutationCtx,
  movement: Movement,
  target: Target,
  addressedTo: Id<"organizations"> | undefined,
): Promise<Id<"incomingPayments">> {
  const { provider, reference, kind, amountInCents, currency, paidAt, paymentMethod } = movement;
  const { follows } = movement;
  return await ctx.db.insert("incomingPayments", {
    ...{ provider, reference, kind, amountInCents, currency, paidAt, paymentMethod },
    ...(follows === undefined ? {} : { follows }),
    ...target,
    ...(addressedTo === undefined ? {} : { isOwnAddress: true as const }),
    told: amountInCents,
    status: "unmatched",
    receivedAt: Date.now(),
  });
}

/** Another event of the same movement may say more than the first one did. */
async function retarget(
  ctx: MutationCtx,
  { _id: id }: Incoming,
  target: Target,
): Promise<Id<"incomingPayments">> {
  await ctx.db.patch("incomingPayments", id, target);
  return id;
}

/** What came before this one though it follows it, and what waited for the invoice to be paid or opened. */
async function settleWaiting(ctx: MutationCtx, applied: Incoming): Promise<void> {
  const { provider, reference, organizationId, invoiceId } = applied;
  const ofPayment = [
    ...(await waitingBehind(ctx, provider, reference, organizationId)),
    // One that nobody is known to own came to the deployment's address, as its payment must have.
    ...(applied.isOwnAddress ? [] : await waitingBehind(ctx, provider, reference, undefined)),
  ];
  const ofInvoice = await ctx.db
    .query("incomingPayments")
    .withIndex("by_invoice", (q) =>
      q.eq("organizationId", organizationId).eq("invoiceId", invoiceId).eq("status", "unmatched"),
    )
    .take(RETRIED_AT_ONCE);
  const others = ofInvoice.filter(({ kind }) => kind !== applied.kind);
  for (const waiting of new Map([...ofPayment, ...others].map((row) => [row._id, row])).values()) {
    const present = await existing(ctx, waiting._id);
    if (present.status !== "unmatched") continue;
    if (present.organizationId === undefined && organizationId !== undefined) {
      await ctx.db.patch("incomingPayments", waiting._id, { organizationId });
    }
    await settle(ctx, waiting._id);
  }
}

function linkOf({ provider, follows }: Incoming): Pick<Movement, "provider" | "follows"> {
  return { provider, ...(follows === undefined ? {} : { follows }) };
}

/** What takes back a movement that has just come, of one organization or of none that is known yet. */
async function waitingBehind(
  ctx: QueryCtx,
  provider: string,
  reference: string,
  organizationId: Id<"organizations"> | undefined,
): Promise<Incoming[]> {
  return await ctx.db
    .query("incomingPayments")
    .withIndex("by_follows", (q) =>
      q
        .eq("provider", provider)
        .eq("follows", reference)
        .eq("organizationId", organizationId)
        .eq("status", "unmatched"),
    )
    .take(RETRIED_AT_ONCE);
}

/**
 * A movement by its reference: one of the organization, or one of which nobody has said whose it is.
 * Two organizations' providers may give the same reference; where no organization is named, it is
 * found only if it is the only one.
 */
async function byReference(
  ctx: QueryCtx,
  provider: string,
  reference: string,
  organizationId: Id<"organizations"> | undefined,
  addressedTo?: Id<"organizations">,
): Promise<Incoming | null> {
  const of = (owner: Id<"organizations"> | undefined): Promise<Incoming | null> =>
    ctx.db
      .query("incomingPayments")
      .withIndex("by_reference", (q) =>
        q.eq("provider", provider).eq("reference", reference).eq("organizationId", owner),
      )
      .unique();
  if (organizationId !== undefined) {
    const own = await of(organizationId);
    return own ?? (addressedTo === undefined ? await of(undefined) : null);
  }
  const [only, another] = await ctx.db
    .query("incomingPayments")
    .withIndex("by_reference", (q) => q.eq("provider", provider).eq("reference", reference))
    .take(2);
  return only && !another ? only : null;
}

function missingReason({ organizationId, follows, invoiceNumber }: Incoming): string {
  if (organizationId === undefined && follows === undefined) {
    return "It names no organization of this deployment, and there are several.";
  }
  if (invoiceNumber !== undefined) return `There is no invoice ${invoiceNumber}.`;
  if (follows !== undefined) return "What it takes back has not come in.";
  return "It names no invoice.";
}

function outcomeOf({ status, reason, organizationId }: Incoming): Outcome {
  return {
    status: "applied",
    ...(status === "unmatched" && reason !== undefined ? { note: `Unmatched: ${reason}` } : {}),
    ...(organizationId === undefined ? {} : { organizationId }),
  };
}

function requireUnmatched({ status }: Incoming): void {
  if (status === "unmatched") return;
  throw new ApiError("INVALID_STATE", `The payment is ${status} already.`, {
    details: { status, allowed: ["unmatched"] },
  });
}

function conflict(message: string): ApiError {
  return new FieldError("CONFLICT", message, "invoiceId");
}

async function existing(ctx: QueryCtx, id: Id<"incomingPayments">): Promise<Incoming> {
  const incoming = await ctx.db.get("incomingPayments", id);
  if (!incoming) throw new Error(`Incoming payment ${id} is missing.`);
  return incoming;
}

async function recordIncoming(
  ctx: MutationCtx,
  scope: WriteScope,
  verb: string,
  objectId: Id<"incomingPayments">,
): Promise<void> {
  const action = `incoming_payment.${verb}`;
  await record(ctx, scope, { action, objectType: "incoming_payment", objectId, changes: [] });
}
