"use node";

import { Text, View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { PrintedLine } from "../printed/sums";
import type { Wording } from "../printed/wording";
import type { Columns } from "./paginate";
import { styles } from "./style";
import { Words } from "./Words";

/** The lines of one page, under their head. */
export function LineTable(props: {
  lines: PrintedLine[];
  columns: Columns;
  wording: Wording;
}): ReactElement {
  const { lines, columns, wording } = props;
  return (
    <View>
      <View style={styles.tableHead}>
        <Text style={{ width: columns.position }}>{wording.position}</Text>
        <Text style={{ width: columns.description }}>{wording.description}</Text>
        <Cell width={columns.quantity}>{wording.quantity}</Cell>
        <Cell width={columns.unitPrice}>{wording.unitPrice}</Cell>
        <Cell width={columns.taxRate}>{wording.taxRate}</Cell>
        <Cell width={columns.net}>{wording.net}</Cell>
      </View>
      {lines.map((line) => (
        <View key={line.position} style={styles.row} wrap={false}>
          <Text style={{ width: columns.position }}>{line.position}</Text>
          <View style={{ width: columns.description }}>
            <Words>{line.description}</Words>
            {line.remark === null ? null : <Text style={styles.quiet}>{line.remark}</Text>}
          </View>
          <Cell width={columns.quantity}>{line.quantity}</Cell>
          <Cell width={columns.unitPrice}>{line.unitPrice}</Cell>
          <Cell width={columns.taxRate}>{line.taxRate}</Cell>
          <Cell width={columns.net}>{line.net}</Cell>
        </View>
      ))}
    </View>
  );
}

function Cell({ width, children }: { width: number; children: string }): ReactElement {
  return <Text style={[styles.cell, { width }]}>{children}</Text>;
}
