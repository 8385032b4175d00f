/**
 * How text becomes words, for search. As on Convex, words are runs of letters and digits, lower
 * case, and longer ones than 31 bytes are left out. Beyond Convex: equal-looking characters are one
 * (NFKC: `ﬁ` is `fi`, `Ａ` is `a`), marks stay with their letters, and in scripts that are written
 * without spaces a word begins at every character, so that `太郎` finds `山田太郎`.
 */
const WORD = /[\p{Alphabetic}\p{N}\p{M}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const MAX_BYTES = 31;

/** The words of a text in its order, repeated ones too. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const run of runsOf(text)) {
    if (!UNSPACED.test(run)) {
      if (Buffer.byteLength(run) <= MAX_BYTES) words.push(run);
      continue;
    }
    let begun = 0;
    let previous = "";
    for (const character of run) {
      if (begun === 0 || UNSPACED.test(character) || UNSPACED.test(previous)) {
        words.push(beginning(run.slice(begun)));
      }
      begun += character.length;
      previous = character;
    }
  }
  return words;
}

export type SearchTerm = {
  text: string;
  /** Whether it stands for all words that begin with it. */
  isPrefix: boolean;
};

/** What a search asks for: its first `limit` words, each once, the last one as a beginning. */
export function searchTerms(text: string, limit: number): SearchTerm[] {
  const terms = new Map<string, SearchTerm>();
  for (const run of runsOf(text)) {
    const isPrefix = UNSPACED.test(run);
    const word = isPrefix ? beginning(run) : run;
    if (Buffer.byteLength(word) <= MAX_BYTES) terms.set(word, { text: word, isPrefix });
  }
  const asked = [...terms.values()].slice(0, limit);
  const last = asked.at(-1);
  if (last !== undefined) last.isPrefix = true;
  return asked;
}

function runsOf(text: string): string[] {
  // Lower-casing can take a character apart again (`İ`), so it is put together after that.
  return text.normalize("NFKC").toLowerCase().normalize("NFKC").match(WORD) ?? [];
}

/** As many whole characters as a word may have bytes. */
function beginning(run: string): string {
  let bytes = 0;
  let end = 0;
  for (const character of run) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_BYTES) break;
    end += character.length;
  }
  return run.slice(0, end);
}
