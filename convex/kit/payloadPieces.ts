/**
 * The body of an incoming event. Convex takes 1 MiB a document, and providers send more (Meta up to
 * 3 MB): what does not fit the event's row stands in pieces beside it.
 */
const PIECE_UNITS = 250_000; // of UTF-16: at most 750,000 bytes of UTF-8

export type Payload = { text: string; isUtf8: boolean };

/** Bytes as text. What is not UTF-8 is kept for a person to look at, and is not read as if it were. */
export function decodePayload(bytes: Uint8Array): Payload {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), isUtf8: true };
  } catch {
    return { text: new TextDecoder("utf-8").decode(bytes), isUtf8: false };
  }
}

/** In pieces of which each fits a row; no pair of surrogates is cut in two. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length || pieces.length === 0;) {
    const until = from + PIECE_UNITS;
    const last = text.charCodeAt(until - 1);
    const end = last >= 0xd800 && last <= 0xdbff ? until - 1 : until;
    pieces.push(text.slice(from, end));
    from = end;
  }
  return pieces;
}
