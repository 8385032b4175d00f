/** Stripe counts these in hundredths, though they have no minor unit (docs.stripe.com/currencies). */
const IN_HUNDREDTHS = new Set(["ISK", "UGX"]);

/** An amount that Stripe tells, in the currency's smallest unit. */
export function amountOfStripe(told: number, currency: string): number {
  return IN_HUNDREDTHS.has(currency) ? Math.round(told / 100) : told;
}

/** The inverse, for what we ask Stripe to charge. */
export function stripeAmount(amountInCents: number, currency: string): number {
  return IN_HUNDREDTHS.has(currency) ? amountInCents * 100 : amountInCents;
}
