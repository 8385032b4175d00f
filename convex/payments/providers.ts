import { requireVerifiedEmail } from "../accounts/verified";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalQuery, type MutationCtx, type QueryCtx } from "../_generated/server";
import { ApiError, FieldError, invalidFields, notFound } from "../kit/errors";
import type { AddressSecrets } from "../kit/incomingWebhook";
import { modeIn } from "../kit/mode";
import { openSecret, sealSecret } from "../kit/secretBox";
import { record, type WriteScope } from "../ontology/effects";
import { isTestKey, secretHint } from "./hints";
import { keepKey, retireKey } from "./keys";

/**
 * The payment providers of an organization: its own credentials, and an address of its own for what
 * the provider tells. Secrets are kept sealed, and shown by their hints alone.
 */
export type Provider = Doc<"paymentProviders">;
export type ProviderName = Provider["provider"];

/** A replaced webhook secret verifies for so long, unless it is said otherwise. */
export const OVERLAP_SECONDS = 24 * 60 * 60;
/** So many that were replaced verify beside the current one, each until its own end. */
export const MAX_OVERLAPPING = 5;

const ENDPOINT_KEY_BYTES = 32;

export type Credentials = {
  secretKey?: string | undefined;
  webhookSecret?: string | undefined;
  overlapSeconds?: number | undefined;
};

/**
 * Sets a provider up, or gives it other credentials; what is not given stays. The address stays the
 * same. What is the same as before changes nothing.
 * @throws VALIDATION_ERROR where nothing is given; CONFLICT while as many secrets overlap as may, and for
 *   a live key in a test organization
 */
export async function configureProvider(
  ctx: MutationCtx,
  scope: WriteScope,
  provider: ProviderName,
  { secretKey, webhookSecret, overlapSeconds = OVERLAP_SECONDS }: Credentials,
): Promise<Provider> {
  requireVerifiedEmail(scope);
  if (secretKey === undefined && webhookSecret === undefined) {
    throw invalidFields([
      { field: "", message: "must have a secretKey, a webhookSecret, or both" },
    ]);
  }
  const { organizationId } = scope;
  if (secretKey !== undefined) await requireKeyOfMode(ctx, organizationId, secretKey);
  const before = await providerOf(ctx, organizationId, provider);
  const keyId =
    secretKey === undefined
      ? before?.keyId
      : await keepKey(ctx, organizationId, before?.keyId, secretKey);
  const kept = before?.webhookSecrets ?? [];
  const webhookSecrets =
    webhookSecret === undefined ? kept : await rotated(kept, webhookSecret, overlapSeconds);
  const changed = [
    ...(keyId === before?.keyId ? [] : ["secretKey"]),
    ...(webhookSecrets === kept ? [] : ["webhookSecret"]),
  ];
  if (before && changed.length === 0) return before;
  const fields = { ...(keyId === undefined ? {} : { keyId }), webhookSecrets };
  const now = Date.now();
  const id = before?._id ?? (await insert(ctx, organizationId, provider, now));
  const version = (before?.version ?? 0) + 1;
  await ctx.db.patch("paymentProviders", id, { ...fields, version, updatedAt: now });
  await recordProvider(ctx, scope, before ? "updated" : "created", id, changed);
  const after = await ctx.db.get("paymentProviders", id);
  if (!after) throw new Error(`Payment provider ${id} vanished within its own transaction.`);
  return after;
}

/**
 * Takes a provider away: its address answers 401 from then on, and the pages that were made with its
 * key are closed, with that key. @throws PAYMENT_PROVIDER_NOT_FOUND
 */
export async function removeProvider(
  ctx: MutationCtx,
  scope: WriteScope,
  name: ProviderName,
): Promise<void> {
  const provider = await providerOf(ctx, scope.organizationId, name);
  if (!provider) throw notFound("payment provider");
  const { _id: id, keyId } = provider;
  await ctx.db.delete("paymentProviders", id);
  if (keyId) {
    await retireKey(ctx, keyId);
    await ctx.scheduler.runAfter(0, internal.payments.links.closeLinksOf, { keyId });
  }
  await recordProvider(ctx, scope, "deleted", id, []);
}

