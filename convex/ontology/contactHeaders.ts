import type { ContactColumn } from "./contactColumnNames";

/**
 * How other programs head the columns of contacts. docs/imports.md tells of the same table. What a column
 * means is one of
 * - a column of ours, or `customFields.<key>`
 * - `middleName` (goes to the first name), `fullName` (a "Name", where nothing else tells it)
 * - `email+`, `phone+<n>`: one of several; the first that is filled is the contact's, by n
 * - `website+`: one of several, in their order
 * - `labels`: Google's, between `:::`
 * - `lifecycleStage`: HubSpot's, which tells the subtype
 * - `<group>:<field>`: of one of several addresses; the first group of `ADDRESS_GROUPS` that is filled
 *   is the contact's; `more` is a further line of its street
 */
export type ColumnMeaning = string;

export const ADDRESS_GROUPS = [
  "own",
  "business",
  "home",
  "other",
  "1",
  "2",
  "3",
  "4",
  "5",
] as const;
type AddressField = "street" | "houseNumber" | "more" | "city" | "state" | "postalCode" | "country";

/** Names that mean a column of ours in any program. */
const OURS: Partial<Record<ContactColumn, readonly string[]>> = {
  firstName: ["Given Name", "Forename", "Vorname", "Rufname"],
  lastName: ["Surname", "Family Name", "Nachname", "Familienname", "Zuname"],
  email: ["E-mail Address", "E-Mail-Adresse", "Mail", "Mailadresse", "Primary Email"],
  phone: ["Telephone", "Phone Number", "Telefon", "Telefonnummer", "Rufnummer"],
  company: [
    ...["Organization", "Organisation", "Company Name", "Organization Name", "Account Name"],
    ...["Firma", "Firmenname", "Unternehmen", "Unternehmensname"],
  ],
  jobTitle: ["Position", "Organization Title", "Funktion", "Berufsbezeichnung"],
  tags: ["Categories", "Kategorien", "Kategorie", "Schlagworte", "Schlagwörter", "Gruppen"],
  notes: ["Note", "Notiz", "Notizen", "Bemerkung", "Bemerkungen", "Kommentar", "Anmerkungen"],
  street: ["Address", "Street Address", "Address Line 1", "Straße", "Adresse", "Anschrift"],
  city: ["Town", "Ort", "Stadt", "Wohnort"],
  state: ["Region", "Province", "State/Region", "Bundesland", "Kanton"],
  postalCode: ["ZIP", "ZIP Code", "Postcode", "PLZ", "Postleitzahl"],
  country: ["Country/Region", "Land", "Land/Region"],
  taxId: [
    ...["VAT ID", "VAT Number", "USt-IdNr.", "USt-ID", "UStID-Nr.", "Umsatzsteuer-ID"],
    ...["Umsatzsteuer-Identifikationsnummer", "UID-Nummer"],
  ],
};

