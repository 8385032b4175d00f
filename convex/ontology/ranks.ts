import { generateKeyBetween, generateNKeysBetween } from "fractional-indexing";

/**
 * Places among others: fractional indices, texts that are compared byte by byte (never by a locale), so
 * that one moves without the others being numbered anew.
 * https://www.figma.com/blog/realtime-editing-of-ordered-sequences/
 */
export const MAX_RANK = 250;

export function isRank(text: string): boolean {
  try {
    generateKeyBetween(text, null);
    return true;
  } catch {
    return false;
  }
}

/** A place between two; null is before the first, or after the last. They must differ. */
export function rankBetween(before: string | null, after: string | null): string {
  return generateKeyBetween(before, after);
}

/** So many places between two, evenly apart. */
export function ranksBetween(before: string | null, after: string | null, count: number): string[] {
  return generateNKeysBetween(before, after, count);
}
