import { isPhoneNumber, phoneWords, type Region } from "../kit/phone";
import { stemsOf } from "./stems";
import {
  type Chunk,
  chunksOf,
  emailsOf,
  fitting,
  hasDigit,
  joined,
  partsOf,
  withoutDigraphs,
} from "./words";

/** A search in the words that are indexed (indexed.ts). */
export type Question = {
  /** Each thing that is asked for, in the order in which it was written. */
  parts: Part[];
  /** The whole of it as one word: what a name, number or address is compared with as a whole. */
  whole: string;
  /** What the host's full text is asked for; the last word finds all that begin with it. */
  terms: string;
};

export type Part = {
  /** Any of these words is it. */
  forms: readonly string[];
  stems: readonly string[];
  /** It is being written still: what begins with it is it as well. */
  isBeginning: boolean;
  /** A mistake of one letter is forgiven. */
  isForgiven: boolean;
};

/** As many words as both hosts take of a search. */
const MAX_TERMS = 16;
const SHORTEST_FORGIVEN = 5;

/** @param regionOf where a phone number without a country code is dialled; asked for such a number alone */
export async function questionOf(
  search: string,
  regionOf: () => Promise<Region | null>,
): Promise<Question> {
  const parts = isPhoneNumber(search)
    ? [numberPart(search, (await regionOf()) ?? undefined)]
    : partsOfText(search);
  const last = parts.at(-1);
  if (last) last.isBeginning = true;
  return { parts, whole: joined(search), terms: termsOf(parts) };
}

/** A phone number, or a number of a document that might be one. */
function numberPart(search: string, region: Region | undefined): Part {
  const [dialled, written] = [phoneWords(search, region), fitting(joined(search))];
  // The first is the one that others may begin with.
  return exactly(/^[\s+(]*0?[1-9]/.test(search) ? [written, ...dialled] : [...dialled, written]);
}

function partsOfText(search: string): Part[] {
  return search.split(/\s+/).flatMap((text) => {
    const [email] = emailsOf(text);
    if (email) return [exactly(email.words)];
    return chunksOf(text).flatMap((chunk) => partsOfChunk(chunk, text));
  });
}

function partsOfChunk(chunk: Chunk, text: string): Part[] {
  const [whole] = partsOf(chunk).filter(
    ({ start, end }) => start === chunk.tokens[0]?.start && end === chunk.tokens.at(-1)?.end,
  );
  if (whole) return [exactly([whole.word])];
  return chunk.tokens.map(({ word, start, end }) => {
    const isNumber = hasDigit(word);
    const forms = isNumber ? [word] : [word, withoutDigraphs(word)];
    return {
      forms: [...new Set(forms)],
      stems: isNumber ? [] : stemsOf(text.slice(start, end)),
      isBeginning: false,
      isForgiven: isForgivable(word),
    };
  });
}

/** Numbers, codes and addresses are what they are: INV-2026-001 is not INV-2026-002. */
function exactly(forms: readonly string[]): Part {
  return { forms: [...new Set(forms)], stems: [], isBeginning: false, isForgiven: false };
}

export function isForgivable(word: string): boolean {
  return Array.from(word).length >= SHORTEST_FORGIVEN && /^\p{L}+$/u.test(word);
}

/**
 * The words that were written come before those that are added to them, where there are more than a host
 * takes; the last stays the last.
 */
function termsOf(parts: readonly Part[]): string {
  const last = parts.at(-1)?.forms.at(0);
  if (last === undefined) return "";
  const written = parts.map(({ forms }) => forms[0] ?? "");
  const added = parts.flatMap(({ forms, stems }) => [...forms.slice(1), ...stems]);
  const others = new Set([...written, ...added]);
  others.delete(last);
  return [...[...others].slice(0, MAX_TERMS - 1), last].join(" ");
}
