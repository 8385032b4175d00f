import type { Value } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, FieldError, invalidFields, notFound } from "../kit/errors";
import { newJob } from "../jobs/job";
import { API_PREFIX } from "../kit/http/context";
import { sealSecret } from "../kit/secretBox";
import { changesBetween, definedOnly } from "../ontology/changes";
import type { TenantReader } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { projectOf } from "../ontology/sight";
import type { ObjectStore } from "../ontology/store";
import { requireWork } from "../team/roles";
import { type Announced, bucketSettings, presignUpload, UPLOAD_SECONDS } from "./bucket";
import { linkToken, newLinkSecret } from "./links";

/**
 * Files that belong to objects: what is permitted, kept and shown of them. The bytes go from the
 * client to the store and back, and never through a transaction.
 */
export type Attachment = Doc<"attachments">;

const MIB = 1024 * 1024;
export const MAX_IN_BUCKET = 100 * MIB;
/** What an HTTP action of Convex can answer. */
export const MAX_IN_DEPLOYMENT = 20 * MIB;
/** Uploads that an organization may have under way. */
export const MAX_PENDING = 500;
/** Attachments of one object; a merge of two contacts can leave more. */
export const MAX_OF_OWNER = 200;
/** How long the permission to upload holds there. */
const DEPLOYMENT_UPLOAD_SECONDS = 60 * 60;
/** An upload that is not completed by then is given up. */
const GIVEN_UP_AFTER = 24 * 60 * 60 * 1000;

export type Permission = {
  attachment: Attachment;
  uploadUrl: string;
  method: "PUT" | "POST";
  headers: Record<string, string>;
  expiresAt: number;
};

/**
 * Permits one upload of exactly what is announced.
 * @throws VALIDATION_ERROR for a file that is too large; CONFLICT with too many uploads under way
 */
export async function permitUpload(
  ctx: MutationCtx,
  store: ObjectStore,
  uploader: string,
  file: Announced & { fileName: string },
): Promise<Permission> {
  const { fileName, ...announced } = file;
  const { size, contentType, sha256 } = announced;
  const inBucket = bucketSettings() !== null;
  const most = inBucket ? MAX_IN_BUCKET : MAX_IN_DEPLOYMENT;
  if (size > most) {
    throw invalidFields([{ field: "size", message: `must be at most ${most} bytes` }]);
  }
  await requireFewPending(ctx, store);
  const now = Date.now();
  const linkSecret = newLinkSecret();
  const attachment = await insert(ctx, store, {
    ...{ fileName, uploader, size, contentType },
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(inBucket
      ? { place: "bucket" as const, key: `${store.organizationId}/${crypto.randomUUID()}` }
      : { place: "deployment" as const, linkSecret: await sealSecret(linkSecret) }),
    status: "pending",
    dueAt: now + GIVEN_UP_AFTER,
  });
  await recordAttachment(store, "upload_permitted", attachment, []);
  if (attachment.key === undefined) {
    // Not one of Convex's own, which takes any number of files of any size.
    const expiresAt = now + DEPLOYMENT_UPLOAD_SECONDS * 1000;
    const token = linkToken(attachment._id, expiresAt, linkSecret, "upload");
    const uploadUrl = `${process.env.CONVEX_SITE_URL ?? ""}${API_PREFIX}/uploads/${token}`;
    const headers = { "Content-Type": contentType };
    return { attachment, uploadUrl, method: "POST", headers, expiresAt };
  }
  const { url, headers } = await presignUpload(attachment.key, announced, UPLOAD_SECONDS);
  const expiresAt = now + UPLOAD_SECONDS * 1000;
  return { attachment, uploadUrl: url, method: "PUT", headers, expiresAt };
}

/** An attachment that lies elsewhere. */
export async function attachAddress(
  ctx: MutationCtx,
  store: ObjectStore,
  uploader: string,
  input: { url: string; fileName: string; ownerId?: string | undefined },
): Promise<Attachment> {
  const { url, fileName } = input;
  const owner = input.ownerId === undefined ? null : await requireOwner(store, input.ownerId);
  if (owner) {
    await requireWorkAt(ctx, store, owner._id);
    await requireRoom(ctx, store, owner._id);
  }
  const attachment = await insert(ctx, store, {
    ...{ url, fileName, uploader, place: "external", status: "ready" },
    ...(owner ? { ownerId: owner._id } : {}),
  });
  await recordCreated(store, attachment);
  return attachment;
}

