"use node";

import { Link, Path, Svg, View } from "@react-pdf/renderer";
import { create } from "qrcode";
import type { ReactElement } from "react";
import { heightOfAll, type SetPayment } from "./layout";
import { CODE_SIZE, INK, KEPT_WHOLE, styles } from "./style";
import { Words } from "./Words";

export function Payment({ payment }: { payment: SetPayment }): ReactElement {
  const { text, transfer, link, code, scan } = payment;
  const values = [...transfer, ...(link ? [link] : [])].map(({ value }) => value);
  return (
    <View style={styles.payment} wrap={heightOfAll([text, ...values]) > KEPT_WHOLE}>
      <View style={styles.paymentText}>
        <Words text={text} style={styles.paragraph} />
        {transfer.map(({ label, value }, index) => (
          <View key={index} style={styles.transfer}>
            <Words text={label} style={styles.transferLabel} />
            <Words text={value} style={styles.transferValue} />
          </View>
        ))}
        {link === null ? null : (
          <View style={styles.transfer}>
            <Words text={link.label} style={styles.transferLabel} />
            <Link src={link.url} style={[styles.transferValue, styles.link]}>
              <Words text={link.value} />
            </Link>
          </View>
        )}
      </View>
      {code === null ? null : (
        <View style={styles.code}>
          <Code text={code} />
          <Words text={scan} style={styles.codeText} />
        </View>
      )}
    </View>
  );
}

/** A QR code of error correction M, as EPC069-12 wants it, drawn as one path. */
function Code({ text }: { text: string }): ReactElement {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  const { size } = modules;
  const dark = Array.from(modules.data).flatMap((isDark, at) =>
    isDark ? [`M${at % size} ${Math.floor(at / size)}h1v1h-1z`] : [],
  );
  return (
    <Svg viewBox={`0 0 ${size} ${size}`} style={{ width: CODE_SIZE, height: CODE_SIZE }}>
      <Path d={dark.join("")} fill={INK} />
    </Svg>
  );
}
