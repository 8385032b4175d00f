import { generateKeyBetween, generateNKeysBetween } from "fractional-indexing";

/**
 * Places among others: fractional indices, texts that are compared byte by byte (never by a locale), so
 * that one moves without the others being numbered anew.
 * https://www.figma.com/blog/realtime-editing-of-ordered-sequences/
 */
export const MAX_RANK = 250;

/**
 * The first letter says how long the number before the fraction is. At `A` and `z` it can be the lowest
 * or the highest there is, next to which every further place is longer than the one before.
 */
export function isRank(text: string): boolean {
  if (/^[Az]/.test(text)) return false;
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
