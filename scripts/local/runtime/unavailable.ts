/** What functions may ask of Convex and this deployment does not do yet, in one plain place. */
const NOT_YET: [prefix: string, what: string][] = [
  ["1.0/actions/vectorSearch", "Vector search"],
  ["1.0/auditLog", "The deployment's audit log"],
  ["1.0/createServiceToken", "Convex-managed services"],
  ["1.0/getServiceUrl", "Convex-managed services"],
];

/** The refusal of an operation that is known but not served, or null. */
export function unavailable(op: string): string | null {
  const found = NOT_YET.find(([prefix]) => op.startsWith(prefix));
  return found === undefined ? null : `${found[1]} is not available in this deployment yet`;
}
