"use node";

import { Font } from "@react-pdf/renderer";

/** How much room text takes, in points, by the metrics of the fonts that it will be set in. */
export type Measure = {
  width: (text: string, fontSize: number, fontWeight?: 400 | 700) => number;
  /** How many lines a text breaks into; each has its words in full where the width allows it. */
  lines: (text: string, width: number, fontSize: number) => number;
};

type Metrics = {
  unitsPerEm: number;
  hasGlyphForCodePoint: (codePoint: number) => boolean;
  glyphForCodePoint: (codePoint: number) => { advanceWidth: number };
};

/** Kerning and shaping make a text narrower or wider by little. */
const MARGIN = 1.02;

/** @param fontFamilies as `fontsFor` gives them, registered */
export async function measureWith(fontFamilies: readonly string[]): Promise<Measure> {
  const regular = await advances(fontFamilies, 400);
  const bold = await advances(fontFamilies, 700);
  const width: Measure["width"] = (text, fontSize, fontWeight = 400) => {
    const advance = fontWeight === 700 ? bold : regular;
    let ems = 0;
    for (const character of text) ems += advance(character.codePointAt(0) ?? 0);
    return ems * fontSize * MARGIN;
  };
  const lines: Measure["lines"] = (text, available, fontSize) =>
    text
      .split("\n")
      .map((paragraph) => brokenLines(paragraph, available, (part) => width(part, fontSize)))
      .reduce((a, b) => a + b, 0);
  return { width, lines };
}

function brokenLines(text: string, available: number, width: (text: string) => number): number {
  let count = 1;
  let used = 0;
  for (const word of text.split(/(?<=\s)/u)) {
    const wide = width(word);
    if (used > 0 && used + width(word.trimEnd()) > available) {
      count += 1;
      used = 0;
    }
    // A word that is wider than the line is broken within.
    const over = Math.floor(wide / available);
    count += over;
    used += wide - over * available;
  }
  return count;
}

async function advances(
  fontFamilies: readonly string[],
  fontWeight: 400 | 700,
): Promise<(codePoint: number) => number> {
  const fonts = await Promise.all(fontFamilies.map((name) => metricsOf(name, fontWeight)));
  const known = new Map<number, number>();
  return (codePoint) => {
    const cached = known.get(codePoint);
    if (cached !== undefined) return cached;
    const font = fonts.find((candidate) => candidate.hasGlyphForCodePoint(codePoint)) ?? fonts[0];
    const ems = font ? font.glyphForCodePoint(codePoint).advanceWidth / font.unitsPerEm : 1;
    known.set(codePoint, ems);
    return ems;
  };
}

/** @param fontFamily registered */
export async function metricsOf(fontFamily: string, fontWeight: 400 | 700): Promise<Metrics> {
  const descriptor = { fontFamily, fontWeight, fontStyle: "normal" } as const;
  await Font.load(descriptor);
  const { data } = Font.getFont(descriptor);
  if (!hasMetrics(data)) throw new Error(`The font ${fontFamily} has no metrics.`);
  return data;
}

/** react-pdf's types leave out what its font reader (fontkit) gives. */
function hasMetrics(data: unknown): data is Metrics {
  return (
    typeof data === "object" &&
    data !== null &&
    "unitsPerEm" in data &&
    "hasGlyphForCodePoint" in data &&
    "glyphForCodePoint" in data
  );
}
