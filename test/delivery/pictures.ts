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
/** Poppler's versions smooth the edges of letters differently: a grey that is off by less is the same. */
const SAME_GREY = 48;
const MAX_MEAN_DIFFERENCE = 1;
export const MAX_OTHER_PIXELS = 0.002;

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
  const { mean, others } = differenceOf(page, reference);
  expect(mean, `${name}: mean difference of grey`).toBeLessThan(MAX_MEAN_DIFFERENCE);
  expect(others, `${name}: share of other pixels`).toBeLessThan(MAX_OTHER_PIXELS);
}

/** The mean difference of grey (0–255), and the share of pixels that are plainly another grey. */
export function differenceOf(one: Picture, two: Picture): { mean: number; others: number } {
  let sum = 0;
  let others = 0;
  for (const [index, grey] of one.data.entries()) {
    const difference = Math.abs(grey - (two.data[index] ?? 0));
    sum += difference;
    if (difference > SAME_GREY) others += 1;
  }
  return { mean: sum / one.data.length, others: others / one.data.length };
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
