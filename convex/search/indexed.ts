import { phoneWords } from "../kit/phone";
import type { SearchedText } from "../ontology/definition";
import { stemsOf } from "./stems";
import { chunksOf, emailsOf, partsOf, withoutDigraphs } from "./words";

/**
 * What full text finds an object by (`objects.searchText`): its words without case and accents, and beside
 * each once what it is also asked for by: its stems, a number in every part, a phone number as it is
 * dialled. Both hosts index it as it is; a question is put in the same words (question.ts).
 */

/** So many words are added beside those that are written; a longer text is found by its words alone. */
const MAX_ADDED = 600;

export function indexedText(searched: readonly SearchedText[]): string {
  const written: string[] = [];
  const added = new Set<string>();
  const add = (...words: readonly string[]): void => {
    for (const word of words) if (added.size < MAX_ADDED) added.add(word);
  };
  for (const { text, as } of searched) {
    for (const { words, domains } of emailsOf(text)) add(...words, ...domains);
    if (as === "phone") add(...phoneWords(text));
    for (const chunk of chunksOf(text)) {
      for (const { word, start, end } of chunk.tokens) {
        written.push(word);
        const plain = withoutDigraphs(word);
        if (plain !== word) add(plain);
        if (as === undefined) add(...stemsOf(text.slice(start, end)));
      }
      for (const { word } of partsOf(chunk)) add(word);
    }
  }
  const known = new Set(written);
  return [...written, ...[...added].filter((word) => !known.has(word))].join(" ");
}
