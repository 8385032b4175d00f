import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { API_PREFIX } from "../../kit/http/context";
import { standardWebhookKey } from "../../kit/signatures";
import {
  configureProvider,
  keyOf,
  type Provider,
  providersOf,
  removeProvider,
} from "../../payments/providers";
import { once } from "../../kit/once";

const tag = "Payments";
const WEEK_SECONDS = 7 * 24 * 60 * 60;
/** 128 bits; Standard Webhooks recommends 24 to 64 bytes. */
const MIN_SECRET_BYTES = 16;

const secretText = once(() =>
  z
    .string()
    .trim()
    .min(8, "must have at least 8 characters")
    .max(255, "must have at most 255 characters")
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces"),
);
const secretKey = once(() =>
  secretText()
    .refine(
      (key) => !key.startsWith("pk_"),
      "is a publishable key; the secret one begins with sk_ or rk_",
    )
    .refine(
      (key) => !key.startsWith("whsec_"),
      "is a webhook's secret; the key begins with sk_ or rk_",
    )
    .meta({ description: "`sk_…`, or a restricted one, `rk_…`, that may write payment links." }),
);
const overlapSeconds = once(() =>
  z.number().int().min(0).max(WEEK_SECONDS).optional().meta({
    description: "How long a webhook secret that is replaced still verifies; a day by default.",
  }),
);
const standardSecret = once(() =>
  secretText().refine(
    isStandardSecret,
    `must be whsec_ and at least ${MIN_SECRET_BYTES} bytes in base64`,
  ),
);

const record = once(() =>
  z
    .object({
      provider: z.enum(["stripe", "generic"]),
      isConfigured: z
        .boolean()
        .meta({ description: "Whether nothing is missing: Stripe needs both secrets." }),
      webhookUrl: z.string().meta({ description: "Where the provider is to send its events." }),
      endpointKey: z.string(),
      secretHint: z
        .string()
        .meta({ description: "The last characters of the key, or of the webhook secret." }),
      webhookSecrets: z.array(z.object({ hint: z.string(), until: z.number().nullable() })).meta({
        description:
          "Those that verify: the current one, and those that were replaced, until when.",
      }),
      version: z.number().int(),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "PaymentProvider" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/organization/payment-providers",
    tag,
    summary: "List the payment providers that the organization has set up",
    description: "Secrets are shown by their last characters alone.",
    scope: "organization:read",
    answers: { 200: () => z.array(record()) },
  },
  async (ctx) => {
    const found = await providersOf(ctx, ctx.caller.organizationId);
    return ok(found.map(({ provider, key }) => providerView(provider, key)));
  },
);

export const putStripe = writeEndpoint(
  {
    method: "PUT",
    path: "/organization/payment-providers/stripe",
    tag,
    summary: "Set up Stripe with the organization's own account",
    description:
      "What is not given stays as it is: Stripe gives the webhook secret only for an address, which the first answer has. The address stays the same. Pages that are open stay open, and are closed with the key that they were made with; the next is made with the new one. A test organization takes test keys alone (CONFLICT).",
    scope: "organization:write",
    body: () =>
      z.strictObject({
        secretKey: secretKey().optional(),
        webhookSecret: secretText().optional(),
        overlapSeconds: overlapSeconds(),
      }),
    example: { secretKey: "sk_test_4eC39HqLyjWDarjtT1", webhookSecret: "whsec_4eC39HqLyjWDarjtT1" },
    answers: { 200: record },
    errors: ["CONFLICT"],
  },
  async (ctx, { body }) => {
    const provider = await configureProvider(ctx, ctx.scope, "stripe", body);
    return ok(providerView(provider, await keyOf(ctx, provider)));
  },
);

export const putGeneric = writeEndpoint(
  {
    method: "PUT",
    path: "/organization/payment-providers/generic",
    tag,
    summary: "Set up an address for payments of any provider",
    description:
      "Events are signed as Standard Webhooks describes, with the secret that is given here.",
    scope: "organization:write",
    body: () =>
      z.strictObject({ webhookSecret: standardSecret(), overlapSeconds: overlapSeconds() }),
    example: { webhookSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
    answers: { 200: record },
    errors: ["CONFLICT"],
  },
  async (ctx, { body }) =>
    ok(providerView(await configureProvider(ctx, ctx.scope, "generic", body), null)),
);

const REMOVAL =
  "Its address answers 401 from then on. Another set-up has another address, so take it off at the provider too.";

export const removeStripe = writeEndpoint(
  {
    method: "DELETE",
    path: "/organization/payment-providers/stripe",
    tag,
    summary: "Take the organization's Stripe account away",
    description: `${REMOVAL} Payment links that are open are closed at Stripe; the key is deleted when the last of them is.`,
    scope: "organization:write",
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async (ctx) => {
    await removeProvider(ctx, ctx.scope, "stripe");
    return noContent;
  },
);

export const removeGeneric = writeEndpoint(
  {
    method: "DELETE",
    path: "/organization/payment-providers/generic",
    tag,
    summary: "Take the address for payments of any provider away",
    description: REMOVAL,
    scope: "organization:write",
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async (ctx) => {
    await removeProvider(ctx, ctx.scope, "generic");
    return noContent;
  },
);

function providerView(
  provider: Provider,
  key: Doc<"paymentKeys"> | null,
): z.input<ReturnType<typeof record>> {
  const { provider: name, endpointKey, version, createdAt, updatedAt } = provider;
  const webhookSecrets = provider.webhookSecrets.map(({ hint, until }) => ({ hint, until }));
  const site = process.env.CONVEX_SITE_URL ?? "";
  return {
    provider: name,
    isConfigured: webhookSecrets.length > 0 && (name === "generic" || key !== null),
    webhookUrl: `${site}${API_PREFIX}/webhooks/payments/${name}/${endpointKey}`,
    endpointKey,
    secretHint: key?.hint ?? webhookSecrets[0]?.hint ?? "",
    webhookSecrets,
    ...{ version, createdAt, updatedAt },
  };
}

function isStandardSecret(secret: string): boolean {
  try {
    return standardWebhookKey(secret).length >= MIN_SECRET_BYTES;
  } catch {
    return false;
  }
}
