"use node";

import { metricsOf } from "./measure";

/** What Unicode has for a character that cannot be shown: a reader sees that something is missing. */
const REPLACEMENT = "\ufffd";
/** Lines and tabs, and what only joins or styles its neighbours, have no glyph of their own. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Variation_Selector}]/u;

/**
 * A value whose texts have only characters that one of the fonts can show. Others, such as emoji,
 * would be set in whatever glyph has their number.
 */
export async function withGlyphs<Value>(
  value: Value,
  fontFamilies: readonly string[],
): Promise<Value> {
  const fonts = await Promise.all(fontFamilies.map((name) => metricsOf(name, 400)));
  const shown = (character: string): string => {
    const codePoint = character.codePointAt(0) ?? 0;
    if (fonts.some((font) => font.hasGlyphForCodePoint(codePoint))) return character;
    if (!INVISIBLE.test(character)) return REPLACEMENT;
    return /\s/.test(character) ? character : "";
  };
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === "string" ? Array.from(part, shown).join("") : part,
  ) as Value;
}
