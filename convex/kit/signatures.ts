import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { ApiError } from "./errors";

/**
 * The signature schemes of incoming webhooks, each over the body's bytes as they came, whether or not
 * they are text. All of them compare in constant time, and refuse with INVALID_SIGNATURE.
 */
export type SignedRequest = {
  /** The raw body. */
  body: Uint8Array;
  /** By lower-case name; null where it is missing. */
  header(name: string): string | null;
  /** Milliseconds since the epoch. */
  now: number;
};

/** How an address is signed. */
export type SignatureScheme =
  | { scheme: "standard-webhooks" }
  | { scheme: "stripe" }
  /** A header that is the hex HMAC-SHA256 of the body, after a prefix such as Meta's `sha256=`. */
  | { scheme: "hmac-sha256-hex"; header: string; prefix: string };

/** @throws INVALID_SIGNATURE */
export function verifySignature(
  signature: SignatureScheme,
  secret: string,
  request: SignedRequest,
): void {
  switch (signature.scheme) {
    case "standard-webhooks":
      verifyStandardWebhook(secret, request);
      return;
    case "stripe":
      verifyStripeSignature(secret, request);
      return;
    case "hmac-sha256-hex":
      verifyHexSignature(secret, request, signature);
  }
}

/** As Standard Webhooks and Stripe's own libraries have it. */
const TOLERANCE_SECONDS = 300;

/**
 * Standard Webhooks, also under the `svix-` names that Resend and Clerk send
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). Its
 * package, by which our own deliveries are signed, takes text alone: a body of other bytes would be
 * refused for its signature, though that is right.
 */
export function verifyStandardWebhook(secret: string, request: SignedRequest): void {
  const named = (name: string): string =>
    request.header(`webhook-${name}`) ?? request.header(`svix-${name}`) ?? "";
  const [id, timestamp] = [named("id"), named("timestamp")];
  const signed = concatBytes(utf8ToBytes(`${id}.${timestamp}.`), request.body);
  const expected = base64Of(hmac(sha256, standardWebhookKey(secret), signed));
  const signatures = named("signature")
    .split(" ")
    .map((part) => part.split(",", 2))
    .flatMap(([version, signature = ""]) => (version === "v1" ? [signature] : []));
  if (id === "") throw invalidSignature();
  requireFresh(timestamp, request);
  requireOneOf(signatures, expected);
}

/** The key of a secret `whsec_…`, which is base64. @throws where it is none */
export function standardWebhookKey(secret: string): Uint8Array {
  const text = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret;
  const key = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (key.length === 0) throw new Error("The secret of a webhook is empty.");
  return key;
}

/** The message's own id, of Standard Webhooks. */
export function standardWebhookId(request: SignedRequest): string | null {
  return request.header("webhook-id") ?? request.header("svix-id");
}

/** `Stripe-Signature: t=…,v1=…`, as https://docs.stripe.com/webhooks/signature describes it. */
function verifyStripeSignature(secret: string, request: SignedRequest): void {
  const parts = (request.header("stripe-signature") ?? "").split(",").map((part) => {
    const [name = "", value = ""] = part.trim().split("=", 2);
    return { name, value };
  });
  const timestamp = parts.find(({ name }) => name === "t")?.value ?? "";
  const signatures = parts.filter(({ name }) => name === "v1").map(({ value }) => value);
  const signed = concatBytes(utf8ToBytes(`${timestamp}.`), request.body);
  requireFresh(timestamp, request);
  requireOneOf(signatures, hmacSha256Hex(secret, signed));
}

function requireFresh(timestamp: string, { now }: SignedRequest): void {
  const isFresh = Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
  if (!/^\d{1,15}$/.test(timestamp) || !isFresh) throw invalidSignature();
}

function requireOneOf(signatures: readonly string[], expected: string): void {
  // Every one is compared, so that the time says nothing of which one fits.
  const fitting = signatures.filter((signature) => isEqual(signature, expected));
  if (fitting.length === 0) throw invalidSignature();
}

function verifyHexSignature(
  secret: string,
  request: SignedRequest,
  { header, prefix }: { header: string; prefix: string },
): void {
  const expected = prefix + hmacSha256Hex(secret, request.body);
  if (!isEqual(request.header(header) ?? "", expected)) throw invalidSignature();
}

/** Of a text, its UTF-8. */
export function hmacSha256Hex(secret: string, content: string | Uint8Array): string {
  const bytes = typeof content === "string" ? utf8ToBytes(content) : content;
  return bytesToHex(hmac(sha256, utf8ToBytes(secret), bytes));
}

function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
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
