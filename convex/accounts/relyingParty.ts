import { nameOf } from "../delivery/providers/message";
import { operatorsOrigins } from "../kit/http/trustedOrigin";

/**
 * Who asks for passkeys (WebAuthn's relying party): the host that people open, which `APP_URL` says, else
 * the deployment's own. A passkey is good at the host that it was made for alone.
 */
export function relyingParty(): { id: string; name: string } {
  return {
    id: hostOf(process.env.APP_URL) ?? hostOf(process.env.CONVEX_SITE_URL) ?? "localhost",
    name: serviceName(),
  };
}

/** Pages of these origins may ask for them: the operator's. What an organization lists may not. */
export function passkeyOrigins(): string[] {
  const site = process.env.CONVEX_SITE_URL ?? "";
  return [...operatorsOrigins(), ...(URL.canParse(site) ? [new URL(site).origin] : [])];
}

/** As letters are signed, see accounts/mail.ts. */
export function serviceName(): string {
  return nameOf(process.env.EMAIL_FROM ?? "") ?? "Freehold";
}

function hostOf(address = ""): string | null {
  return URL.canParse(address) ? new URL(address).hostname : null;
}
