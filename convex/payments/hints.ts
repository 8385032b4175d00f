const SHOWN = 4;

/** Whether it is a key of Stripe's that moves no money (docs.stripe.com/keys). */
export function isTestKey(secret: string): boolean {
  return /^(?:sk|rk)_test_/.test(secret);
}

/** What people know a secret by: its kind, where it has one, and its last four characters. */
export function secretHint(secret: string): string {
  const [kind = ""] = /^(?:(?:sk|rk)_(?:test|live)_|whsec_)/.exec(secret) ?? [];
  const rest = secret.slice(kind.length);
  return rest.length < 3 * SHOWN ? `${kind}…` : `${kind}…${rest.slice(-SHOWN)}`;
}
