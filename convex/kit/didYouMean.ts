import { distance } from "fastest-levenshtein";

/** Longer than any name of ours with its slips; a longer text is compared with nothing. */
const LONGEST = 64;

/**
 * What goes at the end of a message about an unknown name: `. Did you mean "email"?`, where something
 * known differs by a slip of the fingers; else nothing. For fields, parameters, values of enumerations,
 * scopes, types of events and columns.
 */
export function didYouMean(given: string, known: readonly string[]): string {
  const nearest = nearestOf(given, known);
  return nearest === null ? "" : `. Did you mean "${nearest}"?`;
}

/** The known name that is nearest, if it is near. */
function nearestOf(given: string, known: readonly string[]): string | null {
  if (given.length > LONGEST) return null;
  let nearest: string | null = null;
  let least = slipsIn(given) + 1;
  for (const name of known) {
    if (name.length > LONGEST) continue;
    const slips = slipsBetween(given, name);
    if (slips < least) [nearest, least] = [name, slips];
  }
  return nearest;
}

/** How many letters may be wrong in a word of this length. */
function slipsIn({ length }: string): number {
  if (length < 3) return 0;
  return length < 5 ? 1 : length < 9 ? 2 : 3;
}

/** Case and what stands between words is no slip, and two letters that changed places are one. */
function slipsBetween(given: string, name: string): number {
  const [one, other] = [plain(given), plain(name)];
  const slips = distance(one, other);
  const haveChangedPlaces = slips === 2 && sorted(one) === sorted(other);
  return haveChangedPlaces ? 1 : slips;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}*]/gu, "");
}

function sorted(name: string): string {
  return Array.from(name).sort().join("");
}
