import * as z from "zod";
import { requireNobodysPicture } from "../../accounts/avatars";
import {
  attachAddress,
  type Attachment,
  changeAttachment,
  completeUpload,
  permitUpload,
  removeAttachment,
  requireAttachment,
  requireOwner,
  requireReady,
} from "../../attachments/attachments";
import {
  completion,
  inspection,
  requireCompletable,
  uploadedFile,
} from "../../attachments/completion";
import { downloadSource } from "../../attachments/downloads";
import { download } from "../../attachments/downloadView";
import { contentType, externalUrl, fileName, nameOfUrl } from "../../attachments/names";
import { callerKey } from "../../kit/caller";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { ApiError } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { requireVersion } from "../../kit/version";
import { once } from "../../kit/once";

/** Files that belong to objects. docs/attachments.md has a walk through all of it. */

const tag = "Attachments";

const params = once(() => z.object({ id: z.string() }));
const ownerId = once(() => z.string().max(64).meta({ description: "Any object of yours." }));

const record = once(() =>
  z
    .object({
      id: z.string(),
      ownerId: z.string().nullable(),
      fileName: z.string(),
      storage: z.enum(["bucket", "deployment", "external"]),
      status: z.enum(["pending", "ready"]),
      contentType: z.string().nullable(),
      size: z.number().int().nullable().meta({ description: "Bytes." }),
      sha256: z.string().nullable().meta({ description: "Hex; null where it is not known." }),
      url: z.string().nullable().meta({ description: "Of an external one." }),
      version: z.number().int(),
      createdBy: z.string(),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "Attachment" }),
);

export const presign = writeEndpoint(
  {
    method: "POST",
    path: "/attachments/presign",
    tag,
    summary: "Get permission to upload a file",
    description:
      "Send the file to `uploadUrl` with `method` and exactly these `headers`, then complete it. Type, size and hash are part of the permission. `uploadUrl` is shown this once.",
    scope: "attachments:write",
    body: () =>
      z.strictObject({
        fileName: fileName(),
        contentType: contentType(),
        size: z
          .number()
          .int()
          .min(1)
          .meta({ description: "Bytes: 100 MiB at most in a bucket, 20 MiB without one." }),
        sha256: z
          .string()
          .toLowerCase()
          .regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex")
          .optional(),
      }),
    example: {
      fileName: "Angebot Relaunch.pdf",
      contentType: "application/pdf",
      size: 182_044,
    },
    answers: {
      201: () =>
        z
          .object({
            attachmentId: z.string(),
            uploadUrl: z
              .string()
              .nullable()
              .meta({ description: "Null in a replay and in a dry run." }),
            method: z.enum(["PUT", "POST"]),
            headers: z.record(z.string(), z.string()),
            expiresAt: z.number(),
          })
          .meta({ id: "AttachmentUpload" }),
    },
    errors: ["CONFLICT", "SERVICE_UNAVAILABLE"],
    secrets: ["uploadUrl"],
  },
  async (ctx, { body }) => {
    const { sha256, ...file } = body;
    const permission = await permitUpload(ctx, ctx.store, callerKey(ctx.caller), {
      ...file,
      sha256,
    });
    const { attachment, ...upload } = permission;
    return created({ attachmentId: attachment._id, ...upload });
  },
);

