"use node";

import { Document, type DocumentProps, Image, Page, Text, View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { PrintedDocument } from "../printed/printedDocument";
import { heightOf, type Layout, layoutOf, runningPage, type SetText } from "./layout";
import { LineTable } from "./LineTable";
import type { Measure } from "./measure";
import { Payment } from "./Payment";
import { KEPT_WHOLE, styles } from "./style";
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
  const layout = layoutOf(printed, logo !== null, measure);
  const at = new Date(printed.changedAt);
  const page = { fontFamily: fonts, paddingBottom: layout.footBottom.text };
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
      {layout.pages.map((rows, index) => (
        <Page key={index} size="A4" style={[styles.page, page]}>
          <Marks printed={printed} />
          {index === 0 ? <Opening layout={layout} logo={logo} /> : null}
          {rows.length === 0 ? null : (
            <LineTable rows={rows} heads={layout.heads} columns={layout.columns} />
          )}
          {index === layout.pages.length - 1 ? <Closing layout={layout} /> : null}
          <Foot layout={layout} printed={printed} />
        </Page>
      ))}
    </Document>
  );
}

/** Behind everything on the page, in opaque ink: PDF/A has rules for what shines through. */
function Marks({ printed: { test, mark } }: { printed: PrintedDocument }): ReactElement {
  const isBoth = test !== null && mark !== null;
  return (
    <>
      {test === null ? null : (
        <Text style={isBoth ? [styles.test, styles.above] : styles.test} fixed>
          {test}
        </Text>
      )}
      {mark === null ? null : (
        <Text style={isBoth ? [styles.mark, styles.below] : styles.mark} fixed>
          {mark}
        </Text>
      )}
    </>
  );
}

/** What stands above the lines on the first page. */
function Opening({ layout, logo }: { layout: Layout; logo: PrintedLogo | null }): ReactElement {
  return (
    <>
      <View style={styles.head}>
        {logo === null ? (
          <Words text={layout.company} style={styles.company} />
        ) : (
          <Image src={logo} style={styles.logo} />
        )}
        <View style={styles.companyDetails}>
          {layout.companyDetails.map((text, index) => (
            <Words key={index} text={text} style={styles.detail} />
          ))}
        </View>
      </View>
      <View style={styles.addressee}>
        <View style={styles.recipient}>
          <Words text={layout.returnAddress} style={styles.returnAddress} />
          {layout.recipient.map((text, index) => (
            <Words key={index} text={text} />
          ))}
        </View>
        <View style={styles.facts}>
          {layout.facts.map(({ label, value }, index) => (
            <View key={index} style={styles.fact}>
              <Words text={label} style={styles.factLabel} />
              <Words text={value} style={styles.factValue} />
            </View>
          ))}
        </View>
      </View>
      <Words text={layout.title} style={styles.title} />
      {layout.introduction.map((text, index) => (
        <Words key={index} text={text} style={styles.paragraph} />
      ))}
    </>
  );
}

/** A part of what stands below the lines; the height of its text, where it has much. */
type Block = { element: ReactElement; height: number };

/** What stands below the last line. The footer begins on no page of its own: what is before it goes along. */
function Closing({ layout }: { layout: Layout }): ReactElement {
  const blocks = blocksOf(layout);
  const last = blocks.at(-1);
  const [opening, ...others] = paragraphsOf(layout.footer, "footer");
  return (
    <>
      {blocks.slice(0, -1).map(({ element }) => element)}
      <View wrap={(last?.height ?? 0) > KEPT_WHOLE}>
        {last?.element}
        {opening === undefined ? null : <View style={styles.closing}>{opening.element}</View>}
      </View>
      {others.map(({ element }) => element)}
    </>
  );
}

function blocksOf({ sums, taxNotes, payment, notes }: Layout): Block[] {
  return [
    { element: <Sums key="sums" sums={sums} />, height: 0 },
    ...underHeading("taxes", null, taxNotes),
    ...(payment === null
      ? []
      : [{ element: <Payment key="payment" payment={payment} />, height: 0 }]),
    ...(notes === null ? [] : underHeading("notes", notes.heading, notes.paragraphs)),
  ];
}

/** The paragraphs of a text, the first of them with what stands above it. */
function underHeading(key: string, heading: SetText | null, texts: SetText[]): Block[] {
  const [first, ...others] = paragraphsOf(texts, key);
  if (!first) return [];
  const { element, height } = first;
  const opening = (
    <View key={key} style={styles.closing} wrap={height > KEPT_WHOLE}>
      {heading === null ? null : <Words text={heading} style={styles.heading} />}
      {element}
    </View>
  );
  return [{ element: opening, height }, ...others];
}

function paragraphsOf(texts: SetText[], key: string): Block[] {
  return texts.map((text, index) => ({
    element: <Words key={`${key} ${index}`} text={text} />,
    height: heightOf(text),
  }));
}

function Sums({ sums }: Pick<Layout, "sums">): ReactElement {
  return (
    <View style={styles.sums} wrap={false}>
      {sums.map(({ label, value, weight }, index) => (
        <View key={index} style={weight === "total" ? [styles.sum, styles.sumTotal] : styles.sum}>
          <Words text={label} />
          <Words text={value} style={styles.sumValue} />
        </View>
      ))}
    </View>
  );
}

/** On every page: which document it belongs to, which of its pages it is, and who writes. */
function Foot({ layout, printed }: { layout: Layout; printed: PrintedDocument }): ReactElement {
  const { foot, running, footBottom } = layout;
  return (
    <>
      <View style={[styles.running, { bottom: footBottom.running }]} fixed>
        <Words text={running} />
      </View>
      <Text
        style={[styles.pageNumber, { top: footBottom.pageNumberFromTop }]}
        fixed
        render={({ pageNumber, totalPages }) =>
          runningPage(printed.wording, pageNumber, totalPages)
        }
      />
      <View style={[styles.foot, { bottom: footBottom.foot }]} fixed>
        {foot.map((column, index) => (
          <View key={index}>
            {column.map((text, line) => (
              <Words key={line} text={text} />
            ))}
          </View>
        ))}
      </View>
    </>
  );
}
