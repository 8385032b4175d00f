import { expect, test } from "vitest";
import { CONTACT_COLUMNS } from "../../convex/ontology/contactColumnNames";
import { columnsOf, fieldsOfCells } from "../../convex/ontology/contactColumns";
import { newBackend } from "../helpers/backend";
import { contactsOf, dataOf, importFile, type Report } from "./bodies";

/** The headers that programs write, whole, with made up people under them. */
async function imported(header: string, row: Record<string, string>, query = "") {
  const { request } = await newBackend();
  const cells = header.split(",").map((name) => `"${row[name] ?? ""}"`);
  const report = dataOf<Report>(
    await importFile(request, `${header}\r\n${cells.join(",")}\r\n`, { query }),
  );
  expect(report).toMatchObject({ status: "completed", rows: 1, created: 1, failed: 0 });
  const [contact] = await contactsOf(request);
  return { contact, ignored: report.ignoredColumns };
}

const GOOGLE =
  "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address,Website 1 - Label,Website 1 - Value,Relation 1 - Label,Relation 1 - Value,Event 1 - Label,Event 1 - Value,Custom Field 1 - Label,Custom Field 1 - Value";

test("Google's contacts come in with every address, number and label", async () => {
  const { contact, ignored } = await imported(GOOGLE, {
    "First Name": "Ida",
    "Middle Name": "Maria",
    "Last Name": "Gruber",
    "Organization Name": "Acme",
    "Organization Title": "CTO",
    Birthday: "1990-02-01",
    Labels: "Friends ::: VIP ::: * myContacts ::: * starred",
    "E-mail 1 - Label": "* Work",
    "E-mail 1 - Value": "ida@acme.test ::: ida.g@acme.test",
    "E-mail 2 - Value": "ida@home.test",
    "Phone 1 - Value": "+49 170 0000000",
    "Phone 2 - Value": "+49 30 0000000",
    "Address 1 - Street": "Hauptstr. 1",
    "Address 1 - Extended Address": "Hof",
    "Address 1 - City": "Berlin",
    "Address 1 - Postal Code": "10115",
    "Address 1 - Country": "DE",
    "Website 1 - Value": "https://ida.test",
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Ida Maria", lastName: "Gruber", company: "Acme", jobTitle: "CTO" },
    ...{ email: "ida@acme.test", phone: "+49 170 0000000", tags: ["Friends", "VIP", "starred"] },
    address: { street: "Hauptstr. 1, Hof", city: "Berlin", postalCode: "10115", country: "DE" },
    customFields: {
      otherEmails: ["ida.g@acme.test", "ida@home.test"],
      otherPhones: ["+49 30 0000000"],
      birthday: "1990-02-01",
      website: "https://ida.test",
    },
  });
  expect(ignored).toContain("E-mail 1 - Label");
});

const OLD_GOOGLE =
  "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi,Family Name Yomi,Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender,Location,Billing Information,Directory Server,Mileage,Occupation,Hobby,Sensitivity,Priority,Subject,Notes,Language,Photo,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Type,Organization 1 - Name,Organization 1 - Yomi Name,Organization 1 - Title,Organization 1 - Department,Organization 1 - Symbol,Organization 1 - Location,Organization 1 - Job Description";

test("Google's older layout comes in", async () => {
  const { contact } = await imported(OLD_GOOGLE, {
    ...{ Name: "Ida Gruber", "Given Name": "Ida", "Family Name": "Gruber" },
    ...{ "Group Membership": "* myContacts", "E-mail 1 - Value": "ida@acme.test" },
    ...{ "Phone 1 - Value": "+49 170 1", "Organization 1 - Name": "Acme" },
    "Organization 1 - Title": "CTO",
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Ida", lastName: "Gruber", email: "ida@acme.test", phone: "+49 170 1" },
    ...{ company: "Acme", jobTitle: "CTO", tags: [] },
  });
});

