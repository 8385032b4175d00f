import { Secret, TOTP } from "otpauth";

/** What an authenticator app shows. @param at milliseconds since the epoch */
export function codeOf(secret: string, at = Date.now()): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at });
}

export const STEP_MS = 30_000;
