"use node";

import { Text } from "@react-pdf/renderer";
import type { ReactElement } from "react";
import type { SetText } from "./layout";
import { isRightToLeft } from "./lineBreaks";
import { LINE_HEIGHT, type styles } from "./style";

type TextStyle = Partial<(typeof styles)[keyof typeof styles]>;

/** Text that is broken into lines already: its direction is its own, where it stands is the page's. */
export function Words({ text, style = {} }: { text: SetText; style?: TextStyle }): ReactElement {
  const { lines, fontSize, fontWeight } = text;
  const words = lines.join("\n");
  const direction = isRightToLeft(words) ? ({ direction: "rtl", textAlign: "left" } as const) : {};
  const font = { fontSize, fontWeight, lineHeight: LINE_HEIGHT };
  return <Text style={[direction, font, style]}>{words === "" ? " " : words}</Text>;
}