/** Names of Google, Outlook (English and German), HubSpot, Apple, sevdesk, Lexware and their like. */
const THEIRS: Record<ColumnMeaning, readonly string[]> = {
  middleName: ["Middle Name", "Additional Name", "Weitere Vornamen", "Zweiter Vorname"],
  "email+": [
    ...["Work Email", "Email (Work)", "Business Email", "Home Email", "Email (Home)"],
    ...["E-Mail geschäftlich", "E-Mail privat", "Additional Email Addresses"],
  ],
  "phone+1": [
    ...["Primary Phone", "Haupttelefon", "Business Phone", "Telefon geschäftlich"],
    ...["Work Phone", "Phone (Work)", "Company Main Phone", "Telefon Firma", "Festnetz"],
  ],
  "phone+2": [
    ...["Mobile Phone", "Mobile", "Mobile Phone Number", "Mobile Number", "Cell", "Cell Phone"],
    ...["Phone (Mobile)", "iPhone", "Mobiltelefon", "Mobil", "Mobilnummer", "Mobilfunk", "Handy"],
    ...["Handynummer", "Business Phone 2", "Telefon geschäftlich 2", "Mobiltelefon 2", "Telefon 2"],
  ],
  "phone+3": [
    ...["Home Phone", "Home Phone 2", "Phone (Home)", "Telefon privat", "Telefon privat 2"],
    ...["Other Phone", "Weiteres Telefon", "Car Phone", "Autotelefon"],
  ],
  labels: ["Labels", "Group Membership"],
  lifecycleStage: ["Lifecycle Stage", "Lifecycle-Phase"],
  jobTitle: ["Organization 1 - Title"],
  company: ["Organization 1 - Name", "Associated Company"],
  "own:more": [
    ...["Address Line 2", "Street 2", "Adresszusatz", "Adresszeile 2", "Zusatz", "Postfach"],
    ...["Straße 2", "PO Box"],
  ],
  "own:houseNumber": ["House Number", "Hausnummer", "Hausnr."],
  "business:street": ["Business Street", "Straße geschäftlich", "Work Street"],
  "business:more": [
    ...[
      "Business Street 2",
      "Business Street 3",
      "Business Address PO Box",
      "Postfach geschäftlich",
    ],
    ...["Straße geschäftlich 2", "Straße geschäftlich 3"],
  ],
  "business:city": ["Business City", "Ort geschäftlich", "Work City"],
  "business:state": ["Business State", "Region geschäftlich", "Work State"],
  "business:postalCode": ["Business Postal Code", "Postleitzahl geschäftlich", "Work ZIP"],
  "business:country": ["Business Country/Region", "Business Country", "Land/Region geschäftlich"],
  "home:street": ["Home Street", "Straße privat"],
  "home:more": [
    ...["Home Street 2", "Home Street 3", "Home Address PO Box", "Postfach privat"],
    ...["Straße privat 2", "Straße privat 3"],
  ],
  "home:city": ["Home City", "Ort privat"],
  "home:state": ["Home State", "Bundesland/Kanton privat", "Region privat"],
  "home:postalCode": ["Home Postal Code", "Postleitzahl privat"],
  "home:country": ["Home Country/Region", "Home Country", "Land/Region privat"],
  "other:street": ["Other Street", "Weitere Straße"],
  "other:more": [
    ...["Other Street 2", "Other Street 3", "Other Address PO Box", "Weiteres Postfach"],
    ...["Weitere Straße 2", "Weitere Straße 3"],
  ],
  "other:city": ["Other City", "Weiterer Ort"],
  "other:state": ["Other State", "Weiteres/r Bundesland/Kanton", "Weitere/s Bundesland/Kanton"],
  "other:postalCode": ["Other Postal Code", "Weitere Postleitzahl"],
  "other:country": ["Other Country/Region", "Other Country", "Weiteres/e Land/Region"],
  "customFields.birthday": ["Birthday", "Date of Birth", "Geburtstag", "Geburtsdatum"],
  "customFields.website": [
    ...[
      "Web Page",
      "Website",
      "Website URL",
      "Webseite",
      "Homepage",
      "Home Page",
      "Internet",
      "URL",
    ],
  ],
  "customFields.department": ["Department", "Organization Department", "Abteilung"],
  "customFields.salutation": ["Name Prefix", "Prefix", "Präfix", "Salutation", "Anrede"],
  "customFields.title": ["Title", "Titel"],
  "customFields.nameSuffix": ["Name Suffix", "Suffix", "Namenszusatz"],
  "customFields.nickname": ["Nickname", "Spitzname"],
  "customFields.customerNumber": [
    ...["Customer Number", "Kundennummer", "Kunden-Nr.", "Kundennr.", "Kontaktnummer"],
  ],
  "customFields.taxNumber": ["Tax Number", "Steuernummer"],
  "customFields.leadStatus": ["Lead Status"],
};

