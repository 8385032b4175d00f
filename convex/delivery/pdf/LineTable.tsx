"use node";

import { View } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { Columns, Row } from "./paginate";
import { styles } from "./style";
import { Words } from "./Words";

const FIGURES = ["quantity", "unitPrice", "taxRate", "net"] as const;

/** The rows of one page, under their heads. */
export function LineTable(props: { rows: Row[]; heads: Row; columns: Columns }): ReactElement {
  const { rows, heads, columns } = props;
  return (
    <View>
      <TableRow row={heads} columns={columns} style={styles.tableHead} />
      {rows.map((row, index) => (
        <TableRow key={index} row={row} columns={columns} style={styles.row} />
      ))}
    </View>
  );
}

function TableRow(props: {
  row: Row;
  columns: Columns;
  style: (typeof styles)["row" | "tableHead"];
}): ReactElement {
  const { row, columns, style } = props;
  return (
    <View style={style} wrap={false}>
      <Cell lines={row.position} width={columns.position} style={{}} />
      <Cell lines={row.description} width={columns.description} style={{}} />
      {FIGURES.map((column) => (
        <Cell key={column} lines={row[column]} width={columns[column]} style={styles.figure} />
      ))}
    </View>
  );
}

function Cell(props: {
  lines: Row["description"];
  width: number;
  style: Partial<(typeof styles)["figure"]>;
}): ReactElement {
  const { lines, width, style } = props;
  return (
    <View style={{ width }}>
      {[false, true].map((isRemark) => {
        const part = lines.filter((line) => line.isRemark === isRemark);
        const [first] = part;
        if (!first) return null;
        const text = { ...first, lines: part.map((line) => line.text) };
        return (
          <Words
            key={String(isRemark)}
            text={text}
            style={isRemark ? { ...styles.quiet, ...style } : style}
          />
        );
      })}
    </View>
  );
}
