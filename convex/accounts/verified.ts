import type { Doc } from "../_generated/dataModel";
import { ApiError } from "../kit/errors";

type Addresses = Pick<Doc<"users">, "email" | "pendingEmail">;

/** Whether they have registered with an address and not proved it; who has none at all need not. */
export function isUnverified({ email, pendingEmail }: Addresses): boolean {
  return email === undefined && pendingEmail !== undefined;
}

/** The address that is theirs, or will be: where letters about the account go. */
export function addressOf({ email, pendingEmail }: Addresses): string | null {
  return email ?? pendingEmail ?? null;
}

/**
 * Who has not verified their e-mail may be anybody: they write to nobody in an organization's name,
 * invite nobody, make no keys and connect nothing. @throws EMAIL_NOT_VERIFIED
 */
export function requireVerifiedEmail(scope: { isUnverified?: boolean }): void {
  if (!scope.isUnverified) return;
  const message = "Verify your e-mail first: open the link that was mailed to you.";
  throw new ApiError("EMAIL_NOT_VERIFIED", message);
}