/** Columns of their exports that contacts have no place for; an import names them. */
const WITHOUT_PLACE: readonly string[] = [
  // Google
  ...["Phonetic First Name", "Phonetic Middle Name", "Phonetic Last Name", "File As", "Photo"],
  ...["Yomi Name", "Given Name Yomi", "Additional Name Yomi", "Family Name Yomi", "Initials"],
  ...[
    "Short Name",
    "Maiden Name",
    "Geburtsname",
    "Gender",
    "Location",
    "Billing Information",
    "Mileage",
  ],
  ...["Directory Server", "Occupation", "Hobby", "Sensitivity", "Priority", "Subject", "Language"],
  // Outlook
  ...["Given Yomi", "Surname Yomi", "Company Yomi", "Business Fax", "Home Fax", "Other Fax"],
  ...["Callback", "ISDN", "Pager", "Radio Phone", "TTY/TDD Phone", "Telex", "Account"],
  ...["Assistant's Name", "Assistant's Phone", "Anniversary", "Children", "E-mail Type"],
  ...["E-mail Display Name", "Government ID Number", "Internet Free Busy", "Keywords"],
  ...["Manager's Name", "Office Location", "Organizational ID Number", "Private", "Profession"],
  ...["Referred By", "Spouse", "User 1", "User 2", "User 3", "User 4"],
  ...["Fax geschäftlich", "Fax privat", "Weiteres Fax", "Rückmeldung", "Telefon Assistent"],
  ...[
    "Telefon für Hörbehinderte",
    "Mobilfunk (Autotelefon)",
    "Abrechnungsinformation",
    "Benutzer 1",
  ],
  ...["Benutzer 2", "Benutzer 3", "Benutzer 4", "Beruf", "Büro", "E-Mail-Typ", "Empfohlen von"],
  ...["E-Mail: Angezeigter Name", "Geschlecht", "Initialen", "Internet-Frei/Gebucht", "Jahrestag"],
  ...["Kinder", "Konto", "Name Assistent", "Name des/der Vorgesetzten", "Organisations-Nr."],
  ...["Partner", "Priorität", "Privat", "Regierungsnr.", "Reisekilometer", "Sprache"],
  ...["Stichwörter", "Vertraulichkeit", "Verzeichnisserver"],
  // Apple
  ...["Phonetic First", "Phonetic Middle", "Phonetic Last", "Work Fax", "Main Fax", "Fax Arbeit"],
  ...["Home Address Country Code", "Work Address Country Code", "Other Address Country Code"],
  // HubSpot
  ...[
    "Record ID",
    "Contact owner",
    "Last Activity Date",
    "Marketing contact status",
    "Create Date",
  ],
  ...["Associated Company IDs", "Last Modified Date", "Email Domain", "Became a Customer Date"],
];

/** Google numbers what a person has several of: `E-mail 2 - Value`, `Address 1 - City`. */
const NUMBERED =
  /^(email|phone|address|website|organization|relation|event|customfield|im|externalid|calendar)(\d+)(.*)$/;
const GOOGLES_PARTS =
  /^(label|type|value|service|formatted|name|yominame|title|symbol|location|jobdescription|typ|displayname|angezeigtername)$/;
const ADDRESS_PARTS: Record<string, AddressField> = {
  street: "street",
  extendedaddress: "more",
  pobox: "more",
  city: "city",
  region: "state",
  postalcode: "postalCode",
  country: "country",
};

