import type { Infer } from "convex/values";
import { addressProblem } from "../../kit/hostName";
import type { outboundChannel } from "../../schemas/notificationSchemas";

export type OutboundChannel = Infer<typeof outboundChannel>;
export type ProviderName = "resend" | "smtp" | "whatsapp";

/** The provider of a channel, or what is missing for one, in words for the person who set it up. */
export type Configured = { provider: ProviderName } | { missing: string };

/**
 * For how long Resend answers a repeated idempotency key with its first answer: 24 hours by its
 * documentation, less an hour for clocks that differ.
 */
const RESEND_KEY_LIFE = 23 * 60 * 60 * 1000;

export function configuredFor(channel: OutboundChannel): Configured {
  const { env } = process;
  if (channel === "whatsapp") {
    if (!env.WHATSAPP_TOKEN || !env.WHATSAPP_PHONE_ID) {
      return { missing: "WhatsApp is not set up: WHATSAPP_TOKEN and WHATSAPP_PHONE_ID." };
    }
    return toReach("whatsapp", "WHATSAPP_BASE_URL");
  }
  if (!env.RESEND_API_KEY && !env.SMTP_URL) {
    return { missing: "No e-mail provider is set up: RESEND_API_KEY or SMTP_URL." };
  }
  if (!env.EMAIL_FROM) return { missing: "EMAIL_FROM is not set: no address to send from." };
  return env.RESEND_API_KEY ? toReach("resend", "RESEND_BASE_URL") : toReach("smtp", "SMTP_URL");
}

/** One whose address no connection is ever tried to (kit/hostName.ts) is not set up. */
function toReach(provider: ProviderName, variable: string): Configured {
  const problem = problemOfAddress(variable);
  return problem === null ? { provider } : { missing: problem };
}

/** Asked again just before a provider is connected to: the variables may have changed since. */
export function problemOfAddress(variable: string): string | null {
  const address = process.env[variable];
  return address ? addressProblem(variable, address) : null;
}

/**
 * Whether an attempt whose end nobody saw may be repeated: the provider recognizes the key of the
 * first one as long as that lives.
 */
export function mayAskAgain(provider: string, firstAttemptAt: number, now: number): boolean {
  return provider === "resend" && Math.abs(now - firstAttemptAt) < RESEND_KEY_LIFE;
}
