"use node";

import { renderToBuffer } from "@react-pdf/renderer";
import type { Logo } from "../documentFiles";
import type { PrintedDocument } from "../printed/printedDocument";
import { fontsFor } from "./fonts";
import { Letter, type PrintedLogo } from "./Letter";

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
  const pdf = await renderToBuffer(<Letter printed={printed} logo={picture} fonts={fonts} />);
  return new Uint8Array(pdf);
}
