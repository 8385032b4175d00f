/**
 * Runs `withSearchIndex`: documents that have any of the terms, the last one as a prefix. Those with
 * more of the terms come first, then those with the higher BM25 score, then the newest. The entries
 * of a term that are looked at are limited in number, so the commonest word has a bounded cost; what
 * other terms have found is looked up in it one by one, so it is not missed for being old. A word that
 * nothing has may be mistyped: words that differ from it by one letter stand in for it (typing.ts).
 */
import { afterPrefix, encodeKey, endOfValue, idOfKey } from "./keys";
import { MAX_SEARCH_RESULTS } from "./limits";
import { hasDigest, readPayload } from "./postings";
import type { ReadRange } from "./reads";
import type { SearchPlan } from "./searchPlan";
import { readRounded, type RoundedTotals } from "./searchTotals";
import { isForgiven, similarWords } from "./typing";
import type { View } from "./view";
import type { SearchTerm } from "./words";

/** Entries looked at for each term. */
const MAX_ENTRIES_PER_TERM = 4_096;
/** Documents found by other terms that are looked up in a term of more entries than that. */
const MAX_LOOKUPS = 1_024;

/** The usual parameters of BM25: how soon repetition stops to count, and how much length does. */
const K1 = 1.2;
const B = 0.75;
/** A word that only begins with the term counts as this part of the term itself. */
const BEGINNING = 0.5;
/** A word that the term may have been meant for, as this part of it. */
const MISTAKEN = 0.2;

/** A candidate and its place in the ranking; places sort as their texts do. */
export type Match = { id: string; place: string };

type Candidate = {
  id: string;
  /** What its keys begin and end with, around the term. */
  partition: string;
  suffix: string;
  /** In words. */
  length: number;
  /** Occurrences of each term, by the term's position in the plan. */
  occurrences: Map<number, number>;
};

type OnRange = (range: ReadRange) => void;

