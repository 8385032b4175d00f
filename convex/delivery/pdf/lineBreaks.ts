/** What ends a line for certain (Unicode UAX #14: BK, CR, LF, NL). */
const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;
/** After these a line may end (UAX #14: SP, BA, ZW); not after spaces that hold together. */
const SPACE = "[ \\t\\u1680\\u2000-\\u2006\\u2008-\\u200b\\u205f\\u3000]";
/** Scripts that are written without spaces: a line may end at any of their letters. */
const UNSPACED =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\u3000-\\u303f\\uff00-\\uffef]";
/** What stands at no beginning of a line, and at no end of one (JIS X 4051). */
const NO_BEGINNING =
  "[\\p{Pe}\\p{Pf}\\p{M}\\p{Cf}、。，．：；！？・ー々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;!?%\\s]";
const NO_END = "[\\p{Ps}\\p{Pi}]";
const BREAKS = new RegExp(
  `(?<=${SPACE})(?!${SPACE})` +
    `|(?<=${UNSPACED})(?<!${NO_END})(?!${NO_BEGINNING})` +
    `|(?<!${NO_END}|^)(?=${UNSPACED})(?!${NO_BEGINNING})(?<!${SPACE})`,
  "u",
);
/** Where an address or a reference that is too long for a line is parted, if it can be. */
const WITHIN_WORDS = /(?<=[-/_.,;:?&=#+@|\\])/u;

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * A text in lines of at most the available width. A word is parted only where it is wider than a
 * whole line: after its punctuation if that helps, else between any two characters as people see
 * them; no hyphen is added, which would make another word of it.
 */
export function brokenLines(
  text: string,
  available: number,
  width: (text: string) => number,
): string[] {
  const fits = (part: string): boolean => width(part.trimEnd()) <= available;
  return text.split(LINE_END).flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const piece of paragraph.replaceAll("\t", "  ").split(BREAKS)) {
      if (fits(line + piece)) {
        line += piece;
        continue;
      }
      if (line.trim() !== "") lines.push(line.trimEnd());
      const parts = fits(piece) ? [piece] : parted(piece, fits);
      lines.push(...parts.slice(0, -1));
      line = parts.at(-1) ?? "";
    }
    return [...lines, line.trimEnd()];
  });
}

/** A word that is wider than a line, in parts that are not. */
function parted(word: string, fits: (part: string) => boolean): string[] {
  const small = word
    .split(WITHIN_WORDS)
    .flatMap((part) =>
      fits(part) ? [part] : Array.from(graphemes.segment(part), ({ segment }) => segment),
    );
  const parts: string[] = [];
  let part = "";
  for (const next of small) {
    if (part !== "" && !fits(part + next)) {
      parts.push(part);
      part = "";
    }
    part += next;
  }
  return [...parts, part];
}

const STRONG = /\p{L}/u;
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

/** Whether the first letter that has a direction (Unicode UAX #9, P2) is of a right-to-left script. */
export function isRightToLeft(text: string): boolean {
  return RIGHT_TO_LEFT.test(STRONG.exec(text)?.[0] ?? "");
}
