import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** What one sign-in is bound by: to its browser, to its request, and to its answer. */
export type Secrets = { state: string; verifier: string; nonce: string };

/** 256 random bits, in base64url. */
export function randomSecret(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

export function isSecret(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/**
 * PKCE's verifier (RFC 7636) and the nonce are derived of the browser's own secret, which it keeps in a
 * cookie, and of the state: the database has neither, so nobody who reads it can finish a sign-in, and a
 * browser with several sign-ins under way has one cookie.
 */
export function secretsOf(browser: string, state: string): Secrets {
  const derived = (use: string): string =>
    base64url(sha256(utf8ToBytes(`freehold.oauth.${use}:${state}:${browser}`)));
  return { state, verifier: derived("verifier"), nonce: derived("nonce") };
}

function base64url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
