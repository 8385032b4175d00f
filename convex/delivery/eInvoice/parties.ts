import type { Seller } from "../../schemas/documentSchemas";
import type { StoredParty } from "../../ontology/salesDocument";
import { countryCode } from "./codes";
import { isVatId, plainVatId } from "./requirements";

/** The seller (BG-4). What is outside the scope of VAT names no VAT id (BR-O-02). */
export function sellerOf(organization: Seller, isOutside: boolean): object {
  const { name, legalName = name, address = {}, sender, taxIds = {} } = organization;
  const { vatId, taxNumber, registrationNumber } = taxIds;
  const vat = isOutside || vatId === undefined ? [] : [taxScheme(plainVatId(vatId), "VAT")];
  const tax = taxNumber === undefined ? [] : [taxScheme(taxNumber, "FC")];
  const identifier = identifierOf(organization, isOutside);
  return {
    ...endpoint(sender?.email),
    ...(identifier === undefined ? {} : { "cac:PartyIdentification": [{ "cbc:ID": identifier }] }),
    ...(legalName === name ? {} : { "cac:PartyName": { "cbc:Name": name } }),
    "cac:PostalAddress": postalAddress(address),
    "cac:PartyTaxScheme": [...vat, ...tax],
    "cac:PartyLegalEntity": {
      "cbc:RegistrationName": legalName,
      ...(registrationNumber === undefined ? {} : { "cbc:CompanyID": registrationNumber }),
    },
    ...(sender
      ? { "cac:Contact": { "cbc:Name": sender.name, "cbc:ElectronicMail": sender.email } }
      : {}),
  };
}

/** The seller's identifier (BT-29), where BR-CO-26 finds neither BT-30 nor BT-31: their tax number. */
export function identifierOf({ taxIds = {} }: Seller, isOutside: boolean): string | undefined {
  const { vatId, taxNumber, registrationNumber } = taxIds;
  const isNamed = registrationNumber !== undefined || (vatId !== undefined && !isOutside);
  return isNamed ? undefined : taxNumber;
}

/** The buyer (BG-7). */
export function buyerOf(
  { name, email, address = {}, taxId }: StoredParty,
  isOutside: boolean,
): object {
  return {
    ...endpoint(email),
    "cac:PostalAddress": postalAddress(address),
    ...(!isOutside && isVatId(taxId)
      ? { "cac:PartyTaxScheme": taxScheme(plainVatId(taxId), "VAT") }
      : {}),
    "cac:PartyLegalEntity": { "cbc:RegistrationName": name },
    ...(email === undefined ? {} : { "cac:Contact": { "cbc:ElectronicMail": email } }),
  };
}

/** The electronic address (BT-34, BT-49). */
function endpoint(email: string | undefined): object {
  return email === undefined ? {} : { "cbc:EndpointID": email, "cbc:EndpointID@schemeID": "EM" };
}

function postalAddress(address: NonNullable<StoredParty["address"]>): object {
  const { street, city, postalCode, state, country } = address;
  return {
    ...(street === undefined ? {} : { "cbc:StreetName": street }),
    ...(city === undefined ? {} : { "cbc:CityName": city }),
    ...(postalCode === undefined ? {} : { "cbc:PostalZone": postalCode }),
    ...(state === undefined ? {} : { "cbc:CountrySubentity": state }),
    "cac:Country": { "cbc:IdentificationCode": countryCode(country) },
  };
}

function taxScheme(id: string, scheme: "VAT" | "FC"): object {
  return { "cbc:CompanyID": id, "cac:TaxScheme": { "cbc:ID": scheme } };
}
