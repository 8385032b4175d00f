import type { MutationCtx } from "../_generated/server";
import { type Encoding, unitBytes, unitsOf } from "./charset";
import { PIECE_BYTES } from "./uploadPieces";
import { pieceOf, type Upload } from "./uploads";

/** The undecoded text of an upload (charset.ts) from a byte on. It grows as its reader asks. */
export class UploadWindow {
  text = "";
  private read = 0;

  constructor(
    private readonly ctx: MutationCtx,
    private readonly upload: Upload,
    private readonly position: number,
    private readonly encoding: Encoding,
  ) {}

  /** To so many pieces, or to the end of the file. */
  async growTo(pieces: number): Promise<void> {
    const first = Math.floor(this.position / PIECE_BYTES);
    const texts = [this.text];
    for (; this.read < pieces; this.read++) {
      const piece = await pieceOf(this.ctx, this.upload._id, first + this.read);
      if (!piece) break;
      const bytes = this.read === 0 ? piece.subarray(this.position % PIECE_BYTES) : piece;
      texts.push(unitsOf(bytes, this.encoding));
    }
    this.text = texts.join("");
  }

  get atEnd(): boolean {
    return Math.floor(this.position / PIECE_BYTES) + this.read >= this.upload.pieces;
  }

  /** The byte that this place of the text stands for. */
  byteAt(index: number): number {
    return Math.min(this.position + index * unitBytes(this.encoding), this.upload.size);
  }
}
