import type { Doc } from "../../_generated/dataModel";
import type { StoredParty } from "../../ontology/salesDocument";
import { printedIban } from "./payment";
import type { Wording } from "./wording";

/** Who writes: at the head of the page, above the recipient's address, and in the page's foot. */
export type Letterhead = {
  name: string;
  /** In one line, as it stands above the recipient in the window of an envelope. */
  returnAddress: string;
  address: string[];
  contact: string[];
  /** Columns of the foot: who, tax, bank. */
  foot: string[][];
  footer: string | null;
};

type Address = NonNullable<StoredParty["address"]>;

export function letterheadOf(organization: Doc<"organizations">, wording: Wording): Letterhead {
  const { address, sender, taxIds = {}, bankDetails = {}, invoiceFooter } = organization;
  const name = organization.legalName ?? organization.name;
  const addressLines = address ? linesOfAddress(address) : [];
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
      [
        ...(accountHolder !== undefined && accountHolder !== name ? [accountHolder] : []),
        ...labelled(wording.bank, bankName),
        ...labelled(wording.iban, iban && printedIban(iban)),
        ...labelled(wording.bic, bic),
      ],
    ].filter((column) => column.length > 0),
    footer: invoiceFooter ?? null,
  };
}

/** A name with its address, a line each. */
export function partyLines({ name, address }: StoredParty): string[] {
  return [name, ...(address ? linesOfAddress(address) : [])].filter((line) => line !== "");
}

function linesOfAddress({ street, postalCode, city, state, country }: Address): string[] {
  const place = [postalCode, city].filter(Boolean).join(" ");
  return [street, place, state, country].filter(
    (line): line is string => line !== undefined && line !== "",
  );
}

function labelled(label: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${label}: ${value}`];
}
