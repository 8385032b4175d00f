import type { Doc } from "../_generated/dataModel";

/**
 * The secrets that an endpoint's deliveries are signed with: the current one, and each that a rotation
 * has replaced until the end it was promised then. A receiver that is slow to learn of a rotation is
 * not silenced by the next (a double click, two who rotate).
 */

/** As Standard Webhooks recommends: between 24 and 64 bytes. */
const SECRET_BYTES = 32;

type Secrets = Pick<Doc<"webhooks">, "secret" | "previousSecrets" | "previousSecret">;
export type Replaced = NonNullable<Secrets["previousSecret"]>;

export function newSecret(): string {
  const random = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return `whsec_${btoa(String.fromCharCode(...random))}`;
}

/** All that sign now, sealed, the current one first. */
export function signingSecrets(webhook: Secrets, now: number): string[] {
  return [webhook.secret, ...overlapping(webhook, now).map(({ secret }) => secret)];
}

/** Rows of before had room for one. */
export function overlapping({ previousSecrets, previousSecret }: Secrets, now: number): Replaced[] {
  const replaced = previousSecrets ?? (previousSecret === undefined ? [] : [previousSecret]);
  return replaced.filter(({ until }) => until > now);
}