export const complete = writeEndpoint(
  {
    method: "POST",
    path: "/attachments/complete",
    tag,
    summary: "Complete an upload",
    description:
      "By who was permitted it. What was stored is compared with what was announced; what differs is deleted, and can be uploaded again. Where the deployment's own storage took the file, pass on the `storageId` that the upload answered.",
    scope: "attachments:write",
    body: completion,
    consults: { action: "attachments/completion:inspect", found: inspection },
    example: { attachmentId: exampleId("attachmentId"), storageId: exampleId("storageId") },
    answers: { 200: record },
    errors: ["CONFLICT", "GONE", "INVALID_STATE", "NOT_FOUND", "SERVICE_UNAVAILABLE"],
  },
  async (ctx, { body, consulted }) => {
    const attachment = await requireAttachment(ctx.store, body.attachmentId);
    requireCompletable(attachment, callerKey(ctx.caller), body, consulted);
    const owner = body.ownerId === undefined ? null : await requireOwner(ctx.store, body.ownerId);
    const file =
      body.storageId === undefined ? null : await uploadedFile(ctx, attachment, body.storageId);
    if (attachment.place === "deployment" && !file) {
      throw new ApiError("CONFLICT", "The stored file did not come through this upload.");
    }
    const { sha256 } = consulted;
    const completed = await completeUpload(ctx, ctx.store, attachment, {
      ...(owner ? { ownerId: owner._id } : {}),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
    return ok(attachmentView(completed), { version: completed.version });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/attachments",
    tag,
    summary: "Attach an external address",
    scope: "attachments:write",
    body: () =>
      z.strictObject({
        url: externalUrl(),
        fileName: fileName().optional(),
        ownerId: ownerId().optional(),
      }),
    example: { url: "https://files.example.com/briefing.pdf", fileName: "Briefing.pdf" },
    answers: { 201: record },
    errors: ["CONFLICT", "NOT_FOUND"],
  },
  async (ctx, { body }) => {
    const input = { ...body, fileName: body.fileName ?? nameOfUrl(body.url) };
    const attachment = await attachAddress(ctx, ctx.store, callerKey(ctx.caller), input);
    return created(attachmentView(attachment), { version: attachment.version });
  },
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/attachments",
    tag,
    summary: "List attachments, newest first",
    description: "Those whose upload is completed.",
    scope: "attachments:read",
    query: () => z.strictObject({ ...pageParameters(), ownerId: ownerId().optional() }),
    list: true,
    answers: { 200: () => z.array(record()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const owner =
      query.ownerId === undefined ? null : await requireOwner(ctx.tenant, query.ownerId);
    const rows = ctx.db.query("attachments");
    const found = owner
      ? rows.withIndex("by_owner", (q) =>
          q.eq("organizationId", organizationId).eq("ownerId", owner._id).eq("status", "ready"),
        )
      : rows.withIndex("by_organization", (q) =>
          q.eq("organizationId", organizationId).eq("status", "ready"),
        );
    const listName = `attachments/${owner?._id ?? ""}`;
    const page = await pageThrough(listName, pagingOf(query), found.order("desc"));
    const seen = await Promise.all(
      page.rows.map(async (row) => await ctx.tenant.seesWhatIsAbout(row.ownerId)),
    );
    const shown = page.rows.filter((_row, at) => seen[at]);
    return ok(shown.map(attachmentView), { meta: page.meta });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/attachments/:id",
    tag,
    summary: "Get what is known of an attachment",
    scope: "attachments:read",
    params,
    answers: { 200: record },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params: { id } }) => {
    const attachment = await requireAttachment(ctx.tenant, id);
    return ok(attachmentView(attachment), { version: attachment.version });
  },
);

export const presignDownload = readEndpoint(
  {
    method: "GET",
    path: "/attachments/:id/presign",
    tag,
    summary: "Get a link to the file, for five minutes",
    description: "The link needs no credential. What it leads to is always saved, never shown.",
    scope: "attachments:read",
    params,
    answers: { 200: download },
    finishes: "download",
    errors: ["INVALID_STATE", "NOT_FOUND", "SERVICE_UNAVAILABLE"],
  },
  async (ctx, { params: { id } }) => {
    const attachment = await requireAttachment(ctx.tenant, id);
    requireReady(attachment);
    return ok(downloadSource(attachment));
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/attachments/:id",
    tag,
    summary: "Rename an attachment, or give it to another object",
    scope: "attachments:write",
    params,
    body: () =>
      z.strictObject({
        fileName: fileName().optional(),
        ownerId: ownerId().nullish().meta({ description: "Null leaves it without an owner." }),
      }),
    example: { fileName: "Briefing, final.pdf" },
    answers: { 200: record },
    errors: ["CONFLICT", "INVALID_STATE", "NOT_FOUND", "VERSION_MISMATCH"],
  },
  async (ctx, { params: { id }, body }) => {
    const attachment = await requireAttachment(ctx.store, id);
    requireVersion(ctx.ifMatch, attachment.version);
    requireReady(attachment);
    const changed = await changeAttachment(ctx, ctx.store, attachment, body);
    return ok(attachmentView(changed), { version: changed.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/attachments/:id",
    tag,
    summary: "Delete an attachment with its file",
    description: "The picture of a member stays while it is one (409).",
    scope: "attachments:write",
    params,
    answers: { 204: null },
    errors: ["NOT_FOUND", "CONFLICT", "VERSION_MISMATCH"],
  },
  async (ctx, { params: { id } }) => {
    const attachment = await requireAttachment(ctx.store, id);
    requireVersion(ctx.ifMatch, attachment.version);
    await requireNobodysPicture(ctx, attachment);
    await removeAttachment(ctx, ctx.store, attachment);
    return noContent;
  },
);

function attachmentView(attachment: Attachment): z.input<ReturnType<typeof record>> {
  const { _id: id, fileName: name, place: storage, version } = attachment;
  const { createdBy, createdAt, updatedAt } = attachment;
  return {
    ...{ id, fileName: name, storage, version, createdBy, createdAt, updatedAt },
    status: attachment.status === "ready" ? "ready" : "pending",
    ownerId: attachment.ownerId ?? null,
    contentType: attachment.contentType ?? null,
    size: attachment.size ?? null,
    sha256: attachment.sha256 ?? null,
    url: attachment.url ?? null,
  };
}
