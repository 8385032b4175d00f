"use node";

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { Font } from "@react-pdf/renderer";
// Imported for Convex's bundler, which installs an external package where one of its names is used.
import { fonts as arabic } from "@embedpdf/fonts-arabic";
import { fonts as hebrew } from "@embedpdf/fonts-hebrew";
import { fonts as latin } from "@embedpdf/fonts-latin";
import { within } from "../../kit/within";

/**
 * The fonts of documents: Noto Sans, and beside it a face for each script that a text has characters
 * of.
 *
 * The faces of Chinese, Japanese and Korean are larger than all that Convex lets a deployment
 * install together (45 MB zipped). Where their packages stand beside the functions they are read
 * from there, as under `npm start`; elsewhere the same file is fetched once from a mirror of npm, by
 * its digest. Where that fails, the document has replacement characters, and is kept for a day only.
 */
type Face = { file: string; weight: number; sha256?: string };
export type Family = { name: string; packageName: string; covers: RegExp; faces: Face[] };

/** Anything that serves npm packages file by file will do: the digest says whether it is the file. */
const DEFAULT_MIRROR = "https://cdn.jsdelivr.net/npm";
const FETCH_WITHIN_MS = 20_000;

const upright = (faces: readonly { file: string; weight: number; italic?: boolean }[]): Face[] =>
  faces.filter(({ weight, italic }) => !italic && (weight === 400 || weight === 700));

const LATIN: Family = {
  name: "Noto Sans",
  packageName: "@embedpdf/fonts-latin",
  covers: /./u,
  faces: upright(latin),
};

const OTHERS: Family[] = [
  {
    name: "Noto Naskh Arabic",
    packageName: "@embedpdf/fonts-arabic",
    covers: /\p{Script=Arabic}/u,
    faces: upright(arabic),
  },
  {
    name: "Noto Sans Hebrew",
    packageName: "@embedpdf/fonts-hebrew",
    covers: /\p{Script=Hebrew}/u,
    faces: upright(hebrew),
  },
  {
    name: "Noto Sans Hans",
    packageName: "@embedpdf/fonts-sc",
    covers:
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\u3000-\u303f\uff00-\uffef]/u,
    faces: [
      {
        file: "NotoSansHans-Regular.otf",
        weight: 400,
        sha256: "7db3c634bbd0301b3082a80ffcac2f422e8ef9ce0730f8b279c3e8f756598f68",
      },
      {
        file: "NotoSansHans-Bold.otf",
        weight: 700,
        sha256: "9e7729ef993ca4c647882f798644f4bbf6da69bd822eac593fc68717dd6c8e2a",
      },
    ],
  },
  {
    name: "Noto Sans KR",
    packageName: "@embedpdf/fonts-kr",
    covers: /\p{Script=Hangul}/u,
    faces: [
      {
        file: "NotoSansKR-Regular.otf",
        weight: 400,
        sha256: "ff59f91fe8d6e6246f548bb67bf371810af3d5cc53b65e8680461fabd043b506",
      },
      {
        file: "NotoSansKR-Bold.otf",
        weight: 700,
        sha256: "4c42058a372749625eeda2dc8c2e54716abd197eeae8249c877cec6ca188c729",
      },
    ],
  },
];
const FETCHED_VERSION = "1.0.0";

const require = createRequire(import.meta.url);

// A word is never parted: a number or a name with a hyphen in it would be another.
Font.registerHyphenationCallback((word) => [word]);

/** Font families to be tried in this order, and whether none is missing that the text needs. */
export type Fonts = {
  families: string[];
  isComplete: boolean;
  /** To be called when the document is made. */
  release: () => void;
};

type FaceFile = { src: string; fontWeight: number };

/**
 * The font families that have the characters of a text. One that cannot be had now is left out, so
 * that a document is made all the same. They are the document's own, read anew: react-pdf's reader
 * keeps each glyph as it first met it, so a document whose fonts another has used could lack letters
 * for whoever copies or searches its text, and be other bytes than the same document made before.
 */
export async function fontsFor(text: string, filesOf = filesOnce): Promise<Fonts> {
  const needed = OTHERS.filter(({ covers }) => covers.test(text));
  const families = [register(LATIN, await filesOf(LATIN))];
  const outcomes = await Promise.allSettled(
    needed.map(async (family) => ({ family, files: await filesOf(family) })),
  );
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") console.error("A font is missing:", outcome.reason);
    else families.push(register(outcome.value.family, outcome.value.files));
  }
  const release = (): void => {
    const all = Font.getRegisteredFonts();
    for (const name of families) Reflect.deleteProperty(all, name);
  };
  return { families, isComplete: families.length === needed.length + 1, release };
}

let registrations = 0;

function register({ name }: Family, fonts: FaceFile[]): string {
  registrations += 1;
  const family = `${name} ${registrations}`;
  Font.register({ family, fonts });
  return family;
}

const found = new Map<string, Promise<FaceFile[]>>();

/** The files of a family, looked for or fetched by the first document that needs it. */
export function filesOnce(family: Family): Promise<FaceFile[]> {
  const known = found.get(family.name);
  if (known) return known;
  const finding = findFiles(family);
  found.set(family.name, finding);
  // The next document tries again.
  finding.catch(() => found.delete(family.name));
  return finding;
}

async function findFiles({ packageName, faces }: Family): Promise<FaceFile[]> {
  return await Promise.all(
    faces.map(async (face) => ({ src: await fileOf(packageName, face), fontWeight: face.weight })),
  );
}

async function fileOf(packageName: string, { file, sha256 }: Face): Promise<string> {
  const installed = installedFile(packageName, file);
  if (installed !== null) return installed;
  if (sha256 === undefined) throw new Error(`The package ${packageName} is not installed.`);
  return await fetchedFile(packageName, file, sha256, tmpdir());
}

/**
 * A file of a package, fetched unless it lies in the folder already.
 * @throws when it cannot be had, or is another
 */
export async function fetchedFile(
  packageName: string,
  file: string,
  sha256: string,
  folder: string,
): Promise<string> {
  const kept = path.join(folder, `${sha256}-${file}`);
  if (!existsSync(kept)) {
    const mirror = (process.env["FONT_MIRROR_URL"] || DEFAULT_MIRROR).replace(/\/+$/, "");
    const url = `${mirror}/${packageName}@${FETCHED_VERSION}/fonts/${file}`;
    const part = `${kept}.${process.pid}`;
    await writeFile(part, await fetchChecked(url, sha256));
    await rename(part, kept);
  }
  if (digestOf(await readFile(kept)) !== sha256) throw new Error(`${kept} is damaged.`);
  return kept;
}

function installedFile(packageName: string, file: string): string | null {
  try {
    return path.join(path.dirname(require.resolve(packageName)), "..", "fonts", file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

async function fetchChecked(url: string, sha256: string): Promise<Uint8Array> {
  const bytes = await within(FETCH_WITHIN_MS, async (signal) => {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
    return new Uint8Array(await response.arrayBuffer());
  });
  if (digestOf(bytes) !== sha256) throw new Error(`${url} is not the expected file.`);
  return bytes;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
