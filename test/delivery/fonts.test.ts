// @vitest-environment node
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fastify from "fastify";
import { expect, test, vi } from "vitest";
import { fetchedFile, filesOnce, fontsFor } from "../../convex/delivery/pdf/fonts";
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
  const withoutKorean: typeof filesOnce = async (family) => {
    if (family.name.endsWith("KR")) throw new Error("cdn.jsdelivr.net does not answer");
    return await filesOnce(family);
  };
  const { families, isComplete } = await fontsFor(JSON.stringify(LETTER), withoutKorean);
  expect([families.length, isComplete]).toEqual([1, false]);
  expect((await withGlyphs(LETTER, families)).to).toBe("\ufffd\ufffd Café");
});

test("a font whose package is not installed is fetched once, and only if it is the very file", async () => {
  const bytes = await readFile("node_modules/@embedpdf/fonts-kr/fonts/NotoSansKR-Thin.otf");
  const digest = createHash("sha256").update(bytes).digest("hex");
  const asked: string[] = [];
  const mirror = fastify();
  mirror.get("/npm/*", async (request, reply) => {
    asked.push(request.url);
    return request.url.endsWith("NotoSansKR-Thin.otf") ? bytes : await reply.code(404).send();
  });
  vi.stubEnv("FONT_MIRROR_URL", `${await mirror.listen({ host: "127.0.0.1", port: 0 })}/npm/`);
  const folder = await mkdtemp(path.join(tmpdir(), "freehold-fonts-"));
  try {
    const fetched = async (file: string, sha256: string): Promise<string> =>
      await fetchedFile("@embedpdf/fonts-kr", file, sha256, folder);
    const kept = await fetched("NotoSansKR-Thin.otf", digest);
    expect(bytes.equals(await readFile(kept))).toBe(true);
    expect(await fetched("NotoSansKR-Thin.otf", digest)).toBe(kept);
    expect(asked).toEqual(["/npm/@embedpdf/fonts-kr@1.0.0/fonts/NotoSansKR-Thin.otf"]);
    await expect(fetched("NotoSansKR-Thin.otf", "0".repeat(64))).rejects.toThrow("expected file");
    await expect(fetched("Other.otf", digest)).rejects.toThrow("answered 404");
    expect(await readdir(folder)).toHaveLength(1);
  } finally {
    vi.unstubAllEnvs();
    await mirror.close();
    await rm(folder, { recursive: true });
  }
});
