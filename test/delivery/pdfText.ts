import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether poppler's tools are here, which read PDFs independently of what made them. */
export const hasPoppler = await run("pdftotext", ["-v"]).then(
  () => true,
  () => false,
);

/** The text of a PDF, as `pdftotext -layout` reads it, with single spaces; pages are parted by form feeds. */
export async function textOf(pdf: Uint8Array): Promise<string> {
  return await withFile(pdf, async (file) => {
    const { stdout } = await run("pdftotext", ["-layout", file, "-"]);
    return stdout.replace(/[^\S\n\f]+/gu, " ");
  });
}

/** A word where it stands, in points from the upper left corner of its page. */
export type PrintedWord = {
  page: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  text: string;
};

/** The words of a PDF with their places, in the order in which they are drawn. */
export async function wordsOf(pdf: Uint8Array): Promise<PrintedWord[]> {
  const { stdout } = await withFile(
    pdf,
    async (file) =>
      await run("pdftotext", ["-raw", "-bbox", file, "-"], { maxBuffer: 64 * 1024 * 1024 }),
  );
  const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
  return stdout.split("<page ").flatMap((page, index) =>
    [
      ...page.matchAll(/<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)<\/word>/g),
    ].map(([, left, top, right, bottom, text = ""]) => ({
      page: index,
      left: Number(left),
      top: Number(top),
      right: Number(right),
      bottom: Number(bottom),
      text: text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole),
    })),
  );
}

/** Its pages as grey pictures (PGM) of so many dots per inch. */
export async function picturesOf(pdf: Uint8Array, dpi: number): Promise<Buffer[]> {
  return await withFile(pdf, async (file) => {
    const prefix = path.join(path.dirname(file), "page");
    await run("pdftoppm", ["-gray", "-r", String(dpi), file, prefix]);
    const pages: Buffer[] = [];
    const { stdout } = await run("ls", [path.dirname(file)]);
    for (const name of stdout.split("\n").filter((entry) => entry.endsWith(".pgm"))) {
      pages.push(await readFile(path.join(path.dirname(file), name)));
    }
    return pages;
  });
}

async function withFile<Result>(
  pdf: Uint8Array,
  use: (file: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), "freehold-pdf-"));
  try {
    const file = path.join(folder, "document.pdf");
    await writeFile(file, pdf);
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