/** Apple's and others' say for which place a value is, before or behind it: `Work Email`, `PLZ (Privat)`. */
const PLACES: Record<string, { group: (typeof ADDRESS_GROUPS)[number]; phone: number }> = {
  work: { group: "business", phone: 1 },
  business: { group: "business", phone: 1 },
  arbeit: { group: "business", phone: 1 },
  geschaeftlich: { group: "business", phone: 1 },
  main: { group: "own", phone: 1 },
  mobile: { group: "own", phone: 2 },
  mobil: { group: "own", phone: 2 },
  home: { group: "home", phone: 3 },
  personal: { group: "home", phone: 3 },
  privat: { group: "home", phone: 3 },
  other: { group: "other", phone: 3 },
  weitere: { group: "other", phone: 3 },
};
const ADDRESS_FIELDS = ["street", "city", "state", "postalCode", "country"] as const;
const PLACE = Object.keys(PLACES).join("|");
const PLACE_FIRST = new RegExp(`^(${PLACE})(.+)$`);
const PLACE_LAST = new RegExp(`^(.+?)(${PLACE})$`);

/** A name without case, spaces and marks, and with German letters spelled out. */
export function bare(name: string): string {
  return name
    .normalize("NFC")
    .toLowerCase()
    .replace(/ä/g, "ae")
    .replace(/ö/g, "oe")
    .replace(/ü/g, "ue")
    .replace(/ß/g, "ss")
    .normalize("NFKD")
    .replace(/[^\p{L}\p{N}]/gu, "");
}

function byBareName(names: Record<string, readonly string[]>): [string, string][] {
  return Object.entries(names).flatMap(([meaning, list]) =>
    list.map((name): [string, string] => [bare(name), meaning]),
  );
}

const OUR_NAMES = new Map(byBareName(OURS));
const THEIR_NAMES = new Map(byBareName(THEIRS));
const NAMES_WITHOUT_PLACE = new Set(WITHOUT_PLACE.map(bare));

/** The column of ours that this means in any program. */
export function ourColumn(name: string): string | undefined {
  return OUR_NAMES.get(bare(name));
}

/** What a known program means by it: null for what contacts have no place for. */
export function theirColumn(name: string): ColumnMeaning | null | undefined {
  const key = bare(name);
  if (NAMES_WITHOUT_PLACE.has(key) || /^lastactivitydate/.test(key)) return null;
  const meaning = THEIR_NAMES.get(key) ?? numbered(key);
  return meaning === undefined ? ofPlace(key) : meaning;
}

function ofPlace(key: string): ColumnMeaning | undefined {
  const [, first = "", what = ""] = PLACE_FIRST.exec(key) ?? [];
  const [, before = "", last = ""] = PLACE_LAST.exec(key) ?? [];
  return meaningOf(what, PLACES[first]) ?? meaningOf(before, PLACES[last]);
}

function meaningOf(what: string, place: (typeof PLACES)[string] | undefined): string | undefined {
  if (place === undefined) return undefined;
  const ours = OUR_NAMES.get(what) ?? what;
  if (ours === "email") return "email+";
  if (ours === "phone") return `phone+${place.phone}`;
  if (THEIR_NAMES.get(what) === "own:more") return `${place.group}:more`;
  const part = what.replace(/^address(?=.)|(?<=.)address$/, "");
  const field = ADDRESS_FIELDS.find((name) => bare(name) === part || name === OUR_NAMES.get(part));
  return field === undefined ? undefined : `${place.group}:${field}`;
}

function numbered(key: string): ColumnMeaning | null | undefined {
  const [, of, number = "", part = ""] = NUMBERED.exec(key) ?? [];
  if (of === undefined) return undefined;
  const isValue = part === "" || part === "value";
  if (of === "email" && (isValue || /^addresse?$|^adresse$/.test(part))) return "email+";
  if (of === "phone" && isValue) return `phone+${Math.min(Number(number), 9)}`;
  if (of === "address" && part === "") return number === "1" ? "own:street" : "own:more";
  const group = ADDRESS_GROUPS.find((name) => name === number);
  const field = of === "address" ? ADDRESS_PARTS[part] : undefined;
  if (field && group) return `${group}:${field}`;
  if (of === "website" && isValue) return "website+";
  if (of === "organization" && part === "department") return "customFields.department";
  return GOOGLES_PARTS.test(part) ? null : undefined;
}
