/** A line of a label and what it says. */
export type PrintedFact = { label: string; value: string };
