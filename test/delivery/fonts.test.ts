import { expect, test } from "vitest";
import { type Family, fontsFor } from "../../convex/delivery/pdf/fonts";
import { withGlyphs } from "../../convex/delivery/pdf/glyphs";

const LETTER = { to: "서울 Café", lines: ["Łódź – 🎉👩‍💻 done\nᚠ", "1.234,50 €"], page: 1 };

test("characters that no font has are shown as such, and all others as they are", async () => {
  const { families, isComplete } = await fontsFor(JSON.stringify(LETTER));
  expect(isComplete).toBe(true);
  const { to, lines, page } = await withGlyphs(LETTER, families);
  expect([to, page]).toEqual(["서울 Café", 1]);
  expect(lines).toEqual(["Łódź – \ufffd\ufffd\u200d\ufffd done\n\ufffd", "1.234,50 €"]);
});

test("a font that cannot be had leaves a mark on the document, not no document", async () => {
  const withoutKorean = async ({ name }: Family): Promise<void> => {
    if (name.endsWith("KR")) throw new Error("cdn.jsdelivr.net does not answer");
    await fontsFor("");
  };
  const { families, isComplete } = await fontsFor(JSON.stringify(LETTER), withoutKorean);
  expect([families, isComplete]).toEqual([["Noto Sans"], false]);
  expect((await withGlyphs(LETTER, families)).to).toBe("\ufffd\ufffd Café");
});