/** The best matches, at most as many as Convex looks at. */
export function findMatches(plan: SearchPlan, view: View, onRange: OnRange): Match[] {
  const partitions = partitionsOf(plan, view, onRange);
  const candidates = new Map<string, Candidate>();
  const entries = plan.terms.map((term, position) =>
    found(plan, view, partitions, term, position, candidates, onRange),
  );
  plan.terms.forEach((term, position) => {
    const isComplete = (entries[position] ?? 0) < MAX_ENTRIES_PER_TERM;
    if (!isComplete && !term.isPrefix) lookUp(plan, view, term, position, candidates);
  });
  const totals = totalsOf(plan, view, partitions, onRange);
  const weights = entries.map((count) => rarity(count, totals.documents));
  return [...candidates.values()]
    .map((candidate) => ({ id: candidate.id, place: placeOf(candidate, weights, totals) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, MAX_SEARCH_RESULTS);
}

/** The same of the words that the term may have been meant for, where nothing has it as it is. */
function found(
  plan: SearchPlan,
  view: View,
  partitions: readonly string[],
  term: SearchTerm,
  position: number,
  candidates: Map<string, Candidate>,
  onRange: OnRange,
): number {
  const { entries, passed } = gather(
    plan,
    view,
    partitions,
    term,
    position,
    candidates,
    onRange,
    1,
  );
  if (passed > 0 || !isForgiven(term.text)) return entries;
  let meant = 0;
  for (const partition of partitions) {
    for (const text of similarWords(plan, view, partition, term, onRange)) {
      const other = { text, isPrefix: term.isPrefix };
      const those = [partition];
      meant += gather(plan, view, those, other, position, candidates, onRange, MISTAKEN).entries;
      if (meant >= MAX_ENTRIES_PER_TERM) return meant;
    }
  }
  return entries + meant;
}

/** Adds what a term finds to the candidates: how many entries it has, and how many of them pass. */
function gather(
  plan: SearchPlan,
  view: View,
  partitions: readonly string[],
  term: SearchTerm,
  position: number,
  candidates: Map<string, Candidate>,
  onRange: OnRange,
  weight: number,
): { entries: number; passed: number } {
  const whole = encodeKey(term.text);
  let read = 0;
  let passed = 0;
  for (const partition of partitions) {
    const low = partition + (term.isPrefix ? whole.slice(0, -1) : whole);
    const high = afterPrefix(low);
    onRange({ index: plan.index.number, low, high });
    const cursor = view.scan({ ...plan, low, high, reverse: false }, 64);
    while (read < MAX_ENTRIES_PER_TERM) {
      const entry = cursor.next();
      if (entry === null) break;
      read++;
      const { key, payload } = entry;
      if (!passesFilters(plan, payload)) continue;
      const isWhole = key.startsWith(whole, partition.length);
      passed++;
      add(candidates, key, partition, payload, position, weight * (isWhole ? 1 : BEGINNING));
    }
  }
  return { entries: read, passed };
}

/** A term that has too many entries to be read is asked for the candidates that others have found. */
function lookUp(
  plan: SearchPlan,
  view: View,
  term: SearchTerm,
  position: number,
  candidates: Map<string, Candidate>,
): void {
  let lookups = 0;
  for (const candidate of candidates.values()) {
    if (candidate.occurrences.has(position)) continue;
    if (++lookups > MAX_LOOKUPS) return;
    const key = candidate.partition + encodeKey(term.text) + candidate.suffix;
    const payload = view.payload(plan.index, key);
    if (payload !== null) candidate.occurrences.set(position, readPayload(payload).occurrences);
  }
}

function add(
  candidates: Map<string, Candidate>,
  key: string,
  partition: string,
  payload: string,
  position: number,
  weight: number,
): void {
  const { occurrences, length } = readPayload(payload);
  const suffix = key.slice(endOfValue(key, partition.length));
  let candidate = candidates.get(suffix);
  if (candidate === undefined) {
    candidate = { id: idOfKey(key), partition, suffix, length, occurrences: new Map() };
    candidates.set(suffix, candidate);
  }
  const before = candidate.occurrences.get(position) ?? 0;
  candidate.occurrences.set(position, before + weight * occurrences);
}

function passesFilters(plan: SearchPlan, payload: string): boolean {
  return plan.filters.every(
    ({ position, digest }) => position === 0 || hasDigest(payload, position, digest),
  );
}

const TIME_CHARACTERS = 8;

/** Most terms first, then the highest score, then the newest: the suffix begins with the time. */
function placeOf(candidate: Candidate, weights: readonly number[], totals: RoundedTotals): string {
  let score = 0;
  const norm = K1 * (1 - B + (B * candidate.length) / totals.wordsPerDocument);
  for (const [position, occurrences] of candidate.occurrences) {
    score += ((weights[position] ?? 0) * occurrences * (K1 + 1)) / (occurrences + norm);
  }
  // Two bytes of score: what differs by less is as relevant, and the newest comes first.
  const rank = 0xffff - Math.min(0xffff, Math.round(score * 256));
  return (
    String.fromCharCode(255 - candidate.occurrences.size, rank >>> 8, rank & 255) +
    candidate.suffix.slice(0, TIME_CHARACTERS) +
    candidate.id
  );
}

/** The inverse document frequency of BM25, in the form that is never negative. */
function rarity(entries: number, documents: number): number {
  const others = Math.max(0, documents - entries);
  return Math.log(1 + (others + 0.5) / (entries + 0.5));
}

function totalsOf(
  plan: SearchPlan,
  view: View,
  partitions: readonly string[],
  onRange: OnRange,
): RoundedTotals {
  const read = (key: string): string | null => view.payload(plan.index, key);
  let documents = 0;
  let words = 0;
  for (const partition of partitions) {
    const totals = readRounded(plan.index, partition, read, onRange);
    documents += totals.documents;
    words += totals.documents * totals.wordsPerDocument;
  }
  return { documents, wordsPerDocument: documents === 0 ? 1 : words / documents };
}

/** The values of the first filter field to look under: the one asked for, or each there is. */
function partitionsOf(plan: SearchPlan, view: View, onRange: OnRange): string[] {
  if (plan.index.filterFields.length === 0) return [""];
  const asked = plan.filters.find(({ position }) => position === 0);
  if (asked !== undefined) return [asked.key];
  // A document under a new value may match as well.
  onRange({ index: plan.index.number, low: "", high: "\xff" });
  const partitions: string[] = [];
  let low = "";
  for (;;) {
    const entry = view.scan({ ...plan, low, high: "\xff", reverse: false }, 1).next();
    if (entry === null) return partitions;
    const value = entry.key.slice(0, endOfValue(entry.key, 0));
    partitions.push(value);
    low = afterPrefix(value);
  }
}