const OUTLOOK =
  "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business Street 2,Business Street 3,Business City,Business State,Business Postal Code,Business Country/Region,Home Street,Home Street 2,Home Street 3,Home City,Home State,Home Postal Code,Home Country/Region,Other Street,Other City,Other Postal Code,Assistant's Phone,Business Fax,Business Phone,Business Phone 2,Callback,Car Phone,Company Main Phone,Home Fax,Home Phone,Home Phone 2,ISDN,Mobile Phone,Other Fax,Other Phone,Pager,Primary Phone,Radio Phone,TTY/TDD Phone,Telex,Account,Anniversary,Assistant's Name,Billing Information,Birthday,Business Address PO Box,Categories,Children,Directory Server,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address,E-mail 2 Type,E-mail 2 Display Name,E-mail 3 Address,E-mail 3 Type,E-mail 3 Display Name,Gender,Government ID Number,Hobby,Home Address PO Box,Initials,Internet Free Busy,Keywords,Language,Location,Manager's Name,Mileage,Notes,Office Location,Organizational ID Number,Other Address PO Box,Priority,Private,Profession,Referred By,Sensitivity,Spouse,User 1,User 2,User 3,User 4,Web Page";

test("Outlook's contacts come in, with two addresses and its many phones", async () => {
  const { contact } = await imported(OUTLOOK, {
    ...{ "First Name": "Ben", "Last Name": "Hill", Company: "Hill Ltd", "Job Title": "Owner" },
    ...{ "Business Street": "1 High St", "Business City": "Leeds", "Home City": "York" },
    ...{ "Business Phone": "0113 1", "Mobile Phone": "07700 1", "Home Phone": "01904 1" },
    ...{ Categories: "Client;Press", "E-mail Address": "ben@hill.test" },
    ...{ "E-mail 2 Address": "ben@home.test", "Web Page": "https://hill.test", Notes: "n" },
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Ben", company: "Hill Ltd", jobTitle: "Owner", email: "ben@hill.test" },
    ...{
      phone: "0113 1",
      tags: ["Client", "Press"],
      address: { street: "1 High St", city: "Leeds" },
    },
    customFields: {
      otherEmails: ["ben@home.test"],
      otherPhones: ["07700 1", "01904 1"],
      otherAddresses: [{ city: "York" }],
      website: "https://hill.test",
    },
  });
});

const GERMAN_OUTLOOK =
  "Anrede,Vorname,Weitere Vornamen,Nachname,Suffix,Firma,Abteilung,Position,Straße geschäftlich,Straße geschäftlich 2,Ort geschäftlich,Region geschäftlich,Postleitzahl geschäftlich,Land/Region geschäftlich,Straße privat,Ort privat,Bundesland/Kanton privat,Postleitzahl privat,Land/Region privat,Weitere Straße,Weiterer Ort,Weiteres/r Bundesland/Kanton,Weitere Postleitzahl,Weiteres/e Land/Region,Telefon Assistent,Fax geschäftlich,Telefon geschäftlich,Telefon geschäftlich 2,Rückmeldung,Autotelefon,Telefon Firma,Fax privat,Telefon (privat),Telefon (privat 2),ISDN,Mobiltelefon,Weiteres Fax,Weiteres Telefon,Pager,Haupttelefon,Mobiltelefon 2,Telefon für Hörbehinderte,Telex,Abrechnungsinformation,Benutzer 1,Beruf,Büro,E-Mail-Adresse,E-Mail-Typ,E-Mail: Angezeigter Name,E-Mail 2: Adresse,E-Mail 2: Typ,E-Mail 2: Angezeigter Name,Empfohlen von,Geburtstag,Geschlecht,Hobby,Initialen,Internet-Frei/Gebucht,Jahrestag,Kategorien,Kinder,Konto,Name Assistent,Name des/der Vorgesetzten,Notizen,Organisations-Nr.,Ort,Partner,Postfach geschäftlich,Postfach privat,Priorität,Privat,Regierungsnr.,Reisekilometer,Sprache,Stichwörter,Vertraulichkeit,Verzeichnisserver,Webseite,Weiteres Postfach";

test("German Outlook's contacts come in", async () => {
  const { contact } = await imported(GERMAN_OUTLOOK, {
    ...{ Vorname: "Jörg", Nachname: "Groß", Firma: "Groß GmbH", Position: "Inhaber" },
    ...{ "Straße geschäftlich": "Hauptstraße 1", "Ort geschäftlich": "Köln" },
    ...{ "Postleitzahl geschäftlich": "50667", "Telefon geschäftlich": "0221 1" },
    ...{
      Mobiltelefon: "0170 1",
      "E-Mail-Adresse": "j@gross.test",
      "E-Mail 2: Adresse": "j@p.test",
    },
    ...{ Kategorien: "Kunde", Geburtstag: "1.2.1980", Notizen: "Grüße" },
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Jörg", lastName: "Groß", company: "Groß GmbH", jobTitle: "Inhaber" },
    ...{ email: "j@gross.test", phone: "0221 1", tags: ["Kunde"], notes: "Grüße" },
    address: { street: "Hauptstraße 1", city: "Köln", postalCode: "50667" },
    customFields: { otherEmails: ["j@p.test"], otherPhones: ["0170 1"], birthday: "1.2.1980" },
  });
});

