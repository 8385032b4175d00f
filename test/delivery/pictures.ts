import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decode, encode } from "fast-png";
import { expect } from "vitest";

/** Reference pictures of documents: what a reader sees, which the words alone do not say. */
const FOLDER = fileURLToPath(new URL("pictures/", import.meta.url));
/** `REWRITE_PICTURES=1` takes what is drawn now as the reference: look at it before it is committed. */
const REWRITES = process.env["REWRITE_PICTURES"] === "1";

/** Sharp enough to read the figures, small enough to keep. */
export const DPI = 64;
/**
 * Poppler's versions smooth the edges of letters differently, and set them a fraction of a pixel
 * apart: a grey is the same that is not far off from some neighbour of its place. Even a page that
 * is not smoothed at all has fewer other pixels than the most.
 */
const SAME_GREY = 96;
export const MAX_OTHER_PIXELS = 0.0012;

type Picture = { width: number; height: number; data: Uint8Array };

/** Expects a page (PGM) to look as its reference picture does, but for how letters are smoothed. */
export async function expectPicture(name: string, pgm: Uint8Array | undefined): Promise<void> {
  if (pgm === undefined) throw new Error(`There is no page for ${name}.`);
  const page = readPgm(pgm);
  const file = `${FOLDER}${name}.png`;
  if (REWRITES) {
    await mkdir(FOLDER, { recursive: true });
    await writeFile(file, encode({ ...page, channels: 1, depth: 8 }));
    return;
  }
  const reference = await readReference(file);
  expect([page.width, page.height]).toEqual([reference.width, reference.height]);
  const others = differenceOf(page, reference);
  expect(others, `${name}: share of other pixels`).toBeLessThan(MAX_OTHER_PIXELS);
}

/** The share of pixels of one page that have no like at their place in the other. */
export function differenceOf(one: Picture, two: Picture): number {
  return Math.max(othersOf(one, two), othersOf(two, one));
}

function othersOf({ width, height, data }: Picture, other: Picture): number {
  let others = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const grey = data[y * width + x] ?? 0;
      // Most of a page is the same at its place, so its neighbours are not asked for.
      if (isNear(grey, other.data[y * width + x] ?? 0)) continue;
      const [darkest, lightest] = aroundOf(other, x, y);
      if (grey < darkest - SAME_GREY || grey > lightest + SAME_GREY) others += 1;
    }
  }
  return others / data.length;
}

function isNear(one: number, two: number): boolean {
  return one - two <= SAME_GREY && two - one <= SAME_GREY;
}

/** The darkest and the lightest grey of a place and its eight neighbours. */
function aroundOf({ width, height, data }: Picture, x: number, y: number): [number, number] {
  let [darkest, lightest] = [255, 0];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      const grey = data[row * width + column] ?? 0;
      if (grey < darkest) darkest = grey;
      if (grey > lightest) lightest = grey;
    }
  }
  return [darkest, lightest];
}

/** A binary grey map of 8 bits (PGM, `P5`) as pdftoppm writes it. */
export function readPgm(pgm: Uint8Array): Picture {
  const head = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(
    Buffer.from(pgm.subarray(0, 64)).toString("latin1"),
  );
  if (!head) throw new Error("This is no PGM of 8 bits.");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const data = pgm.subarray(head[0].length);
  if (data.length !== width * height) throw new Error("The PGM is cut off.");
  return { width, height, data };
}

async function readReference(file: string): Promise<Picture> {
  const { width, height, channels, depth, data } = decode(await readFile(file));
  if (channels !== 1 || depth !== 8 || !(data instanceof Uint8Array)) {
    throw new Error(`${file} is not grey of 8 bits.`);
  }
  return { width, height, data };
}
