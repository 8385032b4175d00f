import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * Bearer tokens: the prefix tells the kind of caller, 256 random bits follow. Only the SHA-256 is
 * stored. A look-up by digest needs no constant-time comparison: what an attacker could time is the
 * digest of a guess, which says nothing about the token.
 */
export const TOKEN_PREFIXES = {
  api_key_live: "fh_live_",
  api_key_test: "fh_test_",
  session: "fh_session_",
  portal_session: "fh_portal_",
  invite: "fh_invite_",
  refresh: "fh_refresh_",
  one_time: "fh_once_",
  calendar: "fh_calendar_",
} as const;

export type TokenKind = keyof typeof TOKEN_PREFIXES;

/** What is left of a credential once it has been read from a request: its kind and its digest. */
export type Credential = {
  kind: "api_key" | "session" | "portal_session" | "invite" | "refresh" | "one_time";
  tokenHash: string;
};

export function newToken(kind: TokenKind): string {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const base64 = btoa(String.fromCharCode(...random));
  return (
    TOKEN_PREFIXES[kind] + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
  );
}

/** The start of a token, for people to tell their keys apart. */
export function displayPrefix(token: string): string {
  return token.slice(0, 12);
}

/** Hex; of a text, its UTF-8. */
export function sha256Hex(content: string | Uint8Array): string {
  return bytesToHex(sha256(typeof content === "string" ? utf8ToBytes(content) : content));
}

const KINDS: Record<string, Credential["kind"]> = {
  session: "session",
  portal: "portal_session",
  invite: "invite",
  refresh: "refresh",
  once: "one_time",
};

/** The credential that a token is, or null for a text of no kind that we give out. */
export function readToken(token: string): Credential | null {
  const [, name] =
    /^fh_(live|test|session|portal|invite|refresh|once)_[A-Za-z0-9_-]{43}$/.exec(token) ?? [];
  if (name === undefined) return null;
  return { kind: KINDS[name] ?? "api_key", tokenHash: sha256Hex(token) };
}
