import type { Doc } from "../_generated/dataModel";

type Addresses = Pick<Doc<"users">, "email" | "pendingEmail">;

/** Whether they have registered with an address and not proved it; who has none at all need not. */
export function isUnverified({ email, pendingEmail }: Addresses): boolean {
  return email === undefined && pendingEmail !== undefined;
}

/** The address that is theirs, or will be: where letters about the account go. */
export function addressOf({ email, pendingEmail }: Addresses): string | null {
  return email ?? pendingEmail ?? null;
}
