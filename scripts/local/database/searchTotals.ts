/**
 * What ranking needs to know of a search index as a whole, for each value of its first filter field:
 * how many documents there are and how long they are. The exact figures change with every write; a
 * search reads the rounded ones beside them, which hardly ever do, so that a live search runs again
 * for a new document only if it has one of its terms. Both stand in front of the partition's terms.
 */
import { encodeKey } from "./keys";
import type { ReadRange } from "./reads";
import type { SearchIndex } from "./postings";

export type Totals = { documents: number; words: number };
export type RoundedTotals = { documents: number; wordsPerDocument: number };

type Read = (key: string) => string | null;
type Write = (key: string, payload: string | null) => void;

/** Sorts before every term, which is a string. */
const IN_FRONT = encodeKey(null);
const exactKey = (partition: string): string => partition + IN_FRONT;
const roundedKey = (partition: string): string => partition + IN_FRONT + IN_FRONT;

/** Adds to the totals of a partition; what has no documents any more leaves nothing behind. */
export function addTotals(partition: string, change: Totals, read: Read, write: Write): void {
  const before = parse(read(exactKey(partition)));
  const documents = Math.max(0, before.documents + change.documents);
  const words = Math.max(0, before.words + change.words);
  const totals = documents === 0 ? null : { documents, words };
  write(exactKey(partition), totals && `${documents} ${words}`);
  const rounded = totals && round(totals);
  if (rounded !== read(roundedKey(partition))) write(roundedKey(partition), rounded);
}

/** As a search sees them; `onRead` hears of what this depends on. */
export function readRounded(
  index: SearchIndex,
  partition: string,
  read: Read,
  onRead: (range: ReadRange) => void,
): RoundedTotals {
  const low = roundedKey(partition);
  onRead({ index: index.number, low, high: `${low}\x00` });
  const [documents = 0, wordsPerDocument = 0] = (read(low) ?? "0 0").split(" ").map(Number);
  return { documents: 2 ** documents, wordsPerDocument: 2 ** (wordsPerDocument / 2) };
}

/** In powers of two, and for lengths of its root. */
function round({ documents, words }: Totals): string {
  return `${Math.round(Math.log2(documents))} ${Math.round(2 * Math.log2(words / documents))}`;
}

function parse(payload: string | null): Totals {
  const [documents = 0, words = 0] = (payload ?? "0 0").split(" ").map(Number);
  return { documents, words };
}
