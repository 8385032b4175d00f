"use node";

import { Document, type DocumentProps, Image, Page, Text, View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { Letterhead } from "../printed/letterhead";
import type { PrintedDocument } from "../printed/printedDocument";
import { filled } from "../printed/wording";
import { LineTable } from "./LineTable";
import type { Measure } from "./measure";
import { columnsOf, pagesOf } from "./paginate";
import { Payment } from "./Payment";
import { ROOM, styles } from "./style";
import { Words } from "./Words";

export type PrintedLogo = { data: Buffer; format: "png" | "jpg" };

/** A document as a letter: an invoice, a credit note, a quote or a reminder. */
export function Letter(props: {
  printed: PrintedDocument;
  logo: PrintedLogo | null;
  fonts: string[];
  measure: Measure;
}): ReactElement<DocumentProps> {
  const { printed, logo, fonts, measure } = props;
  const columns = columnsOf(printed.lines, printed.wording, measure);
  const pages = pagesOf(printed.lines, columns, measure, ROOM);
  const at = new Date(printed.changedAt);
  return (
    <Document
      title={`${printed.title} ${printed.number}`}
      author={printed.letterhead.name}
      language={printed.language}
      creator="Freehold"
      producer="Freehold"
      creationDate={at}
      modificationDate={at}
    >
      {pages.map((lines, index) => (
        <Page key={index} size="A4" style={[styles.page, { fontFamily: fonts }]}>
          {printed.mark === null ? null : (
            <Text style={styles.mark} fixed>
              {printed.mark}
            </Text>
          )}
          {index === 0 ? <Opening printed={printed} logo={logo} /> : null}
          {lines.length === 0 ? null : (
            <LineTable lines={lines} columns={columns} wording={printed.wording} />
          )}
          {index === pages.length - 1 ? <Closing printed={printed} /> : null}
          <Foot letterhead={printed.letterhead} pageText={printed.wording.page} />
        </Page>
      ))}
    </Document>
  );
}

/** What stands above the lines on the first page. */
function Opening(props: { printed: PrintedDocument; logo: PrintedLogo | null }): ReactElement {
  const { printed, logo } = props;
  const { letterhead } = printed;
  return (
    <>
      <Head letterhead={letterhead} logo={logo} />
      <View style={styles.addressee}>
        <View style={styles.recipient}>
          <Words style={styles.returnAddress}>{letterhead.returnAddress}</Words>
          {printed.recipient.map((line, index) => (
            <Words key={index}>{line}</Words>
          ))}
        </View>
        <View style={styles.facts}>
          {printed.facts.map(({ label, value }) => (
            <View key={label} style={styles.fact}>
              <Text style={styles.quiet}>{label}</Text>
              <Words style={styles.factValue}>{value}</Words>
            </View>
          ))}
        </View>
      </View>
      <Text style={styles.title}>
        {[printed.title, printed.number, printed.mark && `(${printed.mark})`]
          .filter(Boolean)
          .join(" ")}
      </Text>
      {printed.introduction.map((paragraph) => (
        <Text key={paragraph} style={styles.paragraph}>
          {paragraph}
        </Text>
      ))}
    </>
  );
}

/** A part of what stands below the lines; `characters` of its text, where it has much. */
type Block = { element: ReactElement; characters: number };

/** A text of so many characters stands whole on one page, whatever its script. */
const KEPT_WHOLE = 1500;

/** What stands below the last line. The footer begins on no page of its own: what is before it goes along. */
function Closing({ printed }: { printed: PrintedDocument }): ReactElement {
  const blocks = blocksOf(printed);
  const last = blocks.at(-1);
  const [opening, ...others] = printed.footer === null ? [] : paragraphsOf(printed.footer);
  return (
    <>
      {blocks.slice(0, -1).map(({ element }) => element)}
      <View wrap={(last?.characters ?? 0) > KEPT_WHOLE}>
        {last?.element}
        {opening === undefined ? null : <View style={styles.closing}>{opening.element}</View>}
      </View>
      {others.map(({ element }) => element)}
    </>
  );
}

function blocksOf({ sums, taxNotes, payment, notes, wording }: PrintedDocument): Block[] {
  return [
    { element: <Sums key="sums" sums={sums} />, characters: 0 },
    ...(taxNotes.length === 0 ? [] : underHeading("taxes", null, taxNotes.join("\n"))),
    ...(payment === null
      ? []
      : [
          {
            element: <Payment key="payment" payment={payment} wording={wording} />,
            characters: 0,
          },
        ]),
    ...(notes === null ? [] : underHeading("notes", notes.heading, notes.text)),
  ];
}

/** The paragraphs of a text, the first of them with what stands above it. */
function underHeading(key: string, heading: string | null, text: string): Block[] {
  const [first, ...others] = paragraphsOf(text, key);
  if (!first) return [];
  const { element, characters } = first;
  const opening = (
    <View key={key} style={styles.closing} wrap={characters > KEPT_WHOLE}>
      {heading === null ? null : <Text style={styles.heading}>{heading}</Text>}
      {element}
    </View>
  );
  return [{ element: opening, characters }, ...others];
}

function paragraphsOf(text: string, key = "line"): Block[] {
  return text.split(/\r?\n/).map((line, index) => ({
    element: <Words key={`${key} ${index}`}>{line === "" ? " " : line}</Words>,
    characters: line.length,
  }));
}

function Head({
  letterhead,
  logo,
}: {
  letterhead: Letterhead;
  logo: PrintedLogo | null;
}): ReactElement {
  return (
    <View style={styles.head}>
      {logo === null ? (
        <Words style={styles.company}>{letterhead.name}</Words>
      ) : (
        <Image src={logo} style={styles.logo} />
      )}
      <View style={[styles.companyDetails, styles.quiet]}>
        {[...(logo ? [letterhead.name] : []), ...letterhead.address, ...letterhead.contact].map(
          (line) => (
            <Words key={line}>{line}</Words>
          ),
        )}
      </View>
    </View>
  );
}

function Sums({ sums }: Pick<PrintedDocument, "sums">): ReactElement {
  return (
    <View style={styles.sums} wrap={false}>
      {sums.map(({ label, value, weight }, index) => (
        <View key={index} style={weight === "total" ? [styles.sum, styles.sumTotal] : styles.sum}>
          <Text>{label}</Text>
          <Text>{value}</Text>
        </View>
      ))}
    </View>
  );
}

function Foot({
  letterhead,
  pageText,
}: {
  letterhead: Letterhead;
  pageText: string;
}): ReactElement {
  return (
    <>
      <Text
        style={styles.pageNumber}
        fixed
        render={({ pageNumber, totalPages }) =>
          filled(pageText, { page: String(pageNumber), pages: String(totalPages) })
        }
      />
      <View style={styles.foot} fixed>
        <View style={styles.footColumns}>
          {letterhead.foot.map((column, index) => (
            <View key={index} style={styles.footColumn}>
              {column.map((line) => (
                <Words key={line}>{line}</Words>
              ))}
            </View>
          ))}
        </View>
      </View>
    </>
  );
}
