/**
 * Page cursors. A cursor names the last row's place in its query's index, which holds values that
 * the caller may not see, so it is encrypted; and it is bound to its query. The same place always
 * gives the same cursor, so that a live query's page does not change without reason.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  timingSafeEqual,
} from "node:crypto";

/** `null` is the end: nothing follows, also not what is written there later. */
export type Place = string | null;

const TAG_BYTES = 16;
const FINGERPRINT_BYTES = 16;
const AT_END = "\x00";
const AFTER = "\x01";

export class CursorError extends Error {
  /** By this, clients know that they must begin again at the first page. */
  readonly data = { isConvexSystemError: true, paginationError: "InvalidCursor" };

  constructor() {
    super(
      "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor " +
        "is from a different query.",
    );
  }
}

export class Cursors {
  private readonly encryption: Buffer;
  private readonly authentication: Buffer;

  /** `secret` belongs to the folder: its cursors outlive the process. */
  constructor(secret: string) {
    this.encryption = createHash("sha256").update(`encrypt ${secret}`).digest();
    this.authentication = createHash("sha256").update(`authenticate ${secret}`).digest();
  }

  seal(query: string, place: Place): string {
    const text = Buffer.from(
      fingerprint(query) + (place === null ? AT_END : AFTER + place),
      "latin1",
    );
    const tag = this.tag(text);
    const cipher = createCipheriv("aes-256-ctr", this.encryption, tag);
    return Buffer.concat([tag, cipher.update(text), cipher.final()]).toString("base64url");
  }

  open(query: string, cursor: string): Place {
    const bytes = Buffer.from(cursor, "base64url");
    if (bytes.length <= TAG_BYTES + FINGERPRINT_BYTES) throw new CursorError();
    const tag = bytes.subarray(0, TAG_BYTES);
    const cipher = createDecipheriv("aes-256-ctr", this.encryption, tag);
    const text = Buffer.concat([cipher.update(bytes.subarray(TAG_BYTES)), cipher.final()]);
    if (!timingSafeEqual(tag, this.tag(text))) throw new CursorError();
    const opened = text.toString("latin1");
    if (!opened.startsWith(fingerprint(query))) throw new CursorError();
    const kind = opened[FINGERPRINT_BYTES];
    return kind === AT_END ? null : opened.slice(FINGERPRINT_BYTES + 1);
  }

  private tag(text: Buffer): Buffer {
    return createHmac("sha256", this.authentication).update(text).digest().subarray(0, TAG_BYTES);
  }
}

function fingerprint(query: string): string {
  const digest = createHash("sha256").update(query).digest("binary");
  return digest.slice(0, FINGERPRINT_BYTES);
}
