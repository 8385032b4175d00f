import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { ApiError } from "./errors";

/**
 * The signature schemes of incoming webhooks, each over the body as it came. All of them compare in
 * constant time, and refuse with INVALID_SIGNATURE.
 */
export type SignedRequest = {
  /** The raw body. */
  payload: string;
  /** By lower-case name; null where it is missing. */
  header(name: string): string | null;
  /** Milliseconds since the epoch. */
  now: number;
};

/** As Standard Webhooks and Stripe's own libraries have it. */
const TOLERANCE_SECONDS = 300;

/** Standard Webhooks, also under the `svix-` names that Resend and Clerk send. */
export function verifyStandardWebhook(secret: string, request: SignedRequest): void {
  const named = (name: string): string =>
    request.header(`webhook-${name}`) ?? request.header(`svix-${name}`) ?? "";
  const headers = {
    "webhook-id": named("id"),
    "webhook-timestamp": named("timestamp"),
    "webhook-signature": named("signature"),
  };
  try {
    new Webhook(secret).verify(request.payload, headers, { jsonParse: false });
  } catch (error) {
    if (error instanceof WebhookVerificationError) throw invalidSignature();
    throw error;
  }
}

/** The message's own id, of Standard Webhooks. */
export function standardWebhookId(request: SignedRequest): string | null {
  return request.header("webhook-id") ?? request.header("svix-id");
}

/** `Stripe-Signature: t=…,v1=…`, as https://docs.stripe.com/webhooks/signature describes it. */
export function verifyStripeSignature(secret: string, request: SignedRequest): void {
  const parts = (request.header("stripe-signature") ?? "").split(",").map((part) => {
    const [name = "", value = ""] = part.trim().split("=", 2);
    return { name, value };
  });
  const timestamp = parts.find(({ name }) => name === "t")?.value ?? "";
  const signatures = parts.filter(({ name }) => name === "v1").map(({ value }) => value);
  const isFresh = Math.abs(request.now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
  const expected = hmacSha256Hex(secret, `${timestamp}.${request.payload}`);
  // Every one is compared, so that the time says nothing of which one fits.
  const fitting = signatures.filter((signature) => isEqual(signature, expected));
  if (!/^\d+$/.test(timestamp) || !isFresh || fitting.length === 0) throw invalidSignature();
}

/** A header that is the hex HMAC-SHA256 of the body, after a prefix such as Meta's `sha256=`. */
export function verifyHexSignature(
  secret: string,
  request: SignedRequest,
  { header, prefix = "" }: { header: string; prefix?: string },
): void {
  const expected = prefix + hmacSha256Hex(secret, request.payload);
  if (!isEqual(request.header(header) ?? "", expected)) throw invalidSignature();
}

export function hmacSha256Hex(secret: string, text: string): string {
  return bytesToHex(hmac(sha256, utf8ToBytes(secret), utf8ToBytes(text)));
}

/** Whether two texts are the same, in a time that depends on nothing but the length of the second. */
export function isEqual(given: string, expected: string): boolean {
  const a = utf8ToBytes(given);
  const b = utf8ToBytes(expected);
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

export function invalidSignature(): ApiError {
  return new ApiError("INVALID_SIGNATURE", "The signature is wrong, missing or too old.");
}
