"use node";

import { renderToBuffer } from "@react-pdf/renderer";
import type { Logo } from "../documentFiles";
import type { PrintedDocument } from "../printed/printedDocument";
import { fontsFor } from "./fonts";
import { Letter, type PrintedLogo } from "./Letter";
import { measureWith } from "./measure";

/**
 * The PDF of a printed document; the same document gives the same bytes. All fonts are embedded.
 */
export async function renderPdf(
  printed: PrintedDocument,
  logo: Logo | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const fonts = await fontsFor(JSON.stringify(printed));
  const picture: PrintedLogo | null = logo && {
    data: Buffer.from(logo.bytes),
    format: logo.contentType === "image/png" ? "png" : "jpg",
  };
  const measure = await measureWith(fonts);
  const letter = Letter({ printed, logo: picture, fonts, measure });
  const pdf = await renderToBuffer(letter);
  return new Uint8Array(pdf);
}