/**
 * Ends an upload whose file has been found to be what was announced.
 * @throws CONFLICT for an owner that has as many attachments as one may have
 */
export async function completeUpload(
  ctx: MutationCtx,
  store: ObjectStore,
  pending: Attachment,
  changes: { ownerId?: Id<"objects">; sha256?: string },
): Promise<Attachment> {
  if (changes.ownerId !== undefined) {
    await requireWorkAt(ctx, store, changes.ownerId);
    await requireRoom(ctx, store, changes.ownerId);
  }
  const completed = await patch(ctx, pending, { ...changes, status: "ready", dueAt: undefined });
  await recordCreated(store, completed);
  return completed;
}

/**
 * Given fields change; a null owner leaves it without one.
 * @throws OWNER_NOT_FOUND; CONFLICT for an owner that has as many as one may have
 */
export async function changeAttachment(
  ctx: MutationCtx,
  store: ObjectStore,
  attachment: Attachment,
  input: { fileName?: string | undefined; ownerId?: string | null | undefined },
): Promise<Attachment> {
  const { fileName = attachment.fileName, ownerId } = input;
  const owner = typeof ownerId === "string" ? await requireOwner(store, ownerId) : null;
  if (owner && owner._id !== attachment.ownerId) await requireRoom(ctx, store, owner._id);
  const next = { fileName, ownerId: ownerId === undefined ? attachment.ownerId : owner?._id };
  return await updateAttachment(ctx, store, attachment, next);
}

export async function updateAttachment(
  ctx: MutationCtx,
  store: ObjectStore,
  attachment: Attachment,
  next: { fileName: string; ownerId: Id<"objects"> | undefined },
): Promise<Attachment> {
  const { fileName: nameBefore, ownerId: ownerBefore } = attachment;
  const before = definedOnly({ fileName: nameBefore, ownerId: ownerBefore });
  const changes = changesBetween(before, definedOnly(next));
  if (changes.length === 0) return attachment;
  await requireWorkAt(ctx, store, ownerBefore);
  if (next.ownerId !== ownerBefore) await requireWorkAt(ctx, store, next.ownerId);
  const changed = await patch(ctx, attachment, next);
  const previous = Object.fromEntries(changes.map(({ field, before: old = null }) => [field, old]));
  const event = { data: eventData(changed), previous };
  await recordAttachment(store, "updated", changed, changes, event);
  return changed;
}

/**
 * Deletes an attachment: at once for everyone, and its file with it, or, in a bucket, as soon as the
 * bucket answers.
 */
export async function removeAttachment(
  ctx: MutationCtx,
  store: ObjectStore,
  attachment: Attachment,
): Promise<void> {
  const { _id: id, status, ownerId } = attachment;
  await requireWorkAt(ctx, store, ownerId);
  // One that was never completed has never been there for those who follow events.
  const event = status === "ready" ? { data: { id, type: "attachment" } } : undefined;
  await recordAttachment(store, status === "ready" ? "deleted" : "given_up", attachment, [], event);
  await discard(ctx, attachment);
}

/** Takes away the row with its file. */
async function discard(ctx: MutationCtx, { _id: id, key, storageId }: Attachment): Promise<void> {
  if (key === undefined) {
    if (storageId !== undefined) await ctx.storage.delete(storageId);
    await ctx.db.delete("attachments", id);
    return;
  }
  const now = Date.now();
  await ctx.db.patch("attachments", id, {
    ...{ status: "deleting", ownerId: undefined, fileName: "", dueAt: undefined, job: newJob(now) },
  });
  await ctx.scheduler.runAfter(0, internal.attachments.bucketJobs.removeFromBucket, { id });
}

/** One whose owner is seen. @throws ATTACHMENT_NOT_FOUND */
export async function requireAttachment(tenant: TenantReader, id: string): Promise<Attachment> {
  const isThere = ({ status }: Attachment): boolean => status !== "deleting";
  const attachment = await tenant.own("attachments", id, isThere);
  if (await tenant.seesWhatIsAbout(attachment.ownerId)) return attachment;
  throw notFound("attachment");
}

