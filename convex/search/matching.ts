import { phoneWords } from "../kit/phone";
import type { SearchedText } from "../ontology/definition";
import { isForgivable, type Part, type Question } from "./question";
import { stemsOf } from "./stems";
import { isBegunWithMistake, isOneMistake } from "./typing";
import {
  chunksOf,
  emailsOf,
  hasDigit,
  isUnspaced,
  joined,
  partsOf,
  type Token,
  withoutDigraphs,
} from "./words";

/**
 * What of an object answers a question, and how well. It is computed of the object as the caller reads it,
 * by the same words as the index, so that ranking and highlights are alike on both hosts and nothing is
 * found by what the caller may not see.
 */
export type Match = {
  /** Between 0 and 1. */
  score: number;
  found: Found[];
};
export type Found = { field: string; text: string; ranges: Range[] };
export type Range = [start: number, end: number];

/** How well one word is answered. A number in part comes before any mistake that is forgiven. */
const WELL = {
  /** It is the whole of a number, name or address. */
  whole: 1,
  word: 0.8,
  partOfNumber: 0.75,
  beginningOfNumber: 0.7,
  beginning: 0.6,
  stem: 0.5,
  mistake: 0.2,
} as const;

/** What is not the first text of an object counts a little less. */
const ELSEWHERE = 0.95;

/** So many words of one text are looked at. */
const MAX_TOKENS = 5_000;

/** Null where nothing of it is asked for. */
export function matchOf(question: Question, searched: readonly SearchedText[]): Match | null {
  const texts = searched.map((one, index) => ({
    ...one,
    pieces: piecesOf(one),
    weight: index === 0 ? 1 : ELSEWHERE,
    isWhole: joined(one.text) === question.whole,
  }));
  const best = question.parts.map((part) =>
    texts.map(({ pieces, weight }) => {
      const answers = answersIn(part, pieces);
      return { score: weight * Math.max(0, ...answers.map(({ well }) => well)), answers };
    }),
  );
  const scores = best.map((answers) => Math.max(0, ...answers.map(({ score }) => score)));
  const sum = scores.reduce((total, score) => total + score, 0);
  if (sum === 0) return null;
  const isWhole = texts.some((text) => text.isWhole);
  const score = isWhole ? WELL.whole : sum / scores.length;
  const found = texts.flatMap(({ field, text }, index): Found[] => {
    const ranges = best.flatMap((answers, part) => shownOf(answers[index], scores[part] ?? 0));
    return ranges.length === 0 ? [] : [{ field, text, ranges: united(ranges) }];
  });
  return { score: Math.round(score * 1_000) / 1_000, found };
}

/** A word or number of a text, and whether it is all of what stands there. */
type Piece = Token & { written: string; isNumber: boolean; isWhole: boolean };
type Answer = { well: number; isNumber: boolean; range: Range };

/** What only resembles the word is not shown beside what is it, nor more of a number than was asked for. */
function shownOf(
  found: { answers: readonly Answer[] } | undefined,
  bestScore: number,
): readonly Range[] {
  const answers = found?.answers ?? [];
  const best = Math.max(...answers.map(({ well }) => well));
  const isNumber = answers.some((answer) => answer.isNumber && answer.well === best);
  const least = isNumber ? best : bestScore > WELL.mistake ? WELL.stem : 0;
  return answers.filter(({ well }) => well >= least).map(({ range }) => range);
}

function piecesOf({ text, as }: SearchedText): Piece[] {
  const all = { written: "", isNumber: true };
  const emails = emailsOf(text).flatMap(({ words, domains, start, end }) => [
    ...words.map((word) => ({ ...all, word, start, end, isWhole: true })),
    ...domains.map((word) => ({ ...all, word, start, end, isWhole: false })),
  ]);
  const phones = as !== "phone" ? [] : phoneWords(text);
  const dialled = phones.map((word) => ({
    ...{ ...all, word, isWhole: true },
    ...{ start: 0, end: text.length },
  }));
  const words = chunksOf(text, MAX_TOKENS).flatMap((chunk) => {
    const last = chunk.tokens.length - 1;
    const [start, end] = [chunk.tokens[0]?.start ?? 0, chunk.tokens[last]?.end ?? 0];
    return [...chunk.tokens, ...partsOf(chunk)].map((token) => ({
      ...token,
      written: text.slice(token.start, token.end),
      isNumber: chunk.isCode || hasDigit(token.word),
      isWhole: token.start === start && token.end === end,
    }));
  });
  return [...emails, ...dialled, ...words];
}

function answersIn(part: Part, pieces: readonly Piece[]): Answer[] {
  return pieces.flatMap((piece) => {
    const well = answer(part, piece);
    const { start, end, isNumber } = piece;
    return well === 0 ? [] : [{ well, isNumber, range: [start, end] as Range }];
  });
}

function answer(part: Part, { word, written, isNumber, isWhole }: Piece): number {
  const { forms, stems, isBeginning, isForgiven } = part;
  const plain = withoutDigraphs(word);
  if (forms.includes(word) || forms.includes(plain)) {
    if (!isNumber) return WELL.word;
    return isWhole ? WELL.whole : WELL.partOfNumber;
  }
  if (isBeginning && forms.some((form) => word.startsWith(form) || plain.startsWith(form))) {
    return isNumber ? WELL.beginningOfNumber : WELL.beginning;
  }
  if (isUnspaced(word) && forms.some((form) => isUnspaced(form) && word.includes(form))) {
    return WELL.beginning;
  }
  if (stems.length > 0 && isStem(forms, stems, word, written)) return WELL.stem;
  if (!isForgiven || !isForgivable(word)) return 0;
  const isMistaken = isBeginning ? isBegunWithMistake : isOneMistake;
  return forms.some((form) => isMistaken(form, word)) ? WELL.mistake : 0;
}

/** Stems keep how a word begins, so most words need none. */
const KEPT = 2;

function isStem(
  forms: readonly string[],
  stems: readonly string[],
  word: string,
  written: string,
): boolean {
  if (stems.includes(word)) return true;
  const [form = ""] = forms;
  if (form.slice(0, KEPT) !== word.slice(0, KEPT)) return false;
  return stemsOf(written).some((stem) => stems.includes(stem) || forms.includes(stem));
}

/** In their order, without overlaps. */
function united(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const out: Range[] = [];
  for (const [start, end] of sorted) {
    const last = out.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}
