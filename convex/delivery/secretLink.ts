import type { Doc } from "../_generated/dataModel";
import { openSecret, sealSecret } from "../kit/secretBox";

/**
 * The link of a letter that lets its reader in: an invitation, a new password. Whoever may read
 * messages must not become whoever they go to, so its row keeps the link sealed and every view hides
 * it; it is opened by the sender alone, and gone once the message is sent or the link has expired.
 */
export type SecretLink = {
  url: string;
  /** Until when the link is good (ms since 1970): later the letter does not go out any more. */
  expiresAt: number;
};

/** What stands in a view where the letter has its link. */
export const HIDDEN_LINK = "#hidden";

/** Fields of a row whose link is forgotten. */
export const noSecret = { secretUrl: undefined, secretExpiresAt: undefined } as const;

type Sealed = Pick<Doc<"notifications">, "secretUrl" | "secretExpiresAt">;

export async function sealLink({ url, expiresAt }: SecretLink): Promise<Sealed> {
  return { secretUrl: await sealSecret(url), secretExpiresAt: expiresAt };
}

/** The link of a row, still sealed; null when it had none, or has it no more. */
export function sealedLinkOf({ secretUrl, secretExpiresAt }: Sealed): Sealed | null {
  if (secretUrl === undefined || secretExpiresAt === undefined) return null;
  return { secretUrl, secretExpiresAt };
}

export function isExpired({ secretExpiresAt }: Sealed, now: number): boolean {
  return secretExpiresAt !== undefined && secretExpiresAt <= now;
}

/** @throws when it was sealed under another `ENCRYPTION_KEY` */
export async function openLink(sealed: string | undefined): Promise<string | undefined> {
  return sealed === undefined ? undefined : await openSecret(sealed);
}
