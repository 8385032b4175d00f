import { v, type VLiteral, type VUnion } from "convex/values";

/** One of a list of words, as a table or a function's arguments have it. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
): VUnion<Word, VLiteral<Word>[]> {
  return v.union(...words.map((word) => v.literal(word)));
}
