"use node";

import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { type ActionCtx, internalAction } from "../_generated/server";
import { errorDataOf, notFound } from "../kit/errors";
import type { FileReference } from "./documentFiles";
import { letterOf, type TemplateName } from "./letters";
import { addressOf, type Email, type File, type Outcome, shortError } from "./providers/message";
import { sendByResend } from "./providers/resend";
import { sendBySmtp } from "./providers/smtp";
import { sendByWhatsApp } from "./providers/whatsapp";
import type { sentFile } from "../schemas/notificationSchemas";
import type { Work } from "./queue";
import { openLink } from "./secretLink";

/** One attempt to send a message; what is attached is made first, before the provider is asked. */
export const deliver = internalAction({
  args: { notificationId: v.id("notifications"), attempt: v.number() },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt }): Promise<null> => {
    const args = { notificationId, attempt };
    const work: Work | null = await ctx.runMutation(internal.delivery.queue.begin, args);
    if (!work) return null;
    const outcome = await attemptOf(ctx, notificationId, work);
    await ctx.runMutation(internal.delivery.queue.settle, { ...args, outcome });
    return null;
  },
});

type SentFile = Infer<typeof sentFile>;

/** The files come first: without them nothing is sent. */
async function attemptOf(ctx: ActionCtx, id: Id<"notifications">, work: Work): Promise<Outcome> {
  let contents: File[];
  let url: string | undefined;
  try {
    url = await openLink(work.secretUrl);
  } catch (thrown) {
    // A key that was changed can be changed back.
    return { kind: "retry", error: shortError(String(thrown)) };
  }
  try {
    contents = (await keptContents(ctx, work.files)) ?? (await makeContents(ctx, id, work));
  } catch (thrown) {
    return withoutAttachment(thrown);
  }
  return await sent(id, work, contents, url);
}

/**
 * What an earlier attempt sent, which a later one sends as well. Null without one, and when a file is
 * gone meanwhile: then it is later than any provider remembers the attempt's key.
 */
async function keptContents(ctx: ActionCtx, files: SentFile[] | undefined): Promise<File[] | null> {
  if (!files) return null;
  const contents = await Promise.all(files.map((file) => read(ctx, file)));
  const had = contents.filter((content) => content !== null);
  return had.length === files.length ? had : null;
}

async function makeContents(
  ctx: ActionCtx,
  notificationId: Id<"notifications">,
  work: Work,
): Promise<File[]> {
  if (work.attachments.length === 0) return [];
  const files = await Promise.all(work.attachments.map((each) => made(ctx, work, each)));
  await ctx.runMutation(internal.delivery.queue.keepFiles, { notificationId, files });
  const contents = await keptContents(ctx, files);
  if (!contents) throw new Error("a file that was just made is missing");
  return contents;
}

async function sent(
  id: string,
  work: Work,
  files: File[],
  secretUrl: string | undefined,
): Promise<Outcome> {
  const { to, language, data, sender, provider } = work;
  const template = work.template as TemplateName;
  if (provider === "whatsapp") {
    return await sendByWhatsApp({ id, to, template, language, data, file: files[0] });
  }
  const { name, replyTo } = sender;
  const email: Email = {
    id,
    from: { name, address: addressOf(process.env["EMAIL_FROM"] ?? "") },
    to,
    ...(replyTo === undefined ? {} : { replyTo }),
    letter: letterOf(template, language, data, secretUrl),
    files,
  };
  return provider === "resend" ? await sendByResend(email) : await sendBySmtp(email);
}

async function made(
  ctx: ActionCtx,
  { organizationId }: Work,
  wanted: Work["attachments"][number],
): Promise<SentFile> {
  const request = { organizationId, ...wanted };
  const file: FileReference | null = await ctx.runAction(internal.delivery.pdf.makePdf, request);
  if (!file) throw notFound("attachment");
  const { storageId, fileName, contentType } = file;
  return { storageId, fileName, contentType };
}

async function read(
  ctx: ActionCtx,
  { storageId, fileName, contentType }: SentFile,
): Promise<File | null> {
  const blob = await ctx.storage.get(storageId);
  return blob && { fileName, contentType, bytes: new Uint8Array(await blob.arrayBuffer()) };
}

/** Nothing has been sent. What the object itself refuses will not get better by waiting. */
function withoutAttachment(thrown: unknown): Outcome {
  const refusal = errorDataOf(thrown);
  const message = refusal?.message ?? (thrown instanceof Error ? thrown.message : String(thrown));
  const error = shortError(`attachment: ${message}`);
  return refusal ? { kind: "refused", error } : { kind: "retry", error };
}
