/** Why the database refuses for now, in words that are for callers. */
export class Unavailable extends Error {
  override readonly name = "ServiceUnavailable";

  constructor(
    readonly reason: string,
    /** Seconds until asking again makes sense. */
    readonly retryAfter: number,
    options?: ErrorOptions,
  ) {
    super(`ServiceUnavailable: ${reason}`, options);
    known.set(this.message, { reason, retryAfter });
  }
}

/** The reasons that have been given: few, each of one text. */
const known = new Map<string, { reason: string; retryAfter: number }>();

/**
 * The refusal that a call failed by, or null. Out of a function comes its own error with the message of
 * this one: the `convex` package throws a new Error with the text alone.
 */
export function unavailableOf(error: unknown): Unavailable | null {
  if (error instanceof Unavailable) return error;
  if (!(error instanceof Error)) return null;
  for (const [message, { reason, retryAfter }] of known) {
    if (error.message.includes(message)) return new Unavailable(reason, retryAfter);
  }
  return null;
}
