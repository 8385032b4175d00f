import { hmacSha256Hex, isEqual } from "../kit/signatures";

/**
 * Links to files in the deployment's own storage, for a download or for the upload: the attachment, a
 * time, and their HMAC under a secret of the attachment's own. They need no row, and end with the
 * attachment; what is signed for the one is worth nothing for the other.
 */
export const LINK_SECONDS = 300;

export type LinkPurpose = "download" | "upload";

export function linkToken(
  attachmentId: string,
  expiresAt: number,
  secret: string,
  purpose: LinkPurpose = "download",
): string {
  const token = `${attachmentId}.${expiresAt.toString(36)}`;
  return `${token}.${hmacSha256Hex(secret, purpose === "upload" ? `upload.${token}` : token)}`;
}

export type LinkToken = { attachmentId: string; expiresAt: number; token: string };

/** What a token says of itself, or null where it is none. */
export function readLinkToken(token: string): LinkToken | null {
  const [, attachmentId, time] = /^([^.]{1,64})\.([a-z0-9]{6,10})\.[0-9a-f]{64}$/.exec(token) ?? [];
  if (attachmentId === undefined || time === undefined) return null;
  return { attachmentId, expiresAt: Number.parseInt(time, 36), token };
}

export function isSigned(
  { attachmentId, expiresAt, token }: LinkToken,
  secret: string,
  purpose: LinkPurpose = "download",
): boolean {
  return isEqual(token, linkToken(attachmentId, expiresAt, secret, purpose));
}

export function newLinkSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