test("HubSpot's contacts come in at their stage", async () => {
  const header =
    "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Company Name,Associated Company,Last Activity Date (GMT+1),Lead Status,Marketing contact status,Create Date (GMT+1),Lifecycle Stage,Job Title,Street Address,City,State/Region,Postal Code,Country/Region,Website URL";
  const { contact, ignored } = await imported(
    header.replace("Create Date (GMT+1)", "Create Date"),
    {
      ...{ "Record ID": "101", "First Name": "Ana", "Last Name": "Sol", Email: "ana@sol.test" },
      ...{
        "Phone Number": "+34 1",
        "Company Name": "Sol SL",
        "Lifecycle Stage": "Sales Qualified Lead",
      },
      ...{ City: "Madrid", "State/Region": "MD", "Country/Region": "Spain", "Lead Status": "Open" },
    },
  );
  expect(contact).toMatchObject({
    ...{ firstName: "Ana", email: "ana@sol.test", phone: "+34 1", company: "Sol SL" },
    ...{ subtype: "prospect", address: { city: "Madrid", state: "MD", country: "Spain" } },
    customFields: { leadStatus: "Open" },
  });
  expect(ignored).toEqual(expect.arrayContaining(["Record ID", "Associated Company"]));
});

test("a German bookkeeping's customers come in", async () => {
  const header =
    "Kundennummer,Anrede,Titel,Vorname,Name,Organisation,Straße,Hausnummer,Adresszusatz,PLZ,Ort,Land,Telefon,Handy,E-Mail,Webseite,USt-IdNr.,Steuernummer,Bemerkung";
  const { contact } = await imported(header, {
    ...{ Kundennummer: "10023", Vorname: "Eva", Name: "Kern", Organisation: "Kern KG" },
    ...{
      Straße: "Am Markt",
      Hausnummer: "5a",
      Adresszusatz: "2. OG",
      PLZ: "01067",
      Ort: "Dresden",
    },
    ...{
      Telefon: "0351 1",
      Handy: "0171 1",
      "E-Mail": "eva@kern.test",
      "USt-IdNr.": "DE123456789",
    },
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Eva", lastName: "Kern", company: "Kern KG", phone: "0351 1" },
    ...{ taxId: "DE123456789", email: "eva@kern.test" },
    address: { street: "Am Markt 5a, 2. OG", postalCode: "01067", city: "Dresden" },
    customFields: { customerNumber: "10023", otherPhones: ["0171 1"] },
  });
});

test("columns that contacts have no place for are kept as custom fields where that is asked", async () => {
  const { contact } = await imported(
    "First Name,E-mail 1 - Label,E-mail 1 - Value",
    { "First Name": "Ida", "E-mail 1 - Label": "Work", "E-mail 1 - Value": "ida@acme.test" },
    "?unknownColumns=customFields",
  );
  expect(contact).toMatchObject({
    ...{ email: "ida@acme.test", customFields: { "E-mail 1 - Label": "Work" } },
  });
});

const fieldsOf = (header: string[], cells: string[]): Record<string, unknown> =>
  fieldsOfCells(columnsOf(header, "refuse").columns, cells).fields;

test("a column Name is a person's where nothing else tells it, and left alone in an export of ours", () => {
  expect(fieldsOf(["Name", "Email"], ["Ida von Gruber", "i@x.test"])).toEqual({
    ...{ firstName: "Ida von", lastName: "Gruber", email: "i@x.test" },
  });
  expect(fieldsOf(["First Name", "Name"], ["Ida", "Ida Gruber"])).toEqual({ firstName: "Ida" });
  expect(fieldsOf(["email", "name"], ["i@x.test", "i@x.test"])).toEqual({ email: "i@x.test" });
  expect(fieldsOf(["id", "name"], ["k57", "Ida Gruber"])).toEqual({ id: "k57" });
});

test("every column of an export of ours means what it did, and a user's own stays unknown", () => {
  const { columns, problems } = columnsOf(CONTACT_COLUMNS, "refuse");
  expect(problems).toEqual([]);
  const left = ["version", "createdAt", "updatedAt"];
  expect(columns).toEqual(
    CONTACT_COLUMNS.map((name) =>
      name === "name" ? "fullName" : left.includes(name) ? null : name,
    ),
  );
  const own = ["Shoe size", "Event 2024", "Fax", "IM 5 Handle"];
  expect(columnsOf(own, "refuse").problems.map(({ field }) => field)).toEqual(
    own.map((name) => `header.${name}`),
  );
});

