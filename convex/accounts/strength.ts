"use node";

/**
 * In Node alone, and loaded by who judges a password: its dictionaries are more than a third of the
 * backend's code, and half a second's work to unpack and to rank.
 */
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as english, translations } from "@zxcvbn-ts/language-en";

/** Below this (of 0 to 4) a password is guessed too soon. */
const WEAKEST = 2;
/** A longer one is judged by its beginning: the estimate takes the square of the length. */
const JUDGED = 100;

const estimator = new ZxcvbnFactory({
  dictionary: { ...common, ...english },
  graphs: adjacencyGraphs,
  translations,
});

/** What is wrong with a password as zxcvbn estimates it, given what its owner is called; null for nothing. */
export function weaknessOf(password: string, ownWords: readonly string[]): string | null {
  const words = ownWords.flatMap((word) => [word, ...word.split(/[\s@._-]+/)]);
  const own = words.filter((word) => word.length > 2);
  const { score, feedback } = estimator.check(password.slice(0, JUDGED), own);
  if (score >= WEAKEST) return null;
  const why = feedback.warning ?? feedback.suggestions[0] ?? "";
  return `is guessed too easily${why === "" ? "" : `: ${why}`}`;
}
