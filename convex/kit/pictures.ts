import { unzlibSync } from "fflate";
import { decode as decodeJpeg } from "jpeg-js";

/** Pictures from outside: read to the last pixel before they are kept, so that what prints them can. */
export const PICTURE_TYPES = ["image/png", "image/jpeg"] as const;
export type PictureType = (typeof PICTURE_TYPES)[number];
export type PictureSize = { width: number; height: number };

/** What is decoded within a transaction's second, and sharp on the 6 cm that it is printed on. */
export const MAX_PIXELS = 500_000;
const MAX_DECODED_MIB = 64;

/** Why bytes are no picture of the media type that they were sent as. */
export class NotAPicture extends Error {}

/** The size of a picture, all of which was decoded. @throws NotAPicture */
export function readPicture(bytes: Uint8Array, mediaType: PictureType): PictureSize {
  return mediaType === "image/png" ? readPng(bytes) : readJpeg(bytes);
}

function readJpeg(bytes: Uint8Array): PictureSize {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new NotAPicture("is no JPEG");
  try {
    const { width, height } = decodeJpeg(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: MAX_PIXELS / 1_000_000,
      maxMemoryUsageInMB: MAX_DECODED_MIB,
    });
    requireSize({ width, height });
    return { width, height };
  } catch (error) {
    if (error instanceof NotAPicture || !(error instanceof Error)) throw error;
    throw new NotAPicture(`is a JPEG that cannot be decoded: ${error.message}`);
  }
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** By colour type (PNG, third edition, table 12): samples of a pixel, and how many bits one may have. */
const COLOURS: Record<number, { samples: number; depths: number[] }> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const INDEXED = 3;

/** Where Adam7's seven passes begin, and the steps that they take (section 8.2). */
const ADAM7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];
const LAST_FILTER = 4;

/**
 * Its data is inflated into the room that its head promises: a small file that would unpack
 * to gigabytes is refused, not unpacked.
 */
function readPng(bytes: Uint8Array): PictureSize {
  if (!PNG_SIGNATURE.every((byte, index) => bytes[index] === byte)) {
    throw new NotAPicture("is no PNG");
  }
  const chunks = chunksOf(bytes);
  const [head] = chunks;
  if (head?.type !== "IHDR" || head.data.byteLength !== 13) throw damaged("it has no head");
  const view = new DataView(head.data.buffer, head.data.byteOffset, 13);
  const size = { width: view.getUint32(0), height: view.getUint32(4) };
  requireSize(size);
  const [depth = 0, colourType = 0, compression, filter, interlace = 0] = head.data.subarray(8);
  const colour = COLOURS[colourType];
  if (!colour?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged("its head names what PNG does not have");
  }
  const colours = chunks.find(({ type }) => type === "PLTE")?.data.byteLength ?? 0;
  if (colourType === INDEXED && (colours === 0 || colours % 3 !== 0)) {
    throw damaged("it has no palette");
  }
  requireLines(
    joined(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data)),
    passesOf(size, interlace === 1).map((pass) => ({
      lines: pass.height,
      bytes: 1 + Math.ceil((pass.width * colour.samples * depth) / 8),
    })),
  );
  return size;
}

type Chunk = { type: string; data: Uint8Array };

/** From the head to the end, which a file that was cut off does not have. */
function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  let at = PNG_SIGNATURE.length;
  while (at + 12 <= bytes.byteLength) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.byteLength) break;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.subarray(at + 8, end) });
    if (type === "IEND") return chunks;
    at = end + 4;
  }
  throw damaged("it ends too early");
}

function passesOf({ width, height }: PictureSize, isInterlaced: boolean): PictureSize[] {
  if (!isInterlaced) return [{ width, height }];
  return ADAM7.map(({ x, y, dx, dy }) => ({
    width: Math.ceil((width - x) / dx),
    height: Math.ceil((height - y) / dy),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
}

/** @throws NotAPicture unless the data is whole lines, each beginning with a filter that there is */
function requireLines(data: Uint8Array, passes: { lines: number; bytes: number }[]): void {
  const expected = passes.reduce((sum, { lines, bytes }) => sum + lines * bytes, 0);
  const lines = inflated(data, expected);
  let at = 0;
  for (const pass of passes) {
    for (const end = at + pass.lines * pass.bytes; at < end; at += pass.bytes) {
      if ((lines[at] ?? 0) > LAST_FILTER) throw damaged("a line has a filter that there is not");
    }
  }
}

function inflated(data: Uint8Array, expected: number): Uint8Array {
  let lines: Uint8Array;
  try {
    // One byte more than is right shows whether there is more; what is beyond that is dropped.
    lines = unzlibSync(data, { out: new Uint8Array(expected + 1) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw damaged(error.message);
  }
  if (lines.byteLength !== expected) throw damaged("it has not as many pixels as its head says");
  return lines;
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function requireSize({ width, height }: PictureSize): void {
  if (width < 1 || height < 1) throw new NotAPicture("has no pixels");
  if (width * height <= MAX_PIXELS) return;
  throw new NotAPicture(`has ${width} × ${height} pixels; at most ${MAX_PIXELS} in all are read`);
}

function damaged(what: string): NotAPicture {
  return new NotAPicture(`is a PNG that cannot be decoded: ${what}`);
}
