"use node";

import type { Invoice } from "@e-invoice-eu/core";
import { fragment } from "xmlbuilder2";
import { dayOf } from "../../kit/localTime";
import { languageOf } from "../printed/wording";
import { eInvoiceOf, isOutsideScope } from "./eInvoice";
import { generate } from "./generate";
import { withMetadata } from "./metadata";
import { identifierOf } from "./parties";
import type { TaxSource } from "./requirements";

export type Syntax = "ubl" | "cii";

/** Stands for an electronic address that UBL's schema in the library asks for, and EN 16931 does not. */
const NO_ADDRESS = "freehold-no-address";
const WITHOUT_ADDRESS = new RegExp(`\\s*<cbc:EndpointID[^>]*>${NO_ADDRESS}</cbc:EndpointID>`, "g");

/** The XML of an invoice or credit note as EN 16931 has it: UBL 2.1 or UN/CEFACT CII D16B. */
export async function xmlOf(source: TaxSource, syntax: Syntax): Promise<string> {
  const options = { format: syntax === "ubl" ? "UBL" : "CII", lang: "en", noWarnings: true };
  const model = eInvoiceOf(source);
  const xml = await generate(syntax === "ubl" ? withAddresses(model) : model, options);
  if (typeof xml !== "string") throw new Error(`${options.format} is no XML.`);
  return syntax === "ubl" ? xml.replace(WITHOUT_ADDRESS, "") : mended(xml, source);
}

const SELLER = "<ram:SellerTradeParty>";
const END_OF_AGREEMENT = "</ram:ApplicableHeaderTradeAgreement>";
const END_OF_TOTALS = "</ram:SpecifiedTradeSettlementHeaderMonetarySummation>";
const LOCATION_OF_SCHEMA = / xsi:schemaLocation="[^"]*"/;
const CURRENCY_OF_ALLOWANCE = /(<ram:ActualAmount) currencyID="[A-Z]{3}"/g;

/**
 * What the library writes of CII, as the schema and the rules of EN 16931 want it: the seller's identifier
 * (BT-29); a delivery, though
 * nothing is said of it; allowances without a currency (CII-DT-031); the invoice that a credit note is
 * for; no path to a schema of the library's own.
 */
function mended(cii: string, source: TaxSource): string {
  return cii
    .replace(LOCATION_OF_SCHEMA, "")
    .replaceAll(CURRENCY_OF_ALLOWANCE, "$1")
    .replace(SELLER, () => SELLER + sellerIdentifier(source))
    .replace(END_OF_AGREEMENT, `${END_OF_AGREEMENT}<ram:ApplicableHeaderTradeDelivery/>`)
    .replace(END_OF_TOTALS, () => END_OF_TOTALS + precedingInvoice(source));
}

function sellerIdentifier({ document, organization }: TaxSource): string {
  const identifier = identifierOf(organization, isOutsideScope(document));
  return identifier === undefined ? "" : fragment({ "ram:ID": identifier }).toString();
}

/** The invoice that a credit note is for: its number (BT-25) and the day of its issue (BT-26). */
function precedingInvoice({ document, organization, creditedAt }: TaxSource): string {
  if (document.type !== "credit_note") return "";
  const day = creditedAt === null ? null : dayOf(creditedAt, organization.timeZone);
  const date = { "@format": "102", "#": day?.replaceAll("-", "") };
  return fragment({
    "ram:InvoiceReferencedDocument": {
      "ram:IssuerAssignedID": document.customProperties.invoiceNumber,
      ...(day === null ? {} : { "ram:FormattedIssueDateTime": { "qdt:DateTimeString": date } }),
    },
  }).toString();
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
  source: TaxSource,
  pdf: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const { document, organization } = source;
  const made = await generate(eInvoiceOf(source), {
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
    language: languageOf(organization.locale),
  };
  return await withMetadata(made, metadata, (cii) => mended(cii, source));
}
