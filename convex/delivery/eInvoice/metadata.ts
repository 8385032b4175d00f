"use node";

import {
  decodePDFRawStream,
  PDFArray,
  PDFDict,
  PDFDocument,
  PDFName,
  PDFNumber,
  PDFRawStream,
  PDFString,
} from "@cantoo/pdf-lib";
import { create } from "xmlbuilder2";

/** What a file says of itself. */
export type FileMetadata = { title: string; author: string; at: Date; language: string };

const PRODUCER = "Freehold";

/**
 * A Factur-X file with its metadata written anew: of the document and not of the clock, in any script,
 * and the same in the PDF's own dictionary and in XMP, as PDF/A (ISO 19005-3, 6.6.2) wants it.
 * @param xml what the embedded file shall say, of what it says
 */
export async function withMetadata(
  facturX: Uint8Array,
  metadata: FileMetadata,
  xml: (cii: string) => string,
): Promise<Uint8Array<ArrayBuffer>> {
  const pdf = await PDFDocument.load(facturX, { updateMetadata: false });
  const { title, author, at, language } = metadata;
  pdf.setLanguage(language);
  pdf.setTitle(title);
  pdf.setAuthor(author);
  pdf.setSubject(title);
  pdf.setKeywords(["Factur-X", "ZUGFeRD"]);
  pdf.setCreator(PRODUCER);
  pdf.setProducer(PRODUCER);
  pdf.setCreationDate(at);
  pdf.setModificationDate(at);
  describeProfiles(pdf);
  for (const [reference, object] of pdf.context.enumerateIndirectObjects()) {
    if (!(object instanceof PDFRawStream)) continue;
    const params = object.dict.lookup(PDFName.of("Params"));
    if (!(params instanceof PDFDict)) continue;
    for (const key of ["CreationDate", "ModDate"]) {
      params.set(PDFName.of(key), PDFString.fromDate(at));
    }
    pdf.context.assign(reference, rewritten(object, params, xml));
  }
  const xmp = new TextEncoder().encode(xmpOf(metadata));
  const stream = pdf.context.stream(xmp, { Type: "Metadata", Subtype: "XML", Length: xmp.length });
  const old = pdf.catalog.get(PDFName.of("Metadata"));
  pdf.catalog.set(PDFName.of("Metadata"), pdf.context.register(stream));
  for (const [reference] of pdf.context.enumerateIndirectObjects()) {
    if (reference === old) pdf.context.delete(reference);
  }
  return new Uint8Array(await pdf.save());
}

/** What an ICC profile's header names its colours, and how many components these have (ICC.1, 7.2.6). */
const COMPONENTS: Record<string, number> = { GRAY: 1, "RGB ": 3, "Lab ": 3, CMYK: 4 };

/** Each ICC profile of an output intent says of how many components it is (ISO 32000-1, 8.6.5.5). */
function describeProfiles({ catalog }: PDFDocument): void {
  const intents = catalog.lookupMaybe(PDFName.of("OutputIntents"), PDFArray);
  for (const intent of intents?.asArray() ?? []) {
    const profile = catalog.context.lookup(intent, PDFDict).lookup(PDFName.of("DestOutputProfile"));
    if (!(profile instanceof PDFRawStream)) continue;
    const header = decodePDFRawStream(profile).decode().subarray(0, 20);
    const colours = new TextDecoder("latin1").decode(header.subarray(16, 20));
    const components = COMPONENTS[colours];
    if (components === undefined) throw new Error(`An ICC profile of ${colours} is not known.`);
    profile.dict.set(PDFName.of("N"), PDFNumber.of(components));
  }
}

/** An embedded file (ISO 32000-1, 7.11.4) with other text; what the file says of its bytes goes along. */
function rewritten(
  file: PDFRawStream,
  params: PDFDict,
  xml: (cii: string) => string,
): PDFRawStream {
  const bytes = new TextEncoder().encode(
    xml(new TextDecoder().decode(decodePDFRawStream(file).decode())),
  );
  const { dict } = file;
  const stream = dict.context.flateStream(bytes);
  for (const [key, value] of dict.entries()) {
    if (!stream.dict.has(key)) stream.dict.set(key, value);
  }
  params.set(PDFName.of("Size"), PDFNumber.of(bytes.length));
  params.delete(PDFName.of("CheckSum"));
  return stream;
}

const RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#";

/** The properties of Factur-X 1.0, which PDF/A wants described in the file itself. */
const PROPERTIES = {
  DocumentFileName: ["factur-x.xml", "The name of the embedded XML document"],
  DocumentType: ["INVOICE", "The type of the hybrid document in capital letters"],
  Version: ["1.0", "The version of the standard of the embedded XML document"],
  ConformanceLevel: ["EN 16931", "The conformance level of the embedded XML document"],
} as const;

function xmpOf({ title, author, at }: FileMetadata): string {
  const date = at.toISOString().replace(/\.\d+Z$/, "Z");
  const language = { "@xml:lang": "x-default" };
  const resource = { "@rdf:parseType": "Resource" };
  const named = Object.entries(PROPERTIES).map(([name, [, description]]) => ({
    ...resource,
    "pdfaProperty:name": name,
    "pdfaProperty:valueType": "Text",
    "pdfaProperty:category": "external",
    "pdfaProperty:description": description,
  }));
  const described = (namespaces: Record<string, string>, properties: object): object => ({
    "@rdf:about": "",
    ...Object.fromEntries(
      Object.entries(namespaces).map(([prefix, uri]) => [`@xmlns:${prefix}`, uri]),
    ),
    ...properties,
  });
  const descriptions = [
    described(
      { pdfaid: "http://www.aiim.org/pdfa/ns/id/" },
      { "pdfaid:part": "3", "pdfaid:conformance": "B" },
    ),
    described(
      { dc: "http://purl.org/dc/elements/1.1/" },
      {
        "dc:format": "application/pdf",
        "dc:title": { "rdf:Alt": { "rdf:li": { ...language, "#": title } } },
        "dc:creator": { "rdf:Seq": { "rdf:li": author } },
        "dc:description": { "rdf:Alt": { "rdf:li": { ...language, "#": title } } },
      },
    ),
    described(
      { pdf: "http://ns.adobe.com/pdf/1.3/" },
      { "pdf:Producer": PRODUCER, "pdf:Keywords": "Factur-X ZUGFeRD" },
    ),
    described(
      { xmp: "http://ns.adobe.com/xap/1.0/" },
      { "xmp:CreatorTool": PRODUCER, "xmp:CreateDate": date, "xmp:ModifyDate": date },
    ),
    described(
      {
        pdfaExtension: "http://www.aiim.org/pdfa/ns/extension/",
        pdfaSchema: "http://www.aiim.org/pdfa/ns/schema#",
        pdfaProperty: "http://www.aiim.org/pdfa/ns/property#",
      },
      {
        "pdfaExtension:schemas": {
          "rdf:Bag": {
            "rdf:li": {
              ...resource,
              "pdfaSchema:schema": "Factur-X PDFA Extension Schema",
              "pdfaSchema:namespaceURI": FACTUR_X,
              "pdfaSchema:prefix": "fx",
              "pdfaSchema:property": { "rdf:Seq": { "rdf:li": named } },
            },
          },
        },
      },
    ),
    described(
      { fx: FACTUR_X },
      Object.fromEntries(
        Object.entries(PROPERTIES).map(([name, [value]]) => [`fx:${name}`, value]),
      ),
    ),
  ];
  const meta = create({
    "x:xmpmeta": {
      "@xmlns:x": "adobe:ns:meta/",
      "rdf:RDF": { "@xmlns:rdf": RDF, "rdf:Description": descriptions },
    },
  }).end({ headless: true, prettyPrint: true });
  // The packet's id is the one that the XMP specification gives; the mark before it says UTF-8.
  return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n${meta}\n<?xpacket end="w"?>`;
}
