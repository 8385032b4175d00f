import type { SystemDataModel } from "convex/server";
import { v } from "convex/values";
import * as z from "zod";
import { internal } from "../_generated/api";
import {
  internalAction,
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import { callerKey } from "../kit/caller";
import { ApiError, invalidFields } from "../kit/errors";
import { parseInput } from "../kit/input";
import { organizationOf } from "../kit/own";
import { TenantReader } from "../ontology/reader";
import { type ConsultationArgs, consultationArgs, consultingCaller } from "../kit/outside";
import { type Attachment, requireAttachment } from "./attachments";
import { type Announced, deleteObject, describeObject, fromBase64, hashObject } from "./bucket";
import { once } from "../kit/once";

/**
 * Completing an upload: what was stored is compared with what was announced before the request's
 * transaction, because a bucket must be asked. What differs is deleted, so that the upload can be
 * made again.
 */
export const completion = once(() =>
  z.strictObject({
    attachmentId: z.string().max(64),
    ownerId: z.string().max(64).optional().meta({ description: "Any object of yours." }),
    storageId: z.string().max(64).optional().meta({
      description: "As the upload answered it; only where the deployment's own storage took it.",
    }),
  }),
);
type Completion = z.output<ReturnType<typeof completion>>;

type StoredFile = SystemDataModel["_storage"]["document"];

const FIELDS = ["size", "contentType", "sha256"] as const;

/** What was found where the upload should be. */
export const inspection = once(() =>
  z.object({
    outcome: z.enum(["fits", "missing", "differs"]),
    differs: z.array(z.enum(FIELDS)),
    /** Hex, where it is known. */
    sha256: z.string().optional(),
  }),
);
type Inspection = z.output<ReturnType<typeof inspection>>;
const MISSING: Inspection = { outcome: "missing", differs: [] };

const announced = {
  size: v.number(),
  contentType: v.string(),
  sha256: v.union(v.string(), v.null()),
};

/** The action that is consulted. @throws what `requireCompletable` throws, and SERVICE_UNAVAILABLE */
export const inspect = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, args: ConsultationArgs): Promise<string> => {
    const wanted = await ctx.runQuery(internal.attachments.completion.wanted, args);
    // Its transaction will say why.
    if (!wanted) return JSON.stringify(MISSING);
    const { key, sha256, ...rest } = wanted;
    const found: Inspection =
      key === null
        ? await ctx.runMutation(internal.attachments.completion.examine, args)
        : await inspectObject(key, { ...rest, sha256: sha256 ?? undefined });
    return JSON.stringify(found);
  },
});

async function inspectObject(key: string, expected: Announced): Promise<Inspection> {
  const stored = await describeObject(key);
  if (!stored) return MISSING;
  // Stores that keep no checksum have not compared it either.
  const isHashed = expected.sha256 === undefined || stored.size !== expected.size;
  const sha256 = stored.sha256 ?? (isHashed ? undefined : await hashObject(key));
  const found = compare(expected, { ...stored, sha256 });
  if (found.outcome === "differs") await deleteObject(key);
  return found;
}

/** What is to be found; null where the request is not one that can be completed. */
export const wanted = internalQuery({
  args: consultationArgs,
  returns: v.union(v.object({ ...announced, key: v.union(v.string(), v.null()) }), v.null()),
  handler: async (ctx, args: ConsultationArgs) => {
    const request = await pendingOf(ctx, args);
    if (!request) return null;
    const { key = null, size, contentType, sha256 = null } = request.attachment;
    if (size === undefined || contentType === undefined) return null;
    return { key, size, contentType, sha256 };
  },
});

/** Compares a file in the deployment's own storage, and deletes what differs. */
export const examine = internalMutation({
  args: consultationArgs,
  handler: async (ctx, args: ConsultationArgs): Promise<Inspection> => {
    const request = await pendingOf(ctx, args);
    const file = request && (await uploadedFile(ctx, request.attachment, request.body.storageId));
    if (!file) return MISSING;
    const { size = 0, contentType = "", sha256 } = request.attachment;
    const stored = { ...file, contentType: file.contentType ?? "", sha256: hexOf(file.sha256) };
    const found = compare({ size, contentType, sha256 }, stored);
    if (found.outcome === "differs") {
      await ctx.storage.delete(file._id);
      await ctx.db.patch("attachments", request.attachment._id, { storageId: undefined });
    }
    return found;
  },
});

/** The attachment, if the caller may complete it, whose upload may be under way for so long. */
async function pendingOf(
  ctx: QueryCtx,
  args: ConsultationArgs,
): Promise<{ attachment: Attachment; body: Completion } | null> {
  const caller = await consultingCaller(ctx, args);
  const zone = async (): Promise<string> => (await organizationOf(ctx, caller)).timeZone;
  const parsed = await parseInput({ body: completion }, args.request, zone);
  const body = parsed.body as Completion;
  const attachment = await requireAttachment(new TenantReader(ctx, caller), body.attachmentId);
  if (attachment.uploader !== callerKey(caller)) return null;
  return attachment.status === "pending" ? { attachment, body } : null;
}

/** What came through the upload's own URL, and no other file, whoever stored it. */
export async function uploadedFile(
  ctx: QueryCtx | MutationCtx,
  { storageId }: Attachment,
  id: string | undefined,
): Promise<StoredFile | null> {
  if (storageId === undefined || storageId !== id) return null;
  return await ctx.db.system.get("_storage", storageId);
}

/**
 * What the transaction makes sure of, whatever was found before it.
 * @throws FORBIDDEN for another caller's upload; INVALID_STATE for one that is completed; GONE for one
 * that was given up; CONFLICT for a file that is missing or differs; VALIDATION_ERROR
 */
export function requireCompletable(
  attachment: Attachment,
  uploader: string,
  { storageId }: Completion,
  { outcome, differs }: Inspection,
): void {
  if (attachment.uploader !== uploader) {
    throw new ApiError("FORBIDDEN", "Only who was permitted an upload can complete it.");
  }
  if (attachment.status !== "pending") {
    throw new ApiError("INVALID_STATE", "It is completed already.", {
      details: { status: attachment.status, allowed: ["pending"] },
    });
  }
  if ((attachment.dueAt ?? 0) <= Date.now()) {
    throw new ApiError("GONE", "The upload was not completed within a day.");
  }
  const isOwnStorage = attachment.place === "deployment";
  if (isOwnStorage !== (storageId !== undefined)) {
    const message = isOwnStorage ? "is required: the upload answered it" : "is not for this upload";
    throw invalidFields([{ field: "storageId", message }]);
  }
  if (outcome === "missing") {
    throw new ApiError("CONFLICT", "Nothing has been uploaded for it.", {
      details: { reason: "missing" },
    });
  }
  if (outcome === "differs") {
    const message = `What was uploaded is not what was announced (${differs.join(", ")}), and was deleted.`;
    throw new ApiError("CONFLICT", message, { details: { reason: "differs", differs } });
  }
}

function compare(
  expected: Announced,
  stored: { size: number; contentType: string; sha256: string | undefined },
): Inspection {
  const differs = FIELDS.filter(
    (field) => expected[field] !== undefined && expected[field] !== stored[field],
  );
  const { sha256 } = stored;
  return {
    outcome: differs.length === 0 ? "fits" : "differs",
    differs,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

/** Convex tells a file's digest in base64. */
function hexOf(base64: string): string {
  return [...fromBase64(base64)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