const APPLE =
  "Prefix,First name,Middle name,Last name,Suffix,Phonetic first,Phonetic last,Nickname,Maiden name,Job title,Department,Company,Main phone,Mobile,iPhone,Home phone,Work phone,Other phone,Home fax,Work fax,Pager,Email,Home email,Work email,Other email,Home page,Birthday,Home Address Street,Home Address City,Home Address State,Home Address ZIP,Home Address Country,Home Address Country Code,Work Street,Work City,Work ZIP,Work Country,Note";

test("a table of Apple's Contacts, as Numbers saves it, comes in", async () => {
  const { contact, ignored } = await imported(APPLE, {
    ...{ Prefix: "Dr.", "First name": "Ida", "Middle name": "Maria", "Last name": "Gruber" },
    ...{ Suffix: "PhD", Nickname: "Idi", "Job title": "CTO", Company: "Acme", Department: "R&D" },
    ...{ "Main phone": "+1 1", Mobile: "+1 2", "Home phone": "+1 3", "Work phone": "+1 4" },
    ...{ "Work fax": "+1 9", "Work email": "i@acme.test", "Home email": "i@home.test" },
    ...{ "Home page": "https://ida.test", "Home Address Street": "Hill 1" },
    ...{ "Home Address City": "Leeds", "Home Address ZIP": "LS1", "Home Address Country": "UK" },
    ...{ "Work Street": "High St 2", "Work City": "York", "Work ZIP": "YO1", Note: "n" },
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Ida Maria", lastName: "Gruber", company: "Acme", jobTitle: "CTO" },
    ...{ email: "i@home.test", phone: "+1 1", notes: "n" },
    address: { street: "High St 2", city: "York", postalCode: "YO1" },
    customFields: {
      otherEmails: ["i@acme.test"],
      otherPhones: ["+1 4", "+1 2", "+1 3"],
      otherAddresses: [{ street: "Hill 1", city: "Leeds", postalCode: "LS1", country: "UK" }],
      ...{ salutation: "Dr.", nameSuffix: "PhD", nickname: "Idi", department: "R&D" },
      website: "https://ida.test",
    },
  });
  expect(ignored).toEqual([
    ...["Phonetic first", "Phonetic last", "Maiden name", "Home fax", "Work fax", "Pager"],
    "Home Address Country Code",
  ]);
});

const GERMAN_APPLE =
  "Präfix,Vorname,Nachname,Spitzname,Geburtsname,Firma,Abteilung,Position,Telefon (Arbeit),Telefon (Privat),Mobil,E-Mail (Arbeit),E-Mail (Privat),Straße (Arbeit),PLZ (Arbeit),Ort (Arbeit),Land (Arbeit),Straße (Privat),PLZ (Privat),Ort (Privat),Geburtstag,Homepage,Notiz";

test("a German table of Apple's Contacts comes in", async () => {
  const { contact } = await imported(GERMAN_APPLE, {
    ...{ Vorname: "Jörg", Nachname: "Groß", Firma: "Groß GmbH", "Telefon (Arbeit)": "0221 1" },
    ...{ "Telefon (Privat)": "0221 2", "E-Mail (Arbeit)": "j@gross.test", Notiz: "Grüße" },
    ...{ "Straße (Arbeit)": "Markt 1", "PLZ (Arbeit)": "50667", "Ort (Privat)": "Bonn" },
  });
  expect(contact).toMatchObject({
    ...{ firstName: "Jörg", email: "j@gross.test", phone: "0221 1", notes: "Grüße" },
    address: { street: "Markt 1", postalCode: "50667" },
    customFields: { otherPhones: ["0221 2"], otherAddresses: [{ city: "Bonn" }] },
  });
});

test("no header of another program has a column that comes to nothing in silence", () => {
  for (const header of [GOOGLE, OLD_GOOGLE, OUTLOOK, GERMAN_OUTLOOK, APPLE, GERMAN_APPLE]) {
    const { columns, ignored, problems } = columnsOf(header.split(","), "refuse");
    expect(problems).toEqual([]);
    expect(columns.filter((meaning) => meaning === null)).toHaveLength(ignored.length);
  }
});
