"use node";

import { InvoiceService } from "@e-invoice-eu/core";
import type { Doc } from "../../_generated/dataModel";
import { eInvoiceOf } from "./eInvoice";
import { NO_ENDPOINT } from "./parties";
import type { TaxDocument } from "./requirements";

export type Syntax = "ubl" | "cii";

/** What the library asks an electronic address for, and EN 16931 does without. */
const NO_ADDRESS = new RegExp(
  `\\s*<cbc:EndpointID[^>]*>${NO_ENDPOINT}</cbc:EndpointID>|` +
    `\\s*<ram:URIUniversalCommunication>\\s*<ram:URIID[^>]*>${NO_ENDPOINT}</ram:URIID>\\s*</ram:URIUniversalCommunication>`,
  "g",
);

const service = new InvoiceService({
  log: () => undefined,
  warn: (message) => {
    console.warn(message);
  },
  error: (message) => {
    console.error(message);
  },
});

/** The XML of an invoice or credit note as EN 16931 has it: UBL 2.1 or UN/CEFACT CII D16B. */
export async function xmlOf(
  document: TaxDocument,
  organization: Doc<"organizations">,
  syntax: Syntax,
): Promise<string> {
  const options = { format: syntax === "ubl" ? "UBL" : "CII", lang: "en", noWarnings: true };
  const xml = await service.generate(eInvoiceOf(document, organization), options);
  if (typeof xml !== "string") throw new Error(`${options.format} is no XML.`);
  return xml.replace(NO_ADDRESS, "");
}
