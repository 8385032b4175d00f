import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { type Caller, callerKey, callerKindValidator, credentialValidator } from "./caller";
import { identify } from "./identify";
import { admitToWrite, callersOfOrganizations, type Metering } from "./askers";
import { isGrant, type Scope } from "./scopes";
import { textSigns } from "../schemas/kitSchemas";
import { unauthorized } from "./unauthorized";

/**
 * Bodies that are not JSON. A transaction takes at most 16 MiB, so they come in pieces before the
 * request's own transaction, which then claims them; what nobody claims is deleted by maintenance.
 */
export type Upload = Doc<"uploads">;

const DELETED_AT_ONCE = 100;

export type Staged = {
  id: Id<"uploads">;
  /** Of the request, which is counted where its upload begins; null after that. */
  metering: Metering | null;
};

/**
 * Adds pieces to an upload, and begins it when there is none yet. Nothing is stored of a request
 * that its endpoint would refuse for its caller.
 * @throws RATE_LIMITED, FORBIDDEN, INSUFFICIENT_SCOPE
 */
export const stage = internalMutation({
  args: {
    credential: credentialValidator,
    ip: v.union(v.string(), v.null()),
    /** Whom the endpoint takes, as it says itself. */
    callers: v.optional(v.array(callerKindValidator)),
    scope: v.string(),
    upload: v.union(v.id("uploads"), v.null()),
    mediaType: v.string(),
    charset: v.union(v.string(), v.null()),
    pieces: v.array(v.bytes()),
    /** Of everything so far. */
    signs: textSigns,
  },
  handler: async (ctx, args): Promise<Staged> => {
    const { credential, ip, callers, scope, mediaType, charset, pieces, signs } = args;
    const { who, metering } = await admitToWrite(ctx, callersOfOrganizations, {
      identify: async () => await identify(ctx, credential),
      credential: credential.kind,
      ip,
      isCounted: args.upload !== null,
      door: { scope: scopeOf(scope), callers },
    });
    const { caller } = who;
    const known = args.upload && (await uploadOf(ctx, caller, args.upload));
    const size = pieces.reduce((sum, piece) => sum + piece.byteLength, known?.size ?? 0);
    const first = known?.pieces ?? 0;
    const state = { size, pieces: first + pieces.length, signs };
    const id = known
      ? (await ctx.db.patch("uploads", known._id, state), known._id)
      : await ctx.db.insert("uploads", {
          ...state,
          organizationId: caller.organizationId,
          caller: callerKey(caller),
          mediaType,
          charset,
          isClaimed: false,
          createdAt: Date.now(),
        });
    for (const [index, bytes] of pieces.entries()) {
      await ctx.db.insert("uploadPieces", { uploadId: id, index: first + index, bytes });
    }
    return { id, metering };
  },
});

/** The caller's own upload, from now on its claimer's to delete. */
export async function claimUpload(
  ctx: MutationCtx,
  caller: Caller,
  id: Id<"uploads">,
): Promise<Upload> {
  const upload = await uploadOf(ctx, caller, id);
  await ctx.db.patch("uploads", id, { isClaimed: true });
  return upload;
}

/** The bytes of one piece, or null after the last. */
export async function pieceOf(
  ctx: QueryCtx,
  uploadId: Id<"uploads">,
  index: number,
): Promise<Uint8Array | null> {
  const piece = await ctx.db
    .query("uploadPieces")
    .withIndex("by_upload", (q) => q.eq("uploadId", uploadId).eq("index", index))
    .unique();
  return piece && new Uint8Array(piece.bytes);
}

/**
 * All the bytes of an upload, which its claimer has no further use for: it is deleted.
 * For bodies of at most 6 MiB; a longer one is read by `pieceOf`, over several transactions.
 */
export async function takeUpload(
  ctx: MutationCtx,
  { _id, size }: Upload,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  for (let index = 0, at = 0; at < size; index += 1) {
    const piece = await pieceOf(ctx, _id, index);
    if (!piece) throw new Error(`Upload ${_id} lacks its piece ${index}.`);
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  await deleteUpload(ctx, _id);
  return bytes;
}

/** Deletes up to so many pieces, and the upload with the last of them; answers whether any are left. */
export async function deleteUpload(ctx: MutationCtx, id: Id<"uploads">): Promise<boolean> {
  const pieces = await ctx.db
    .query("uploadPieces")
    .withIndex("by_upload", (q) => q.eq("uploadId", id))
    .take(DELETED_AT_ONCE);
  for (const piece of pieces) await ctx.db.delete("uploadPieces", piece._id);
  if (pieces.length === DELETED_AT_ONCE) return true;
  if (await ctx.db.get("uploads", id)) await ctx.db.delete("uploads", id);
  return false;
}

async function uploadOf(ctx: QueryCtx, caller: Caller, id: Id<"uploads">): Promise<Upload> {
  const upload = await ctx.db.get("uploads", id);
  if (!upload || upload.isClaimed || upload.caller !== callerKey(caller))
    throw unauthorized("upload");
  return upload;
}

function scopeOf(text: string): Scope {
  if (isGrant(text) && text !== "*") return text;
  throw new Error(`${text} is not a scope.`);
}