/** All that the organization has set up; there is at most one of each provider. */
export async function providersOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<{ provider: Provider; key: Doc<"paymentKeys"> | null }[]> {
  const providers = ctx.db
    .query("paymentProviders")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId));
  const found: { provider: Provider; key: Doc<"paymentKeys"> | null }[] = [];
  for await (const provider of providers) {
    found.push({ provider, key: await keyOf(ctx, provider) });
  }
  return found;
}

export async function keyOf(
  ctx: QueryCtx,
  { keyId }: Provider,
): Promise<Doc<"paymentKeys"> | null> {
  return keyId ? await ctx.db.get("paymentKeys", keyId) : null;
}

/** What verifies events at an organization's address; null where it is nobody's. */
export const secretsAt = internalQuery({
  args: { provider: v.string(), endpointKey: v.string() },
  returns: v.union(
    v.object({
      organizationId: v.id("organizations"),
      secrets: v.array(v.object({ sealed: v.string(), until: v.union(v.number(), v.null()) })),
    }),
    v.null(),
  ),
  handler: async (ctx, { provider, endpointKey }): Promise<AddressSecrets | null> => {
    if (provider !== "stripe" && provider !== "generic") return null;
    const found = await ctx.db
      .query("paymentProviders")
      .withIndex("by_endpointKey", (q) => q.eq("provider", provider).eq("endpointKey", endpointKey))
      .unique();
    if (!found) return null;
    const secrets = found.webhookSecrets.map(({ sealed, until }) => ({ sealed, until }));
    return { organizationId: found.organizationId, secrets };
  },
});

type Secrets = Provider["webhookSecrets"];

/** @throws CONFLICT while as many replaced secrets verify as may */
async function rotated(before: Secrets, secret: string, overlapSeconds: number): Promise<Secrets> {
  const [current, ...replaced] = before;
  if (current && (await openSecret(current.sealed)) === secret) return before;
  const now = Date.now();
  const overlapping = replaced.filter(({ until }) => until !== null && until > now);
  if (overlapSeconds > 0 && current && overlapping.length >= MAX_OVERLAPPING) {
    const nextAt = Math.min(...overlapping.flatMap(({ until }) => until ?? []));
    const message = `${MAX_OVERLAPPING} replaced secrets still verify: try again after ${new Date(nextAt).toISOString()}, or with "overlapSeconds": 0, which ends them all at once.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_OVERLAPPING, nextAt } });
  }
  const made = { sealed: await sealSecret(secret), hint: secretHint(secret), until: null };
  if (!current || overlapSeconds === 0) return [made];
  return [made, { ...current, until: now + overlapSeconds * 1000 }, ...overlapping];
}

async function providerOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  provider: ProviderName,
): Promise<Provider | null> {
  return await ctx.db
    .query("paymentProviders")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("provider", provider),
    )
    .unique();
}

async function insert(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  provider: ProviderName,
  now: number,
): Promise<Id<"paymentProviders">> {
  const random = crypto.getRandomValues(new Uint8Array(ENDPOINT_KEY_BYTES));
  const endpointKey = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return await ctx.db.insert("paymentProviders", {
    ...{ organizationId, provider, endpointKey, webhookSecrets: [] },
    ...{ version: 1, createdAt: now, updatedAt: now },
  });
}

/**
 * A test organization asks for nobody's money. A live one may have a test key: it is how people see
 * what a page looks like before they go live. @throws CONFLICT
 */
async function requireKeyOfMode(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  secretKey: string,
): Promise<void> {
  const mode = await modeIn(ctx, organizationId);
  if (mode === "live" || isTestKey(secretKey)) return;
  const message =
    "A test organization takes Stripe's test keys alone: sk_test_… or rk_test_…. A live key is for a live organization.";
  throw new FieldError("CONFLICT", message, "secretKey", { field: "secretKey", mode });
}

/** Which secrets changed, never their values. */
async function recordProvider(
  ctx: MutationCtx,
  scope: WriteScope,
  verb: string,
  objectId: Id<"paymentProviders">,
  fields: string[],
): Promise<void> {
  await record(ctx, scope, {
    action: `payment_provider.${verb}`,
    objectType: "payment_provider",
    objectId,
    changes: fields.map((field) => ({ field })),
  });
}
