"use node";

import { Link, Path, Svg, Text, View } from "@react-pdf/renderer";
import { create } from "qrcode";
import type { ReactElement } from "react";
import type { PrintedPayment } from "../printed/payment";
import type { Wording } from "../printed/wording";
import { INK, styles } from "./style";
import { Words } from "./Words";

export function Payment(props: { payment: PrintedPayment; wording: Wording }): ReactElement {
  const { payment, wording } = props;
  return (
    <View style={styles.payment} wrap={false}>
      <View style={styles.paymentText}>
        <Text style={[styles.paragraph, styles.heading]}>{payment.text}</Text>
        {payment.transfer.map(({ label, value }) => (
          <View key={label} style={styles.transfer}>
            <Text style={styles.transferLabel}>{label}</Text>
            <Words style={styles.transferValue}>{value}</Words>
          </View>
        ))}
        {payment.url === null ? null : (
          <View style={styles.transfer}>
            <Text style={styles.transferLabel}>{wording.payOnline}</Text>
            <Link src={payment.url} style={[styles.transferValue, styles.link]}>
              {payment.url}
            </Link>
          </View>
        )}
      </View>
      {payment.code === null ? null : (
        <View style={styles.code}>
          <Code text={payment.code} />
          <Text style={styles.codeText}>{wording.scanToPay}</Text>
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
    <Svg viewBox={`0 0 ${size} ${size}`} style={{ width: 74, height: 74 }}>
      <Path d={dark.join("")} fill={INK} />
    </Svg>
  );
}
