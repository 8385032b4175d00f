import { Secret, TOTP } from "otpauth";

/**
 * Codes of authenticator apps: RFC 6238 with what every app understands (SHA-1, six digits, 30
 * seconds), which its key URI says too.
 */
const PERIOD_SECONDS = 30;
/** 160 bits, as RFC 4226, 4 recommends. */
const SECRET_BYTES = 20;
/** A code of the step before or after is taken as well: clocks differ (RFC 6238, 5.2). */
const WINDOW = 1;

/** Base32, as people type it where they cannot scan. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** The key URI that an app reads: `otpauth://totp/Issuer:account?secret=…`. */
export function otpauthUrl(secret: string, { issuer, account }: TotpNames): string {
  // A colon would end the issuer.
  const names = { issuer: issuer.replaceAll(":", " "), label: account.replaceAll(":", " ") };
  return totpOf(secret, names).toString();
}

export type TotpNames = { issuer: string; account: string };

/**
 * The time step that a code is of, or null for a wrong one.
 * @param at milliseconds since the epoch
 */
export function stepOfCode(secret: string, code: string, at: number): number | null {
  const delta = totpOf(secret).validate({ token: code, timestamp: at, window: WINDOW });
  return delta === null ? null : Math.floor(at / 1000 / PERIOD_SECONDS) + delta;
}

function totpOf(secret: string, names: { issuer?: string; label?: string } = {}): TOTP {
  return new TOTP({
    ...{ ...names, secret: Secret.fromBase32(secret) },
    ...{ algorithm: "SHA1", digits: 6, period: PERIOD_SECONDS },
  });
}
