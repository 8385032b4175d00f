import { stemmer as english } from "@orama/stemmers/english";
import { stemmer as french } from "@orama/stemmers/french";
import { stemmer as german } from "@orama/stemmers/german";
import { stemmer as spanish } from "@orama/stemmers/spanish";
import { folded, hasDigit, isUnspaced, withoutDigraphs } from "./words";

/**
 * Words by their stems (Snowball's rules) in the languages that Freehold's users write. Nothing says which
 * language a text is in, so a word has the stems of all of them: of the word with its accents, as the rules
 * want it, and of the word without, as many type it.
 */
const STEMMERS = [english, german, french, spanish];

const SHORTEST_WORD = 4;
const LONGEST_WORD = 40;
const SHORTEST_STEM = 3;

/** Words come again within a text, and stemming is what indexing costs. */
const known = new Map<string, readonly string[]>();
const MAX_KNOWN = 5_000;
const NONE: readonly string[] = [];

/** The stems of a word as it is written, folded; the folded word itself is not among them. */
export function stemsOf(written: string): readonly string[] {
  const before = known.get(written);
  if (before) return before;
  const stems = stemmed(written);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(written, stems);
  return stems;
}

function stemmed(written: string): readonly string[] {
  if (written.length < SHORTEST_WORD || written.length > LONGEST_WORD) return NONE;
  if (hasDigit(written) || isUnspaced(written)) return NONE;
  const word = folded(written);
  const plain = withoutDigraphs(word);
  const spellings = new Set([written.normalize("NFC").toLowerCase(), word]);
  const stems = [...spellings].flatMap((spelling) =>
    STEMMERS.map((stem) => folded(stem(spelling))),
  );
  const umlauts = plain === word ? [] : [german(plain)];
  const all = [...stems, ...umlauts].filter((stem) => stem.length >= SHORTEST_STEM);
  return [...new Set(all)].filter((stem) => stem !== word);
}
