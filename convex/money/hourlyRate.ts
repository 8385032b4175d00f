/** The highest rate of an hour's work, in a currency's smallest unit: also of currencies of small units. */
export const MAX_HOURLY_RATE = 100_000_000;
