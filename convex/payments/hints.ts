const SHOWN = 4;

/** What people know a secret by: its kind, where it has one, and its last four characters. */
export function secretHint(secret: string): string {
  const [kind = ""] = /^(?:(?:sk|rk)_(?:test|live)_|whsec_)/.exec(secret) ?? [];
  const rest = secret.slice(kind.length);
  return rest.length < 3 * SHOWN ? `${kind}…` : `${kind}…${rest.slice(-SHOWN)}`;
}
