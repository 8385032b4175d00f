import * as z from "zod";
import { retryAfterOf } from "../../jobs/backoff";
import type { Language, LetterData, TemplateName } from "../letters";
import { problemOfAddress } from "./configured";
import {
  type Failure,
  type File,
  type Outcome,
  PROVIDER_TIMEOUT_MS,
  shortError,
  unanswered,
} from "./message";
import { once } from "../../kit/once";

/** https://developers.facebook.com/docs/whatsapp/cloud-api */
const DEFAULT_BASE_URL = "https://graph.facebook.com/v23.0";

/** Codes of Meta's that pass by themselves: too many messages, of the account or to one person. */
const PASSING_CODES = [4, 80007, 130429, 131048, 131056];

export type WhatsAppMessage = {
  /** The notification's id: it comes back with every status. */
  id: string;
  to: string;
  template: TemplateName;
  language: Language;
  data: LetterData;
  /** The PDF in its head. */
  document: Uploaded | undefined;
};

/**
 * What a message template's body says, in this order: `{{1}}` is the recipient. Meta wants each
 * template approved under its name, `freehold_invoice`, with as many places as stand here.
 */
const PLACES = ["recipient", "number", "amount", "dueDate", "organization"] as const;

/** A file that Meta has, to be sent with a message. It reaches nobody by itself. */
export type Uploaded = { id: string; filename: string };

/** Hands a PDF to Meta rather than a link to it, so that no public address leads to it. */
export async function uploadToWhatsApp(file: File): Promise<Uploaded | Failure> {
  const uploaded = await call("media", uploadOf(file));
  // Nobody has been written to, so it may be repeated whatever became of it.
  if ("kind" in uploaded) {
    return uploaded.kind === "unknown" ? { ...uploaded, kind: "retry" } : uploaded;
  }
  const media = z.object({ id: z.string() }).safeParse(uploaded.body);
  if (!media.success) return { kind: "retry", error: "media: the answer names no id" };
  return { id: media.data.id, filename: file.fileName };
}

/**
 * One attempt through Meta's Cloud API, which has no idempotency key: a lost answer leaves the end
 * open.
 */
export async function sendByWhatsApp(message: WhatsAppMessage): Promise<Outcome> {
  const sent = await call("messages", JSON.stringify(bodyOf(message)));
  if ("kind" in sent) return sent;
  const answer = z.object({ messages: z.array(z.object({ id: z.string() })).min(1) });
  const parsed = answer.safeParse(sent.body);
  const providerMessageId = parsed.data?.messages[0]?.id;
  return { kind: "sent", ...(providerMessageId === undefined ? {} : { providerMessageId }) };
}

function uploadOf({ fileName, contentType, bytes }: File): FormData {
  const form = new FormData();
  form.set("messaging_product", "whatsapp");
  form.set("type", contentType);
  form.set("file", new Blob([Uint8Array.from(bytes)], { type: contentType }), fileName);
  return form;
}

function bodyOf({ id, to, template, language, data, document }: WhatsAppMessage): object {
  const header = document ? [{ type: "header", parameters: [{ type: "document", document }] }] : [];
  const due = data["dueDate"] ?? data["validUntil"] ?? data["paidOn"] ?? "-";
  const said: LetterData = { ...data, dueDate: due, amount: data["open"] ?? data["amount"] ?? "-" };
  const parameters = PLACES.map((place) => ({ type: "text", text: oneLine(said[place]) }));
  return {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: to.replace("+", ""),
    type: "template",
    template: {
      name: `freehold_${template}`,
      language: { code: language },
      components: [...header, { type: "body", parameters }],
    },
    biz_opaque_callback_data: id,
  };
}

/** Meta refuses empty places and line breaks in them. */
function oneLine(text: string | undefined): string {
  return (text ?? "").replaceAll(/\s+/g, " ").trim() || "-";
}

async function call(path: string, body: string | FormData): Promise<{ body: unknown } | Failure> {
  const { WHATSAPP_BASE_URL, WHATSAPP_PHONE_ID, WHATSAPP_TOKEN } = process.env;
  const problem = problemOfAddress("WHATSAPP_BASE_URL");
  if (problem !== null) return { kind: "retry", error: problem };
  const base = (WHATSAPP_BASE_URL ?? DEFAULT_BASE_URL).replace(/\/+$/, "");
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${base}/${WHATSAPP_PHONE_ID ?? ""}/${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${WHATSAPP_TOKEN ?? ""}`,
        ...(typeof body === "string" ? { "Content-Type": "application/json" } : {}),
      },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
    });
    text = await response.text();
  } catch (thrown) {
    return unanswered(path, thrown);
  }
  return response.ok ? { body: parsed(text) } : failureOf(path, response, parsed(text));
}

const errorBody = once(() =>
  z.object({ error: z.object({ message: z.string(), code: z.number() }) }),
);

function failureOf(path: string, { status, headers }: Response, body: unknown): Failure {
  const { error: meta } = errorBody().safeParse(body).data ?? {};
  const error = shortError(`${path}: ${meta ? `${meta.code} ${meta.message}` : `HTTP ${status}`}`);
  const retryAfter = retryAfterOf(headers.get("retry-after"), Date.now());
  const wait = retryAfter === undefined ? {} : { retryAfter };
  // 503 is said before a request is looked at (RFC 9110, 15.6.4).
  const isPassing = status === 429 || status === 503;
  if (status >= 500 && !isPassing) return { kind: "unknown", error, status, ...wait };
  if (isPassing || PASSING_CODES.includes(meta?.code ?? 0)) {
    return { kind: "retry", error, status, ...wait };
  }
  return { kind: "refused", error, status };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
