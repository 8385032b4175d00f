"use node";

import { Font } from "@react-pdf/renderer";
import { brokenLines } from "./lineBreaks";

/** How much room text takes, in points, by the metrics of the fonts that it will be set in. */
export type Measure = {
  width: (text: string, fontSize: number, fontWeight?: FontWeight) => number;
  /** The lines that a text breaks into: none is wider, and nothing is left out but spaces at their ends. */
  lines: (text: string, width: number, fontSize: number, fontWeight?: FontWeight) => string[];
};
export type FontWeight = 400 | 700;

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
  const lines: Measure["lines"] = (text, available, fontSize, fontWeight) =>
    brokenLines(text, available, (part) => width(part, fontSize, fontWeight));
  return { width, lines };
}

async function advances(
  fontFamilies: readonly string[],
  fontWeight: FontWeight,
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
export async function metricsOf(fontFamily: string, fontWeight: FontWeight): Promise<Metrics> {
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
