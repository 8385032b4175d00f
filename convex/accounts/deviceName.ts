/**
 * What a browser or program calls itself (`User-Agent`, RFC 9110, 10.1.5), in words that are ours: it is
 * text of whoever sends it, and is shown where people trust what they read.
 */

/** The first that fits: most browsers name others too, to be taken for them. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, "Chrome"],
  [/\bVersion\/[\d.]+.*\bSafari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\bWindows\b/, "Windows"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\b(?:Macintosh|Mac OS X)\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];
/** A program's own name: letters and digits alone, which no mail program makes a link of. */
const PROGRAM = /^([A-Za-z][A-Za-z0-9_-]{0,29})(?:[/ ]|$)/;
/** What is longer is no name. */
const READ = 512;

/** "Firefox, Windows"; "curl"; null for what says nothing. */
export function deviceName(userAgent: string | undefined): string | null {
  const text = (userAgent ?? "").slice(0, READ);
  const nameIn = (known: typeof BROWSERS): string[] =>
    known
      .filter(([sign]) => sign.test(text))
      .map(([, name]) => name)
      .slice(0, 1);
  const names = [...nameIn(BROWSERS), ...nameIn(SYSTEMS)];
  if (names.length > 0) return names.join(", ");
  const [, program] = PROGRAM.exec(text) ?? [];
  return program === undefined || program === "Mozilla" ? null : program;
}
