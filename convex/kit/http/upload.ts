import { internal } from "../../_generated/api";
import type { Id } from "../../_generated/dataModel";
import type { CallerCredential } from "../caller";
import { ApiError, invalid } from "../errors";
import { TextSignsCounter } from "../textSigns";
import { sha256Hex } from "../tokens";
import { PIECE_BYTES } from "../uploadPieces";
import { retryConflicts } from "./conflicts";
import type { HttpContext } from "./context";
import type { EndpointRoute } from "./route";

/** Staged by one call: a few milliseconds' work, and far from what a transaction may write. */
const PIECES_AT_ONCE = 32;

export type StagedBody = { upload: Id<"uploads">; digest: string };

/**
 * Stages a body that is not JSON, piece by piece as it comes: what is held in memory does not grow
 * with it.
 * @throws UNSUPPORTED_MEDIA_TYPE, VALIDATION_ERROR for an empty body
 */
export async function stageBody(
  c: HttpContext,
  { callers, scope }: EndpointRoute,
  mediaTypes: readonly string[],
  credential: CallerCredential,
): Promise<StagedBody> {
  const { mediaType, charset } = contentType(c.req.header("Content-Type") ?? "");
  if (!mediaTypes.includes(mediaType)) {
    throw new ApiError("UNSUPPORTED_MEDIA_TYPE", `Send the body as ${mediaTypes.join(" or ")}.`, {
      details: { supported: [...mediaTypes] },
    });
  }
  if (scope === null) throw new Error("A person's endpoint takes no file.");
  const { ip } = await c.env.meta.getRequestMetadata();
  const caller = { credential, ip, scope, ...(callers ? { callers: [...callers] } : {}) };
  const counter = new TextSignsCounter();
  const digests: string[] = [];
  const stage = async (id: Id<"uploads"> | null, pieces: ArrayBuffer[]): Promise<Id<"uploads">> => {
    const signs = { ...counter.signs };
    const args = { ...caller, upload: id, mediaType, charset, pieces, signs };
    const staged = await retryConflicts(() => c.env.runMutation(internal.kit.uploads.stage, args));
    if (staged.metering) c.set("metering", staged.metering);
    return staged.id;
  };
  let upload: Id<"uploads"> | null = null;
  let waiting: ArrayBuffer[] = [];
  for await (const piece of piecesOf(c.req.raw.body)) {
    counter.add(piece);
    digests.push(await digestOf(piece));
    waiting.push(piece.buffer);
    if (waiting.length < PIECES_AT_ONCE) continue;
    upload = await stage(upload, waiting);
    waiting = [];
  }
  counter.end();
  if (digests.length === 0) throw invalid([{ path: "body", message: "must not be empty" }]);
  // Also when nothing waits: what its bytes tell of its encoding is known only now.
  upload = await stage(upload, waiting);
  return { upload, digest: sha256Hex(digests.join()) };
}

function contentType(header: string): { mediaType: string; charset: string | null } {
  const [mediaType = "", ...parameters] = header.split(";").map((part) => part.trim());
  const [, charset] = /^charset="?([\w-]+)/im.exec(parameters.join("\n")) ?? [];
  return { mediaType: mediaType.toLowerCase(), charset: charset?.toLowerCase() ?? null };
}

/** The bytes, cut anew into pieces of one size. */
async function* piecesOf(
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  const reader = body?.getReader();
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || !value) break;
    for (let offset = 0; offset < value.length;) {
      const part = value.subarray(offset, offset + PIECE_BYTES - filled);
      piece.set(part, filled);
      filled += part.length;
      offset += part.length;
      if (filled < PIECE_BYTES) continue;
      yield piece;
      piece = new Uint8Array(PIECE_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
