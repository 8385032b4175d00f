import * as z from "zod";
import { requireNobodysPicture } from "../../accounts/avatars";
import {
  attachAddress,
  type Attachment,
  changeAttachment,
  removeAttachment,
  requireAttachment,
  requireReady,
} from "../../attachments/attachments";
import { externalUrl, fileName, nameOfUrl } from "../../attachments/names";
import { callerKey } from "../../kit/caller";
import {
  created,
  noContent,
  ok,
  readEndpoint,
  type ReadFunction,
  writeEndpoint,
  type WriteFunction,
} from "../../kit/endpoint";
import { ApiError, notFound } from "../../kit/errors";
import { once } from "../../kit/once";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";

/** Files of tasks: attachments whose owner is the task, see docs/attachments.md. */
const tag = "Tasks";

/** Below its project, and by itself. */
type Place = { path: string; within?: { type: "project"; param: string } };
const FLAT: Place = { path: "/tasks/:id/attachments" };
const OF_PROJECT: Place = {
  path: "/projects/:id/tasks/:taskId/attachments",
  within: { type: "project", param: "taskId" },
};

const record = once(() =>
  z
    .object({
      id: z.string(),
      fileName: z.string(),
      contentType: z.string().nullable(),
      size: z.number().int().nullable().meta({ description: "Bytes." }),
      url: z.string().nullable().meta({ description: "Of one that lies elsewhere." }),
      createdAt: z.number(),
    })
    .meta({ id: "TaskAttachment" }),
);

const attached = once(() =>
  z
    .strictObject({
      attachmentId: z
        .string()
        .max(64)
        .optional()
        .meta({ description: "A completed upload that has no owner yet." }),
      url: externalUrl().optional(),
      fileName: fileName().optional().meta({ description: "Of an address." }),
    })
    .refine(({ attachmentId, url }) => (attachmentId === undefined) !== (url === undefined), {
      path: ["attachmentId"],
      message: "send either an attachmentId, or a url",
    })
    .meta({ id: "TaskAttachmentCreation" }),
);

const listAt = ({ path, ...place }: Place): ReadFunction =>
  readEndpoint(
    {
      method: "GET",
      path,
      ...place,
      tag,
      summary: "List the files of a task, newest first",
      scope: "projects:read",
      subject: "task",
      query: () => z.strictObject(pageParameters()),
      list: true,
      answers: { 200: () => z.array(record()) },
    },
    async (ctx, { subject, query }) => {
      const { organizationId } = ctx.caller;
      const files = ctx.db
        .query("attachments")
        .withIndex("by_owner", (q) =>
          q.eq("organizationId", organizationId).eq("ownerId", subject._id).eq("status", "ready"),
        )
        .order("desc");
      const page = await pageThrough(`attachments/${subject._id}`, pagingOf(query), files);
      return ok(page.rows.map(viewOf), { meta: page.meta });
    },
  );
export const list = listAt(FLAT);
export const listInProject = listAt(OF_PROJECT);

const attachAt = ({ path, ...place }: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      path,
      ...place,
      tag,
      summary: "Attach a file to a task",
      description:
        "A completed upload (`attachmentId`), or an address elsewhere (`url`). 200 where it is the task's already.",
      scope: "projects:write",
      subject: "task",
      body: attached,
      example: { url: "https://files.example.com/sitemap.pdf", fileName: "Sitemap.pdf" },
      answers: { 200: record, 201: record },
      errors: ["CONFLICT", "INVALID_STATE", "NOT_FOUND"],
    },
    async (ctx, { subject, body: { attachmentId, url, fileName: name } }) => {
      const { store } = ctx;
      if (url !== undefined) {
        const input = { url, fileName: name ?? nameOfUrl(url), ownerId: subject._id };
        return created(viewOf(await attachAddress(ctx, store, callerKey(ctx.caller), input)));
      }
      const attachment = await requireAttachment(store, attachmentId ?? "");
      requireReady(attachment);
      const { ownerId } = attachment;
      if (ownerId === subject._id) return ok(viewOf(attachment));
      if (ownerId !== undefined) {
        const message = "The attachment is another object's; PATCH /attachments/:id moves it.";
        throw new ApiError("CONFLICT", message);
      }
      const changes = { fileName: name, ownerId: subject._id };
      return created(viewOf(await changeAttachment(ctx, store, attachment, changes)));
    },
  );
export const attach = attachAt(FLAT);
export const attachInProject = attachAt(OF_PROJECT);

const removeAt = ({ path, ...place }: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "DELETE",
      path: `${path}/:attachmentId`,
      ...place,
      tag,
      summary: "Delete a file of a task",
      scope: "projects:write",
      subject: "task",
      params: () => z.object({ attachmentId: z.string() }),
      answers: { 204: null },
      errors: ["CONFLICT", "NOT_FOUND"],
    },
    async (ctx, { subject, params: { attachmentId } }) => {
      const attachment = await requireAttachment(ctx.store, attachmentId);
      if (attachment.ownerId !== subject._id) throw notFound("attachment");
      await requireNobodysPicture(ctx, attachment);
      await removeAttachment(ctx, ctx.store, attachment);
      return noContent;
    },
  );
export const remove = removeAt(FLAT);
export const removeInProject = removeAt(OF_PROJECT);

function viewOf(attachment: Attachment): z.input<ReturnType<typeof record>> {
  const { _id: id, fileName: name, contentType, size, url, createdAt } = attachment;
  return {
    ...{ id, fileName: name, createdAt },
    ...{ contentType: contentType ?? null, size: size ?? null, url: url ?? null },
  };
}
