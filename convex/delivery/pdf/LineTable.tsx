"use node";

import { Text, View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { PrintedLine } from "../printed/sums";
import type { Wording } from "../printed/wording";
import { styles } from "./style";
import { Words } from "./Words";

/** The lines; on every page that they go on to, the head stands again. */
export function LineTable(props: { lines: PrintedLine[]; wording: Wording }): ReactElement {
  const { lines, wording } = props;
  return (
    <>
      <View style={styles.tableHead}>
        <Text style={styles.position}>{wording.position}</Text>
        <Text style={styles.description}>{wording.description}</Text>
        <Text style={styles.quantity}>{wording.quantity}</Text>
        <Text style={styles.unitPrice}>{wording.unitPrice}</Text>
        <Text style={styles.taxRate}>{wording.taxRate}</Text>
        <Text style={styles.net}>{wording.net}</Text>
      </View>
      {lines.map((line) => (
        <View key={line.position} style={styles.row} wrap={false}>
          <Text style={styles.position}>{line.position}</Text>
          <View style={styles.description}>
            <Words>{line.description}</Words>
            {line.remark === null ? null : <Text style={styles.quiet}>{line.remark}</Text>}
          </View>
          <Text style={styles.quantity}>{line.quantity}</Text>
          <Text style={styles.unitPrice}>{line.unitPrice}</Text>
          <Text style={styles.taxRate}>{line.taxRate}</Text>
          <Text style={styles.net}>{line.net}</Text>
        </View>
      ))}
    </>
  );
}
