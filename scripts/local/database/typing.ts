/**
 * Words that a search may have meant: those of the index that differ from the asked one by one letter (another,
 * one more, one less, two that changed places). Only words of letters alone are forgiven: a number or a code
 * is what it is. The index is asked for each such word by itself, so it costs what the word is long and
 * not what the index holds.
 */
import { afterPrefix, encodeKey } from "./keys";
import type { ReadRange } from "./reads";
import type { SearchPlan } from "./searchPlan";
import type { View } from "./view";
import type { SearchTerm } from "./words";

const SHORTEST = 5;
const MAX_SIMILAR = 32;
/** What is searched is kept without accents. */
const ALPHABETS: [RegExp, string][] = [
  [/\p{Script=Latin}/u, "abcdefghijklmnopqrstuvwxyz"],
  [/\p{Script=Cyrillic}/u, "абвгдежзийклмнопрстуфхцчшщъыьэюя"],
  [/\p{Script=Greek}/u, "αβγδεζηθικλμνξοπρστυφχψω"],
];

export function isForgiven(word: string): boolean {
  return Array.from(word).length >= SHORTEST && /^\p{L}+$/u.test(word);
}

/** Those that the partition has; of a term that is a beginning, beginnings that its words have. */
export function similarWords(
  plan: SearchPlan,
  view: View,
  partition: string,
  { text, isPrefix }: SearchTerm,
  onRange: (range: ReadRange) => void,
): string[] {
  // What is written later may be meant as well: one range instead of some hundred.
  onRange({ index: plan.index.number, low: partition, high: afterPrefix(partition) });
  const similar: string[] = [];
  for (const word of mistakesOf(text)) {
    const whole = partition + encodeKey(word);
    const low = isPrefix ? whole.slice(0, -1) : whole;
    const scan = { ...plan, low, high: afterPrefix(low), reverse: false };
    if (view.scan(scan, 1).next() !== null) similar.push(word);
    if (similar.length === MAX_SIMILAR) break;
  }
  return similar;
}

function mistakesOf(text: string): Set<string> {
  const letters = Array.from(text);
  const alphabet = ALPHABETS.flatMap(([script, of]) => (script.test(text) ? Array.from(of) : []));
  const words = new Set<string>();
  for (let at = 0; at <= letters.length; at++) {
    const [before, after] = [letters.slice(0, at).join(""), letters.slice(at)];
    const rest = after.slice(1).join("");
    const [one = "", two = ""] = after;
    if (after.length > 0) words.add(before + rest);
    if (after.length > 1) words.add(before + two + one + after.slice(2).join(""));
    for (const letter of alphabet) {
      if (after.length > 0) words.add(before + letter + rest);
      words.add(before + letter + one + rest);
    }
  }
  words.delete(text);
  return words;
}
