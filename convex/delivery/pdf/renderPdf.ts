"use node";

import { renderToBuffer } from "@react-pdf/renderer";
import type { Logo } from "../../ontology/sellers";
import type { PrintedDocument } from "../printed/printedDocument";
import { fontsFor } from "./fonts";
import { withGlyphs } from "./glyphs";
import { Letter, type PrintedLogo } from "./Letter";
import { measureWith } from "./measure";

/** A file, and whether it lacks what the next time may be there. */
export type Rendered = { bytes: Uint8Array<ArrayBuffer>; isComplete: boolean };

/**
 * The PDF of a printed document; the same document gives the same bytes. All fonts are embedded.
 * Characters that no font has stand as U+FFFD.
 */
export async function renderPdf(printed: PrintedDocument, logo: Logo | null): Promise<Rendered> {
  const { families, isComplete, release } = await fontsFor(JSON.stringify(printed));
  const picture: PrintedLogo | null = logo && {
    data: Buffer.from(logo.bytes),
    format: logo.contentType === "image/png" ? "png" : "jpg",
  };
  try {
    const measure = await measureWith(families);
    const shown = await withGlyphs(printed, families);
    const letter = Letter({ printed: shown, logo: picture, fonts: families, measure });
    return { bytes: new Uint8Array(await renderToBuffer(letter)), isComplete };
  } finally {
    release();
  }
}
