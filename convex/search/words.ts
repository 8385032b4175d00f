import { emailKey } from "../kit/email";
import { onlyVisible } from "../kit/invisible";

/**
 * How text becomes words, alike in what is indexed and in what is asked for: case and accents tell no two
 * apart, and a number that is written in parts (`INV-2026-05-001`) is one word beside its parts. Each word
 * knows where it stands, in UTF-16 units, so that it can be shown.
 */

/** A piece of a text, and the word that it is found by. */
export type Token = { word: string; start: number; end: number };
/** Runs of letters and digits that signs join without a space; a code, where one has a digit. */
export type Chunk = { tokens: Token[]; isCode: boolean };

/** Full text knows words of at most 31 bytes (32 on Convex): longer ones are found by their beginning. */
const MAX_BYTES = 31;
/** What is joined of more parts than that is no number. */
const MAX_PARTS = 8;

const RUN = /[\p{Alphabetic}\p{N}\p{M}\p{Default_Ignorable_Code_Point}]+/gu;
const JOINT = /^[-_/.#:+\u2010-\u2015\u2212]$/;
const EMAIL = /[^\s<>()",;]*@[^\s<>()",;]+|[^\s<>()",;]+@/g;

/** Written without spaces: their host finds the inside of such text, and nothing is cut off it here. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const ACCENTS = /[\u0300-\u036f]/g;
/** Letters that Unicode takes apart into no others. */
const LETTERS: Record<string, string> = {
  ...{ ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", ł: "l", ħ: "h", þ: "th", ı: "i", ς: "σ" },
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");
const ASCII = /^[\0-\x7f]*$/;

/** Without case, accents and what nobody sees. Marks that make another letter (Й aside) stay. */
export function folded(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return onlyVisible(text)
    .normalize("NFKD")
    .replace(ACCENTS, "")
    .toLowerCase()
    .replace(ACCENTS, "")
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter)
    .normalize("NFKC");
}

/** The word as umlauts are written where there are none (`mueller`), in the letters that it is kept by. */
export function withoutDigraphs(word: string): string {
  return word.replace(/([ao])e|(?<!q)ue/g, (_, vowel: string | undefined) => vowel ?? "u");
}

export function hasDigit(word: string): boolean {
  return /\p{N}/u.test(word);
}

export function isUnspaced(word: string): boolean {
  return UNSPACED.test(word);
}

/** The text in its order, at most so many tokens of it. */
export function chunksOf(text: string, most = Infinity): Chunk[] {
  const chunks: Token[][] = [];
  let count = 0;
  let end = -2;
  for (const { 0: run, index } of text.matchAll(RUN)) {
    const word = fitting(folded(run));
    if (word === "") continue;
    if (++count > most) break;
    const token = { word, start: index, end: index + run.length };
    const isJoined = index === end + 1 && JOINT.test(text.charAt(end));
    const last = chunks.at(-1);
    if (isJoined && last) last.push(token);
    else chunks.push([token]);
    end = token.end;
  }
  return chunks.map((tokens) => ({ tokens, isCode: isCode(tokens) }));
}

function isCode(tokens: readonly Token[]): boolean {
  if (tokens.length < 2 || tokens.length > MAX_PARTS) return false;
  return tokens.some(({ word }) => hasDigit(word));
}

/** Every part of a number that is written in parts, each as one word: `2026-05` of `INV-2026-05-001`. */
export function partsOf({ tokens, isCode }: Chunk): Token[] {
  if (!isCode) return [];
  return tokens.flatMap(({ start }, from) =>
    tokens.slice(from + 1).map(({ end }, index) => {
      const words = tokens.slice(from, from + index + 2).map(({ word }) => word);
      return { word: fitting(words.join("")), start, end };
    }),
  );
}

/** Where an e-mail stands, and the words that it is found by. */
export type Email = Pick<Token, "start" | "end"> & {
  /** The whole of it, in each of its spellings. */
  words: string[];
  /** Its domain, with the `@`. */
  domains: string[];
};

export function emailsOf(text: string): Email[] {
  if (!text.includes("@")) return [];
  return [...text.matchAll(EMAIL)].flatMap(({ 0: email, index }) => {
    if (joined(email) === "") return [];
    const spellings = [...new Set([email, emailKey(email)])];
    const words = spellings.map(emailWord);
    const domains = spellings.map((one) => emailWord(one.slice(one.lastIndexOf("@"))));
    return [{ words, domains, start: index, end: index + email.length }];
  });
}

/** A digit tells an e-mail from a word: no host forgives a mistake in what has one. */
const EMAIL_MARK = "0";

function emailWord(email: string): string {
  return fitting(EMAIL_MARK + joined(email));
}

/** All letters and digits of a text as one word. */
export function joined(text: string): string {
  return (folded(text).match(RUN) ?? []).join("");
}

/** As much of a word as full text takes. */
export function fitting(word: string): string {
  if (word.length * 3 <= MAX_BYTES || isUnspaced(word)) return word;
  let bytes = 0;
  let end = 0;
  for (const character of word) {
    bytes += bytesOf(character);
    if (bytes > MAX_BYTES) break;
    end += character.length;
  }
  return word.slice(0, end);
}

function bytesOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
