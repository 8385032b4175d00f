import type { Seller } from "../../schemas/documentSchemas";
import type { StoredParty } from "../../ontology/salesDocument";
import { printedIban } from "./payment";
import { linesOfAddress } from "./postalAddress";
import type { Language, Wording } from "./wording";

/** Who writes: at the head of the page, above the recipient's address, and in the page's foot. */
export type Letterhead = {
  name: string;
  /** In one line, as it stands above the recipient in the window of an envelope. */
  returnAddress: string;
  address: string[];
  contact: string[];
  /** Columns of the foot: who, tax, bank. */
  foot: string[][];
};

/** @param asksForMoney whether the bank account stands in the foot: nothing is paid on a credit note */
export function letterheadOf(
  organization: Seller,
  language: Language,
  wording: Wording,
  asksForMoney: boolean,
): Letterhead {
  const { address, sender, taxIds = {}, bankDetails = {} } = organization;
  const name = organization.legalName ?? organization.name;
  const addressLines = address ? linesOfAddress(address, language) : [];
  const contact = sender ? [sender.replyTo ?? sender.email] : [];
  const { iban, bic, bankName, accountHolder } = bankDetails;
  return {
    name,
    returnAddress: [name, ...addressLines].join(" · "),
    address: addressLines,
    contact,
    foot: [
      [name, ...addressLines, ...contact],
      [
        ...labelled(wording.vatId, taxIds.vatId),
        ...labelled(wording.taxNumber, taxIds.taxNumber),
        ...labelled(wording.registration, taxIds.registrationNumber),
      ],
      asksForMoney
        ? [
            ...(accountHolder !== undefined && accountHolder !== name ? [accountHolder] : []),
            ...labelled(wording.bank, bankName),
            ...labelled(wording.iban, iban && printedIban(iban)),
            ...labelled(wording.bic, bic),
          ]
        : [],
    ].filter((column) => column.length > 0),
  };
}

/** A name with its address, a line each. */
export function partyLines({ name, address }: StoredParty, language: Language): string[] {
  const lines = address ? linesOfAddress(address, language) : [];
  return [name, ...lines].filter((line) => line !== "");
}

function labelled(label: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${label}: ${value}`];
}
