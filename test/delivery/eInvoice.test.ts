import { PDFArray, PDFDict, PDFDocument, PDFName, PDFNumber, PDFStream } from "@cantoo/pdf-lib";
import { Profile, validateXsd } from "@stackforge-eu/factur-x";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { countryCode } from "../../convex/delivery/eInvoice/codes";
import { isVatId } from "../../convex/delivery/eInvoice/requirements";
import { unitCodeOf } from "../../convex/kit/unitCodes";
import { type Books, created, type Doc, invoice, line, openBooks } from "../invoicing/books";
import { brokenRules, readXml } from "./en16931";
import { BUYER, SETTINGS } from "./settings";

let books: Books;

beforeEach(async () => {
  books = await openBooks(SETTINGS);
});

const xmlOf = async (path: string): Promise<string> => {
  const answer = await books.get(path);
  expect(answer.text && answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("application/xml");
  return answer.text;
};
const SYNTAXES = ["ubl", "cii"] as const;

/** What the official schema of Factur-X (profile EN 16931) says against a CII. */
async function schemaErrors(cii: string): Promise<string[]> {
  return (await validateXsd(cii, Profile.EN16931)).errors.map(({ message }) => message);
}

/** An e-invoice that breaks no rule, and whose CII the official schema takes. */
async function goodXml(path: string, syntax: (typeof SYNTAXES)[number]): Promise<string> {
  const xml = await xmlOf(`${path}/xml?syntax=${syntax}`);
  expect([syntax, brokenRules(readXml(xml))]).toEqual([syntax, []]);
  if (syntax === "cii") expect(await schemaErrors(xml)).toEqual([]);
  return xml;
}

const lineItem = fc.oneof(
  fc.record({
    unitPriceInCents: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    quantity: fc.integer({ min: 1, max: 9_999_999 }).map((units) => units / 1000),
    taxRatePercent: fc.constantFrom(19, 7, 5.5, 0),
    discountPercent: fc.constantFrom(0, 3, 12.5, 33.3333, 100),
    unit: fc.constantFrom("h", "Stk.", "pallet", "KGM"),
    description: fc.constantFrom("Work", "Größe <b> & ü", "株式会社", "محمد"),
  }),
  fc.record({
    unitPriceInCents: fc.integer({ min: 0, max: 1_000_000 }),
    quantity: fc.integer({ min: 1, max: 100 }),
    taxCategory: fc.constantFrom("exempt", "reverse_charge"),
    taxExemptionReason: fc.constant("§ 4 UStG"),
    description: fc.constant("Without VAT"),
  }),
);

/** How many random invoices: few where all tests run, more by hand: `E_INVOICE_RUNS=200`. */
const RUNS = Number(process.env["E_INVOICE_RUNS"] ?? "6");

/** An invoice never adds up to less than zero: lines that do are drawn the other way round. */
async function draftOf(
  lineItems: { unitPriceInCents: number }[],
  discountPercent: number,
): Promise<Doc> {
  const fields = { discountPercent, billTo: BUYER };
  const answer = await books.post("/invoices", invoice({ ...fields, lineItems }));
  if (answer.code !== "VALIDATION_ERROR") return created(answer);
  expect(answer.text).toContain("must not add up to less than zero");
  const turned = lineItems.map((item) => ({ ...item, unitPriceInCents: -item.unitPriceInCents }));
  return await books.draft({ ...fields, lineItems: turned });
}

describe("the arithmetic of EN 16931", () => {
  test("holds for every invoice that can be created, in both syntaxes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(lineItem, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0, 2, 17.77),
        async (lineItems, discountPercent) => {
          const { id, customProperties } = await draftOf(lineItems, discountPercent);
          for (const syntax of SYNTAXES) {
            const read = readXml(await goodXml(`/invoices/${id}`, syntax));
            expect(read.totals.gross).toBe(BigInt(customProperties.totalAmountInCents));
            expect(read.lines).toHaveLength(lineItems.length);
          }
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  test("holds for one that is credited, as it was issued, and for a credit note that closes what rounding left", async () => {
    const { id, name } = await books.sent({
      billTo: BUYER,
      lineItems: [line({ unitPriceInCents: 333, quantity: 3 }), line({ taxRatePercent: 7 })],
      discountPercent: 10,
    });
    await books.post(`/invoices/${id}/pay`, { amountInCents: 500, paymentMethod: "cash" });
    for (const syntax of SYNTAXES) {
      const read = readXml(await goodXml(`/invoices/${id}`, syntax));
      expect([read.typeCode, read.totals.paid]).toEqual(["380", 0n]);
    }
    const answer = await books.post(`/invoices/${id}/credit-notes`);
    const { creditNote } = answer.body.data as unknown as { creditNote: { id: string } };
    for (const syntax of SYNTAXES) {
      const xml = await goodXml(`/credit-notes/${creditNote.id}`, syntax);
      const read = readXml(xml);
      expect([read.typeCode, read.preceding]).toEqual(["381", { number: name, day: "2026-01-10" }]);
      if (syntax === "ubl") expect(xml).toContain("<CreditNote ");
    }
  });

  test("holds for what is outside the scope of VAT, which names no VAT id", async () => {
    const lineItems = [line({ taxCategory: "outside_scope", taxRatePercent: 0 })];
    const { id } = await books.draft({ billTo: BUYER, lineItems });
    for (const syntax of SYNTAXES) {
      const read = readXml(await goodXml(`/invoices/${id}`, syntax));
      expect([...read.sellerTaxIds, ...read.buyerTaxIds].join()).not.toContain("DE");
    }
  });
});

describe("what is missing", () => {
  const details = async (id: string, file = "xml"): Promise<Record<string, string>> => {
    const answer = await books.get(`/invoices/${id}/${file}`);
    expect(answer.code).toBe("VALIDATION_ERROR");
    return Object.fromEntries(
      answer.body.error.details.map(({ path, message }) => [path, message]),
    );
  };

  test("is listed all at once, each with its business term", async () => {
    await books.patch("/organization", { address: null, taxIds: null });
    const { id } = await books.draft({ billTo: { name: "Ada" } });
    for (const file of ["xml", "xml?syntax=cii", "pdf?format=facturx"]) {
      const missing = await details(id, file);
      expect(missing["organization.taxIds.vatId"]).toContain("BT-31");
      expect(missing["organization.address.country"]).toContain("BT-40");
      expect(missing["billTo.address.country"]).toContain("BT-55");
      expect(Object.keys(missing)).toHaveLength(3);
    }
  });

  test("a country that is none, a currency of three decimals, a reverse charge to nobody's VAT id", async () => {
    const billTo = { ...BUYER, taxId: "none", address: { country: "Atlantis" } };
    const lineItems = [
      line({ taxCategory: "reverse_charge", taxRatePercent: 0 }),
      line({ taxCategory: "outside_scope", taxRatePercent: 0 }),
    ];
    const { id } = await books.draft({ billTo, currency: "KWD", lineItems });
    const missing = await details(id);
    expect(missing["billTo.address.country"]).toContain("Atlantis");
    expect(missing.currency).toContain("BT-5");
    expect(missing["billTo.taxId"]).toContain("BT-48");
    expect(missing.lineItems).toContain("BR-O-11");
  });

  test("an electronic address is not: EN 16931 does without", async () => {
    await books.patch("/organization", { sender: null });
    const { id } = await books.draft({ billTo: { ...BUYER, email: undefined } });
    for (const syntax of SYNTAXES) {
      const xml = await goodXml(`/invoices/${id}`, syntax);
      expect(xml).not.toMatch(/EndpointID|URIUniversalCommunication|freehold/);
    }
  });
});

describe("Factur-X", () => {
  const facturX = async (id: string, list = "invoices"): Promise<Uint8Array> => {
    const response = await books.backend.fetch(`/api/v1/${list}/${id}/pdf?format=facturx`, {
      headers: { Authorization: `Bearer ${books.apiKey}` },
    });
    expect(response.status).toBe(200);
    return new Uint8Array(await response.arrayBuffer());
  };

  test("is PDF/A-3 by its own words, with the same figures as CII in it", async () => {
    await books.patch("/organization", { legalName: "Żółć 株式会社 GmbH" });
    const { id, customProperties } = await books.sent({ billTo: BUYER });
    const bytes = await facturX(id);
    const pdf = await PDFDocument.load(bytes, { updateMetadata: false });
    expect(pdf.getAuthor()).toBe("Żółć 株式会社 GmbH");
    const [attachment] = pdf.getAttachments();
    expect(attachment?.name).toBe("factur-x.xml");
    const xml = new TextDecoder().decode(attachment?.data);
    const read = readXml(xml);
    expect([...brokenRules(read), ...(await schemaErrors(xml))]).toEqual([]);
    expect(read.totals.gross).toBe(BigInt(customProperties.totalAmountInCents));
    const text = Buffer.from(bytes).toString("utf8");
    for (const part of ["pdfaid:part>3<", "Żółć 株式会社 GmbH", "fx:ConformanceLevel>EN 16931<"]) {
      expect(text).toContain(part);
    }
  });

  test("says the language of its words, and of how many components its colour profile is", async () => {
    for (const [locale, language] of [
      ["de-AT", "de"],
      ["fr-FR", "en"],
    ] as const) {
      await books.patch("/organization", { locale });
      const { id } = await books.sent({ billTo: BUYER });
      const pdf = await PDFDocument.load(await facturX(id), { updateMetadata: false });
      expect(pdf.getLanguage()).toBe(language);
      const intents = pdf.catalog.lookup(PDFName.of("OutputIntents"), PDFArray);
      const intent = intents.lookup(0, PDFDict);
      const profile = intent.lookup(PDFName.of("DestOutputProfile"), PDFStream);
      expect(profile.dict.lookup(PDFName.of("N"), PDFNumber).asNumber()).toBe(3);
    }
  });

  test("of a credit note names the invoice that it is for, as its CII alone does", async () => {
    const invoice = await books.sent({ billTo: BUYER });
    const answer = await books.post(`/invoices/${invoice.id}/credit-notes`, { reason: "Größe" });
    const { creditNote } = answer.body.data as unknown as { creditNote: Doc };
    const pdf = await PDFDocument.load(await facturX(creditNote.id, "credit-notes"));
    const [attachment] = pdf.getAttachments();
    const xml = new TextDecoder().decode(attachment?.data);
    expect(readXml(xml)).toMatchObject({ typeCode: "381", preceding: { number: invoice.name } });
    expect(readXml(xml)).toEqual(
      readXml(await xmlOf(`/credit-notes/${creditNote.id}/xml?syntax=cii`)),
    );
    expect(xml).toContain("Größe");
  });

  test("of the same invoice is the same file, whenever it is made", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    const first = await facturX(id);
    await books.backend.run(async (ctx) => {
      for (const { _id } of await ctx.db.query("documentFiles").collect()) {
        await ctx.db.delete("documentFiles", _id);
      }
    });
    await books.post(`/invoices/${id}/write-off`, { amountInCents: 4380 });
    expect(Buffer.compare(await facturX(id), first)).toBe(0);
  });
});

/** Sellers as they are: with one, two or three of the numbers that they may have. */
const oddSeller = fc.record(
  {
    taxIds: fc.constantFrom(
      { taxNumber: "22/123/45678" },
      { vatId: "DE123456789" },
      { vatId: "CHE-123.456.789 MWST" },
      { taxNumber: "22/123/45678", registrationNumber: "HRB 1" },
      { vatId: "EL123456789", registrationNumber: "HRB 1" },
      { vatId: "ATU12345678", taxNumber: "22/123/45678", registrationNumber: "HRB 1" },
    ),
    legalName: fc.constantFrom(null, "Müller & Söhne <GmbH>"),
    sender: fc.constantFrom(null, SETTINGS.sender),
    bankDetails: fc.constantFrom(null, { iban: "CH9300762011623852957" }, SETTINGS.bankDetails),
  },
  { requiredKeys: ["taxIds"] },
);

test("an e-invoice breaks no rule in either syntax, whoever sells and whatever is taxed how", async () => {
  await fc.assert(
    fc.asyncProperty(
      oddSeller,
      fc.constantFrom("standard", "zero", "exempt", "reverse_charge", "outside_scope"),
      async (seller, taxCategory) => {
        const { vatId, ...others } = seller.taxIds as Record<string, string>;
        const isUnnamed = taxCategory === "outside_scope" && Object.keys(others).length === 0;
        // A PATCH merges: nothing of the seller before is left.
        const nothing = { taxIds: null, legalName: null, sender: null, bankDetails: null };
        for (const settings of [nothing, seller]) {
          expect((await books.patch("/organization", settings)).status).toBe(200);
        }
        const taxes = {
          taxCategory,
          taxRatePercent: taxCategory === "standard" ? 19 : 0,
          ...(taxCategory === "exempt" ? { taxExemptionReason: "§ 4 UStG" } : {}),
        };
        const { id } = await books.draft({ billTo: BUYER, lineItems: [line(taxes)] });
        for (const syntax of SYNTAXES) {
          if (isUnnamed) {
            const answer = await books.get(`/invoices/${id}/xml?syntax=${syntax}`);
            expect([vatId, answer.code]).toEqual([vatId, "VALIDATION_ERROR"]);
          } else await goodXml(`/invoices/${id}`, syntax);
        }
      },
    ),
    { numRuns: 2 * RUNS, endOnFailure: true },
  );
});

test("VAT ids are known as they are written, and what begins with no country is none", () => {
  for (const id of [
    ...["CHE-123.456.789 MWST", "CHE123456789TVA", "che-123.456.789 Iva", "CHE-123.456.789"],
    ...["DE 123 456 789", "ATU12345678", "EL123456789", "XI123456789", "NL123456789B01"],
  ]) {
    expect([id, isVatId(id)]).toEqual([id, true]);
  }
  for (const id of ["none", "ZZ123456789", "123456789", "CHE-123.456 MWST", "DE", undefined]) {
    expect([id, isVatId(id)]).toEqual([id, false]);
  }
});

describe("units", () => {
  test("are codes of recommendation 20, which stay, or words for them in three languages", () => {
    for (const code of ["HUR", "KGM", "MON", "C62", "LTR", "XPX", "NAR", "2N"]) {
      expect(unitCodeOf(code)).toBe(code);
    }
    const words = ["h", "Std.", "Stück", "heures", "Monate", "jours", "ST", "kg", "pallet", "hur"];
    expect(words.map(unitCodeOf)).toEqual([
      "HUR",
      "HUR",
      "H87",
      "HUR",
      "MON",
      "DAY",
      "H87",
      "KGM",
      "XPX",
      "HUR",
    ]);
    expect(["furlongish", "", "???"].map(unitCodeOf)).toEqual([undefined, undefined, undefined]);
  });

  test("that nobody knows are refused, but beside a code they are printed as they are", async () => {
    const lineItems = [line({ unit: "furlongish" })];
    const refused = await books.post("/invoices", invoice({ lineItems }));
    expect([refused.code, refused.paths]).toEqual(["VALIDATION_ERROR", ["body.lineItems.0.unit"]]);
    const wrong = [line({ unit: "h", unitCode: "furlongish" })];
    const answer = await books.post("/invoices", invoice({ lineItems: wrong }));
    expect(answer.paths).toEqual(["body.lineItems.0.unitCode"]);
    const { id } = await books.draft({
      billTo: BUYER,
      lineItems: [line({ unit: "furlongish", unitCode: "hours" }), line({ unit: "KGM" })],
    });
    for (const syntax of SYNTAXES) {
      const xml = await goodXml(`/invoices/${id}`, syntax);
      expect(xml.match(/unitCode="([A-Z0-9]+)"/g)).toEqual(['unitCode="HUR"', 'unitCode="KGM"']);
    }
  });

  test("of old lines that nobody knows are one, and stand in the line's note", async () => {
    const { id } = await books.draft({ billTo: BUYER, lineItems: [line({ unit: "h" })] });
    await books.backend.run(async ({ db }) => {
      const objectId = db.normalizeId("objects", id);
      const object = objectId && (await db.get("objects", objectId));
      if (object?.type !== "invoice") throw new Error("No invoice.");
      const lineItems = object.customProperties.lineItems.map((each) => ({
        ...each,
        unit: "furlongish",
      }));
      const customProperties = { ...object.customProperties, lineItems };
      await db.patch("objects", object._id, { customProperties });
    });
    for (const syntax of SYNTAXES) {
      const xml = await goodXml(`/invoices/${id}`, syntax);
      expect(xml).toContain('unitCode="C62"');
      expect(xml).toContain("furlongish");
    }
  });
});

test("countries are understood as people write them", () => {
  expect(
    ["de", "Deutschland", "Germany", "UNITED STATES", "Österreich", "Polska"].map(countryCode),
  ).toEqual(["DE", "DE", "DE", "US", "AT", "PL"]);
  expect(["ZZ", "UK", "Atlantis", "", undefined].map(countryCode)).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});
