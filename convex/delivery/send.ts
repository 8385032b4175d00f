"use node";

import { makeFunctionReference } from "convex/server";
import { v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import { internal } from "../_generated/api";
import { type ActionCtx, internalAction } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { letterOf, type TemplateName } from "./letters";
import { addressOf, type Email, type File, type Outcome, shortError } from "./providers/message";
import { sendByResend } from "./providers/resend";
import { sendBySmtp } from "./providers/smtp";
import { sendByWhatsApp } from "./providers/whatsapp";
import type { Work } from "./queue";

const makePdf = makeFunctionReference<
  "action",
  { organizationId: Id<"organizations">; objectId: Id<"objects">; format: "pdf" | "facturx" },
  { storageId: Id<"_storage">; fileName: string; size: number }
>("delivery/pdf:makePdf");

/** One attempt to send a message; what is attached is made first, before the provider is asked. */
export const deliver = internalAction({
  args: { notificationId: v.id("notifications"), attempt: v.number() },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt }): Promise<null> => {
    const args = { notificationId, attempt };
    const work: Work | null = await ctx.runMutation(internal.delivery.queue.begin, args);
    if (!work) return null;
    const outcome = await outcomeOf(ctx, notificationId, work);
    await ctx.runMutation(internal.delivery.queue.settle, { ...args, outcome });
    return null;
  },
});

async function outcomeOf(ctx: ActionCtx, id: string, work: Work): Promise<Outcome> {
  let files: File[];
  try {
    files = await Promise.all(work.attachments.map((wanted) => fileOf(ctx, work, wanted)));
  } catch (thrown) {
    return withoutAttachment(thrown);
  }
  const { to, language, data, secretUrl, sender, provider } = work;
  const template = work.template as TemplateName;
  if (provider === "whatsapp") {
    return await sendByWhatsApp({ id, to, template, language, data, file: files[0] });
  }
  const { replyTo } = sender;
  const email: Email = {
    id,
    from: { name: sender.name, address: addressOf(process.env["EMAIL_FROM"] ?? "") },
    to,
    ...(replyTo === undefined ? {} : { replyTo }),
    letter: letterOf(template, language, data, secretUrl ?? data["url"]),
    files,
  };
  return provider === "resend" ? await sendByResend(email) : await sendBySmtp(email);
}

async function fileOf(
  ctx: ActionCtx,
  { organizationId }: Work,
  wanted: Work["attachments"][number],
): Promise<File> {
  const { storageId, fileName } = await ctx.runAction(makePdf, { organizationId, ...wanted });
  const blob = await ctx.storage.get(storageId);
  if (!blob) throw new Error(`The attachment ${fileName} is missing in the file storage.`);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return { fileName, contentType: "application/pdf", bytes };
}

/** Nothing has been sent. What the object itself refuses will not get better by waiting. */
function withoutAttachment(thrown: unknown): Outcome {
  const refusal = errorDataOf(thrown);
  const message = refusal?.message ?? (thrown instanceof Error ? thrown.message : String(thrown));
  const error = shortError(`attachment: ${message}`);
  return refusal ? { kind: "refused", error } : { kind: "retry", error };
}
