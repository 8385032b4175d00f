import { hmacSha256Hex, isEqual } from "../kit/signatures";

/**
 * Download links of files in the deployment's own storage: the attachment, a time, and their HMAC
 * under a secret of the attachment's own. They need no row, and end with the attachment.
 */
export const LINK_SECONDS = 300;

export function linkToken(attachmentId: string, expiresAt: number, secret: string): string {
  const signed = `${attachmentId}.${expiresAt.toString(36)}`;
  return `${signed}.${hmacSha256Hex(secret, signed)}`;
}

export type LinkToken = { attachmentId: string; expiresAt: number; token: string };

/** What a token says of itself, or null where it is none. */
export function readLinkToken(token: string): LinkToken | null {
  const [, attachmentId, time] = /^([^.]{1,64})\.([a-z0-9]{6,10})\.[0-9a-f]{64}$/.exec(token) ?? [];
  if (attachmentId === undefined || time === undefined) return null;
  return { attachmentId, expiresAt: Number.parseInt(time, 36), token };
}

export function isSigned({ attachmentId, expiresAt, token }: LinkToken, secret: string): boolean {
  return isEqual(token, linkToken(attachmentId, expiresAt, secret));
}

export function newLinkSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
