"use node";

import { type Invoice, InvoiceService } from "@e-invoice-eu/core";
import { fragment } from "xmlbuilder2";
import type { Doc } from "../../_generated/dataModel";
import { eInvoiceOf } from "./eInvoice";
import { withMetadata } from "./metadata";
import type { TaxDocument } from "./requirements";

export type Syntax = "ubl" | "cii";

/** Stands for an electronic address that UBL's schema in the library asks for, and EN 16931 does not. */
const NO_ADDRESS = "freehold-no-address";
const WITHOUT_ADDRESS = new RegExp(`\\s*<cbc:EndpointID[^>]*>${NO_ADDRESS}</cbc:EndpointID>`, "g");

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
  const model = eInvoiceOf(document, organization);
  const xml = await service.generate(syntax === "ubl" ? withAddresses(model) : model, options);
  if (typeof xml !== "string") throw new Error(`${options.format} is no XML.`);
  return syntax === "ubl" ? xml.replace(WITHOUT_ADDRESS, "") : withPrecedingInvoice(xml, document);
}

const END_OF_TOTALS = "</ram:SpecifiedTradeSettlementHeaderMonetarySummation>";

/** The invoice that a credit note is for (BT-25), which the library leaves out of CII. */
function withPrecedingInvoice(cii: string, document: TaxDocument): string {
  if (document.type !== "credit_note") return cii;
  const { invoiceNumber } = document.customProperties;
  const reference = fragment({
    "ram:InvoiceReferencedDocument": { "ram:IssuerAssignedID": invoiceNumber },
  }).toString();
  return cii.replace(END_OF_TOTALS, () => END_OF_TOTALS + reference);
}

function withAddresses(model: Invoice): Invoice {
  const { "cac:AccountingSupplierParty": seller, "cac:AccountingCustomerParty": buyer } =
    model["ubl:Invoice"];
  for (const { "cac:Party": party } of [seller, buyer]) {
    if (party["cbc:EndpointID"] !== undefined) continue;
    party["cbc:EndpointID"] = NO_ADDRESS;
    party["cbc:EndpointID@schemeID"] = "EM";
  }
  return model;
}

/**
 * A PDF as Factur-X 1.0 / ZUGFeRD 2 of the profile EN 16931: PDF/A-3 with the CII in it. What the
 * library writes of the clock, and of names only as far as they are Latin-1, is written anew.
 * @param pdf with all of its fonts embedded
 */
export async function facturXOf(
  document: TaxDocument,
  organization: Doc<"organizations">,
  pdf: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const made = await service.generate(eInvoiceOf(document, organization), {
    format: "Factur-X-EN16931",
    lang: "en",
    noWarnings: true,
    pdf: { buffer: pdf, filename: "invoice.pdf", mimetype: "application/pdf" },
  });
  if (typeof made === "string") throw new Error("Factur-X is no PDF.");
  const metadata = {
    title: document.name,
    author: organization.legalName ?? organization.name,
    at: new Date(document.updatedAt),
  };
  return await withMetadata(made, metadata, (cii) => withPrecedingInvoice(cii, document));
}
