import type { Seller } from "../../schemas/documentSchemas";
import { minorUnitDecimals } from "../../kit/currencies";
import { ApiError, type FieldProblem, invalidRecord } from "../../kit/errors";
import { isOut } from "../../ontology/issuing";
import type { ObjectDoc } from "../../ontology/registry";
import type { DocumentContent, DocumentObject } from "../documentFiles";
import { countryCode } from "./codes";

/** What EN 16931 has an XML for: a quote is no tax document. */
export type TaxDocument = ObjectDoc<"invoice" | "credit_note">;

/** What an e-invoice is made of. */
export type TaxSource = Omit<DocumentContent, "document"> & { document: TaxDocument };

/** A VAT id as BR-CO-09 wants it: the prefix of its country, then what that country gives. */
const VAT_ID = /^([A-Z]{2})(?=.*[0-9])[0-9A-Z+*]{2,12}$/;
/** Switzerland's, which says in one of its languages that it is one (Art. 2 of the UID-Gesetz). */
const SWISS_VAT_ID = /^CHE[0-9]{9}(MWST|TVA|IVA|VAT)?$/;
/** Prefixes that are no code of ISO 3166-1: Greece, Northern Ireland. */
const OTHER_PREFIXES = ["EL", "XI"];
/** BR-DEC: amounts have two decimals at most. */
const MOST_DECIMALS = 2;

/** What an e-invoice is made of. @throws like `requireTaxDocument` */
export function taxSourceOf({ document, organization, creditedAt }: DocumentContent): TaxSource {
  return { document: requireTaxDocument(document, organization), organization, creditedAt };
}

/**
 * The document, if an e-invoice can be made of it.
 * @throws VALIDATION_ERROR that lists every field which EN 16931 misses; INVALID_STATE for a quote
 */
export function requireTaxDocument(document: DocumentObject, organization: Seller): TaxDocument {
  if (document.type === "quote") {
    const details = { status: document.status, allowed: [] };
    throw new ApiError("INVALID_STATE", "A quote is no tax document.", { details });
  }
  const missing = missingForEInvoice(document, organization);
  if (missing.length === 0) return document;
  // What is changed now is not on what has been issued.
  const hint = isOut(document) ? "; it was issued so: cancel or credit it, and issue it anew" : "";
  throw invalidRecord(missing.map(({ field, message }) => ({ field, message: message + hint })));
}

/**
 * What keeps a document from being an EN 16931 e-invoice: each missing or unfit field by its name, with
 * the number of its business term (BT) and the rule that asks for it. Empty where nothing does.
 */
export function missingForEInvoice(
  { customProperties }: TaxDocument,
  { address, taxIds = {} }: Seller,
): FieldProblem[] {
  const { billTo, currency, lineItems } = customProperties;
  const categories = new Set(lineItems.map(({ taxCategory }) => taxCategory));
  const isOutside = categories.has("outside_scope");
  const { vatId, taxNumber, registrationNumber } = taxIds;
  const hasNoTaxId = vatId === undefined && taxNumber === undefined;
  return [
    ...unless(
      (minorUnitDecimals(currency) ?? 0) <= MOST_DECIMALS,
      "currency",
      "BT-5 cannot be a currency of more than two decimals (BR-DEC)",
    ),
    ...unless(
      isOutside || !hasNoTaxId,
      "organization.taxIds.vatId",
      "BT-31 is missing (BR-S-02, BR-Z-02, BR-E-02, BR-AE-02); or taxNumber, BT-32",
    ),
    ...unless(
      !isOutside || taxNumber !== undefined || registrationNumber !== undefined,
      "organization.taxIds.registrationNumber",
      "BT-30 is missing (BR-CO-26); or taxNumber, as BT-29",
    ),
    ...unless(
      isOutside || vatId === undefined || isVatId(vatId),
      "organization.taxIds.vatId",
      "BT-31 must begin with the prefix of its country (BR-CO-09)",
    ),
    ...country("organization.address.country", address?.country, "BT-40 is missing (BR-09)"),
    ...unless(billTo.name.trim() !== "", "billTo.name", "BT-44 is missing (BR-07)"),
    ...country("billTo.address.country", billTo.address?.country, "BT-55 is missing (BR-11)"),
    ...unless(
      !categories.has("reverse_charge") || isVatId(billTo.taxId),
      "billTo.taxId",
      "BT-48, the buyer's VAT id, is missing (BR-AE-02)",
    ),
    ...unless(
      !isOutside || categories.size === 1,
      "lineItems",
      "outside_scope stands beside no other tax category (BR-O-11, BR-O-12)",
    ),
  ];
}

/** Whether a text is a VAT id that may stand as BT-31 or BT-48. */
export function isVatId(text: string | undefined): text is string {
  if (text === undefined) return false;
  const plain = plainVatId(text);
  if (plain.startsWith("CHE")) return SWISS_VAT_ID.test(plain);
  const [, prefix] = VAT_ID.exec(plain) ?? [];
  if (prefix === undefined) return false;
  return OTHER_PREFIXES.includes(prefix) || countryCode(prefix) === prefix;
}

/** A VAT id without what people put between its parts. */
export function plainVatId(text: string): string {
  return text.replace(/[\s.\-\u2010-\u2015/]/g, "").toUpperCase();
}

function country(field: string, given: string | undefined, message: string): FieldProblem[] {
  if (given === undefined) return [{ field, message }];
  const text = `${message}: ${given} is no ISO 3166-1 code or name of a country`;
  return unless(countryCode(given) !== undefined, field, text);
}

function unless(isGood: boolean, field: string, message: string): FieldProblem[] {
  return isGood ? [] : [{ field, message }];
}
