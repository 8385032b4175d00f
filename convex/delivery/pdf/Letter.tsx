"use node";

import { Document, Image, Page, Text, View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { Letterhead } from "../printed/letterhead";
import type { PrintedDocument } from "../printed/printedDocument";
import { filled } from "../printed/wording";
import { LineTable } from "./LineTable";
import { Payment } from "./Payment";
import { styles } from "./style";
import { Words } from "./Words";

export type PrintedLogo = { data: Buffer; format: "png" | "jpg" };

/** A document as a letter: an invoice, a credit note, a quote or a reminder. */
export function Letter(props: {
  printed: PrintedDocument;
  logo: PrintedLogo | null;
  fonts: string[];
}): ReactElement<typeof Document> {
  const { printed, logo, fonts } = props;
  const { letterhead, wording, notes, payment } = printed;
  const at = new Date(printed.changedAt);
  return (
    <Document
      title={`${printed.title} ${printed.number}`}
      author={letterhead.name}
      language={printed.language}
      creator="Freehold"
      producer="Freehold"
      creationDate={at}
      modificationDate={at}
    >
      <Page size="A4" style={[styles.page, { fontFamily: fonts }]}>
        {printed.mark === null ? null : (
          <Text style={styles.mark} fixed>
            {printed.mark}
          </Text>
        )}
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
        <Text style={styles.title}>{`${printed.title} ${printed.number}`}</Text>
        {printed.introduction.map((paragraph) => (
          <Text key={paragraph} style={styles.paragraph}>
            {paragraph}
          </Text>
        ))}
        {printed.lines.length === 0 ? null : <LineTable lines={printed.lines} wording={wording} />}
        <Sums sums={printed.sums} />
        {printed.taxNotes.length === 0 ? null : (
          <View style={styles.closing}>
            {printed.taxNotes.map((note) => (
              <Words key={note}>{note}</Words>
            ))}
          </View>
        )}
        {payment === null ? null : <Payment payment={payment} wording={wording} />}
        {notes === null ? null : (
          <View style={styles.closing}>
            <Text style={styles.heading}>{notes.heading}</Text>
            <Paragraphs text={notes.text} />
          </View>
        )}
        {letterhead.footer === null ? null : (
          <View style={styles.closing}>
            <Paragraphs text={letterhead.footer} />
          </View>
        )}
        <Foot letterhead={letterhead} pageText={wording.page} />
      </Page>
    </Document>
  );
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

function Paragraphs({ text }: { text: string }): ReactElement {
  return (
    <>
      {text.split(/\r?\n/).map((line, index) => (
        <Words key={index}>{line === "" ? " " : line}</Words>
      ))}
    </>
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
    <View style={styles.foot} fixed>
      <Text
        style={styles.pageNumber}
        render={({ pageNumber, totalPages }) =>
          filled(pageText, { page: String(pageNumber), pages: String(totalPages) })
        }
      />
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
  );
}
