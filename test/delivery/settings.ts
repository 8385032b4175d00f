/** The settings of an organization that its documents print and its e-invoices need. */
export const SETTINGS = {
  legalName: "Studio Nord GmbH",
  locale: "de-DE",
  timeZone: "Europe/Berlin",
  sender: { name: "Studio Nord", email: "buero@studio-nord.example" },
  address: {
    street: "Hafenstraße 12",
    postalCode: "20457",
    city: "Hamburg",
    country: "Deutschland",
  },
  bankDetails: { iban: "DE89370400440532013000", bic: "COBADEFFXXX", bankName: "Commerzbank" },
  taxIds: { vatId: "DE123456789", taxNumber: "22/123/45678", registrationNumber: "HRB 12345" },
  invoiceFooter: "Vielen Dank für Ihren Auftrag!",
};

export const BUYER = {
  name: "Beispiel AG",
  email: "rechnung@beispiel.example",
  address: { street: "Am Markt 1", postalCode: "10115", city: "Berlin", country: "DE" },
  taxId: "DE987654321",
};