/** The same for one that can be read. @throws INVALID_STATE before its upload is completed */
export function requireReady({ status }: Attachment): void {
  if (status === "ready") return;
  throw new ApiError("INVALID_STATE", "Its upload is not completed.", {
    details: { status, allowed: ["ready"] },
  });
}

/** Any living object of the tenant. @throws OWNER_NOT_FOUND */
export async function requireOwner(tenant: TenantReader, id: string): Promise<ObjectDoc> {
  const owner = await tenant.findObject(id);
  if (!owner) throw notFound("owner");
  return owner;
}

/** What hangs at a project, or at a task, is for who works there. @throws FORBIDDEN */
async function requireWorkAt(
  ctx: QueryCtx,
  { scope }: ObjectStore,
  ownerId: Id<"objects"> | undefined,
): Promise<void> {
  if (ownerId === undefined || scope.member === undefined) return;
  const owner = await ctx.db.get("objects", ownerId);
  if (owner) await requireWork(ctx, scope, projectOf(owner));
}

/** @throws CONFLICT for an owner that has as many attachments as one may have */
async function requireRoom(
  ctx: QueryCtx,
  { organizationId }: ObjectStore,
  ownerId: Id<"objects">,
): Promise<void> {
  const owned = await ctx.db
    .query("attachments")
    .withIndex("by_owner", (q) =>
      q.eq("organizationId", organizationId).eq("ownerId", ownerId).eq("status", "ready"),
    )
    .take(MAX_OF_OWNER);
  if (owned.length < MAX_OF_OWNER) return;
  const message = `An object has at most ${MAX_OF_OWNER} attachments; delete some of them, or leave this one without an owner.`;
  throw new FieldError("CONFLICT", message, "ownerId", { limit: MAX_OF_OWNER });
}

async function requireFewPending(ctx: MutationCtx, { organizationId }: ObjectStore): Promise<void> {
  const pending = await ctx.db
    .query("attachments")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("status", "pending"),
    )
    .take(MAX_PENDING);
  if (pending.length < MAX_PENDING) return;
  const message = `${MAX_PENDING} uploads are under way: complete or delete some of them.`;
  throw new ApiError("CONFLICT", message, { details: { limit: MAX_PENDING } });
}

type Inserted = "organizationId" | "createdBy" | "createdAt" | "updatedAt" | "version";
type NewAttachment = Omit<Attachment, Inserted | "_id" | "_creationTime">;

async function insert(
  ctx: MutationCtx,
  { organizationId, scope }: ObjectStore,
  fields: NewAttachment,
): Promise<Attachment> {
  const now = Date.now();
  const id = await ctx.db.insert("attachments", {
    ...fields,
    ...{ organizationId, createdBy: scope.actor.id, createdAt: now, updatedAt: now },
    version: 1,
  });
  return await existing(ctx, id);
}

async function patch(
  ctx: MutationCtx,
  { _id, version }: Attachment,
  changes: Partial<Attachment>,
): Promise<Attachment> {
  const stamp = { version: version + 1, updatedAt: Date.now() };
  await ctx.db.patch("attachments", _id, { ...changes, ...stamp });
  return await existing(ctx, _id);
}

async function existing(ctx: QueryCtx, id: Id<"attachments">): Promise<Attachment> {
  const attachment = await ctx.db.get("attachments", id);
  if (!attachment) throw new Error(`Attachment ${id} vanished within its own transaction.`);
  return attachment;
}

async function recordCreated(store: ObjectStore, attachment: Attachment): Promise<void> {
  const data = eventData(attachment);
  const { id: _id, type: _type, version: _version, ...fields } = data;
  await recordAttachment(store, "created", attachment, changesBetween({}, fields), { data });
}

async function recordAttachment(
  store: ObjectStore,
  verb: string,
  { _id: objectId }: Attachment,
  changes: ReturnType<typeof changesBetween>,
  event?: { data: Value; previous?: Value },
): Promise<void> {
  const action = `attachment.${verb}`;
  const happening = { action, objectType: "attachment", objectId, changes };
  await store.record({ ...happening, ...(event ? { event } : {}) });
}

function eventData(attachment: Attachment): { [field: string]: Value } {
  const { _id: id, version, fileName, ownerId, place, contentType, size, sha256 } = attachment;
  const { url } = attachment;
  const file = { fileName, ownerId, storage: place, contentType, size, sha256, url };
  return definedOnly({ id, type: "attachment", version, ...file });
}
