"use node";

import { Text } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { styles } from "./style";

type TextStyle = Partial<(typeof styles)[keyof typeof styles]>;

/** The first letter that has a direction (Unicode UAX #9, P2): of a right-to-left script? */
const STRONG = /\p{L}/u;
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

/** Text of people: its direction is its own, where it stands is the page's. */
export function Words({
  children,
  style = {},
}: {
  children: string;
  style?: TextStyle;
}): ReactElement {
  const isRightToLeft = RIGHT_TO_LEFT.test(STRONG.exec(children)?.[0] ?? "");
  const direction = isRightToLeft ? ({ direction: "rtl", textAlign: "left" } as const) : {};
  return <Text style={[direction, style]}>{children}</Text>;
}
