import { once } from "./once";

/**
 * Characters that nobody sees (Unicode's Default_Ignorable_Code_Point: zero width, soft hyphen, bidi
 * controls, byte order mark, tags, variation selectors). Pasted text is full of them. They must not
 * tell two keys apart, and only those that change how the text looks are worth keeping.
 */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Most texts: below U+0300 only the soft hyphen is such a character, and everything is composed. */
const PLAIN = /^[\0-\u00AC\u00AE-\u02FF]*$/;

/**
 * The sequences in which such a character is seen: emoji (joined, with a presentation selector, a
 * keycap or flag tags), ideographic variants, and the joiners of scripts whose letters change shape.
 */
const seen = once(
  () =>
    new RegExp(
      [
        String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}][\uFE0E\uFE0F]?(?:\u200D(?=\p{Extended_Pictographic})|[\u{E0020}-\u{E007E}]+\u{E007F})?`,
        String.raw`[0-9#*]\uFE0F\u20E3`,
        String.raw`\p{Unified_Ideograph}[\uFE00-\uFE0F\u{E0100}-\u{E01EF}]`,
        String.raw`\p{Script=Mongolian}[\u180B-\u180D\u180F]`,
        // RFC 5892, A.1 and A.2: after a letter or sign of a script that joins, before another of it.
        String.raw`[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}][\u200C\u200D](?=\p{L})`,
        String.raw`[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}][\u200C\u200D]`,
      ].join("|"),
      "gu",
    ),
);

/** The text without what nobody sees in it, as it may be kept. */
export function withoutInvisible(text: string): string {
  if (PLAIN.test(text) || text.search(IGNORABLE) < 0) return text;
  let kept = "";
  let end = 0;
  for (const { index, 0: sign } of text.matchAll(seen())) {
    kept += text.slice(end, index).replace(IGNORABLE, "") + sign;
    end = index + sign.length;
  }
  return kept + text.slice(end).replace(IGNORABLE, "");
}

/** The beginning of a text, cut between characters: half of one is no text, and no URL can hold it. */
export function cutShort(text: string, max: number): string {
  return text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "");
}

/** Line breaks, tabs and other control characters, with the spaces around them. */
const BREAKS = / *[\p{Cc}\p{Zl}\p{Zp}][\p{Cc}\p{Zl}\p{Zp} ]*/gu;

/** As `withoutInvisible`, on one line: for what stands in lists, subjects of letters and logs. */
export function oneLine(text: string): string {
  return withoutInvisible(text).replace(BREAKS, " ");
}

/** The text without any character of them, for keys: two texts that look alike are one. */
export function onlyVisible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(IGNORABLE, "").normalize("NFC");
}

/** Whether there is nothing to see; of any other text, its first visible character tells. */
export function isInvisible(text: string): boolean {
  return !/\P{Default_Ignorable_Code_Point}/u.test(text);
}
