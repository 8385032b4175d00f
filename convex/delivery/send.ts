"use node";

import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { type ActionCtx, internalAction } from "../_generated/server";
import { errorDataOf, notFound } from "../kit/errors";
import type { FileReference } from "./documentFiles";
import { letterOf, type TemplateName } from "./letters";
import { openMailboxWay } from "./providers/mailbox";
import { asMailbox, openMailWay } from "./providers/mailWay";
import {
  addressOf,
  type Email,
  type Failure,
  type File,
  type Outcome,
  shortError,
} from "./providers/message";
import { sendByWhatsApp, uploadToWhatsApp } from "./providers/whatsapp";
import { attemptArgs, type sentFile } from "../schemas/notificationSchemas";
import type { Preparation, Work } from "./queue";
import { openLink } from "./secretLink";
import { wayKey } from "./way";

/** So often what a message says may change while it is prepared, before it waits for its next turn. */
const PREPARED_AT_MOST = 3;

type SentFile = Infer<typeof sentFile>;
type Attempt = { notificationId: Id<"notifications">; attempt: number; lease?: number };

/** The way to a provider that stands open: nothing has been asked yet. */
type OpenWay = { key: string; ask: (work: Work) => Promise<Outcome>; close: () => void };
type Prepared = { files: SentFile[]; way: OpenWay };

/**
 * One attempt to send a message. Everything that can fail, or be cut off, without anybody having been
 * asked comes first: the files, the link, the connection. Then the attempt begins.
 */
export const deliver = internalAction({
  args: attemptArgs,
  returns: v.null(),
  handler: async (ctx, args): Promise<null> => {
    const at = Date.now();
    for (let turn = 1; ; turn++) {
      const preparation: Preparation | null = await ctx.runMutation(
        internal.delivery.queue.prepare,
        args,
      );
      if (!preparation) return null;
      const { provider } = preparation;
      const short = async (outcome: Failure): Promise<null> => {
        const fallen = { ...args, at, provider, outcome };
        await ctx.runMutation(internal.delivery.queue.fallShort, fallen);
        return null;
      };
      const prepared = await prepare(ctx, args.notificationId, preparation);
      if ("kind" in prepared) return await short(prepared);
      const isOver = await makeAttempt(ctx, args, preparation.basis, prepared);
      if (isOver) return null;
      if (turn === PREPARED_AT_MOST) {
        return await short({ kind: "retry", error: "It kept changing while it was prepared." });
      }
    }
  },
});

/** False when the message says something else by now: it is to be prepared again. */
async function makeAttempt(
  ctx: ActionCtx,
  args: Attempt,
  basis: string,
  { files, way }: Prepared,
): Promise<boolean> {
  try {
    const begun = { ...args, basis, files, way: way.key };
    const work: Work | "changed" | null = await ctx.runMutation(
      internal.delivery.queue.begin,
      begun,
    );
    if (work === "changed") return false;
    if (!work) return true;
    const outcome = await way.ask(work);
    await ctx.runMutation(internal.delivery.queue.settle, { ...args, outcome });
    return true;
  } finally {
    way.close();
  }
}

/** The files come first: without them nothing is sent. */
async function prepare(
  ctx: ActionCtx,
  id: Id<"notifications">,
  preparation: Preparation,
): Promise<Prepared | Failure> {
  let url: string | undefined;
  try {
    url = await openLink(preparation.secretUrl);
  } catch (thrown) {
    // A key that was changed can be changed back.
    return { kind: "retry", error: shortError(String(thrown)) };
  }
  let files: SentFile[];
  let contents: File[];
  try {
    ({ files, contents } = await filesOf(ctx, preparation));
  } catch (thrown) {
    return withoutAttachment(thrown);
  }
  const way = await openWay(ctx, id, preparation, contents, url);
  return "kind" in way ? way : { files, way };
}

async function openWay(
  ctx: ActionCtx,
  id: string,
  preparation: Preparation,
  files: File[],
  secretUrl: string | undefined,
): Promise<OpenWay | Failure> {
  const { provider, to, mailbox } = preparation;
  const key = wayKey(preparation);
  if (provider !== "whatsapp") {
    const from = mailbox?.email ?? addressOf(process.env["EMAIL_FROM"] ?? "");
    const way =
      provider === "resend" || provider === "smtp"
        ? await openMailWay(provider, to)
        : await openMailboxWay(ctx, provider, mailbox?.connectionId, to);
    if ("kind" in way) return way;
    return {
      key,
      ask: async (work) => await way.ask(emailOf(id, work, { from, to, files, secretUrl })),
      close: way.close,
    };
  }
  const [file] = files;
  const uploaded = file && (await uploadToWhatsApp(file));
  if (uploaded && "kind" in uploaded) return uploaded;
  return {
    key,
    ask: async (work) => {
      const template = work.template as TemplateName;
      return await sendByWhatsApp({ ...work, id, to, template, document: uploaded });
    },
    close: () => undefined,
  };
}

function emailOf(
  id: string,
  work: Work,
  {
    from,
    to,
    files,
    secretUrl,
  }: { from: string; to: string; files: File[]; secretUrl: string | undefined },
): Email {
  const { language, data, sender, key } = work;
  const { name, replyTo } = sender;
  return {
    id,
    key,
    from: { name, address: asMailbox(from) },
    to: asMailbox(to),
    ...(replyTo === undefined ? {} : { replyTo: asMailbox(replyTo) }),
    letter: letterOf(work.template as TemplateName, language, data, secretUrl),
    files,
  };
}

type Files = { files: SentFile[]; contents: File[] };

/** Those of an attempt that may have arrived, where they are there still; else as they are now. */
async function filesOf(ctx: ActionCtx, preparation: Preparation): Promise<Files> {
  const { files: kept } = preparation;
  const had = kept && (await contentsOf(ctx, kept));
  if (kept && had) return { files: kept, contents: had };
  const { attachments, organizationId } = preparation;
  const files = await Promise.all(attachments.map((each) => made(ctx, organizationId, each)));
  const contents = await contentsOf(ctx, files);
  if (!contents) throw new Error("a file that was just made is missing");
  return { files, contents };
}

/** Null when one is gone meanwhile: then it is later than any provider remembers an attempt's key. */
async function contentsOf(ctx: ActionCtx, files: SentFile[]): Promise<File[] | null> {
  const contents = await Promise.all(files.map((file) => read(ctx, file)));
  const had = contents.filter((content) => content !== null);
  return had.length === files.length ? had : null;
}

async function made(
  ctx: ActionCtx,
  organizationId: Id<"organizations">,
  wanted: Preparation["attachments"][number],
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
function withoutAttachment(thrown: unknown): Failure {
  const refusal = errorDataOf(thrown);
  const message = refusal?.message ?? (thrown instanceof Error ? thrown.message : String(thrown));
  const error = shortError(`attachment: ${message}`);
  return refusal ? { kind: "refused", error } : { kind: "retry", error };
}
