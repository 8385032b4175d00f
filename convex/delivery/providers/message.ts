import { type Infer, v } from "convex/values";
import type { RenderedLetter } from "../letters";

/** How an attempt ended. Durations are milliseconds. */
export const outcomeValidator = v.union(
  v.object({ kind: v.literal("sent"), providerMessageId: v.optional(v.string()) }),
  /** Surely not sent; worth another try. */
  v.object({
    kind: v.literal("retry"),
    error: v.string(),
    status: v.optional(v.number()),
    retryAfter: v.optional(v.number()),
  }),
  /** Surely not sent, and a repetition would end the same way. */
  v.object({
    kind: v.literal("refused"),
    error: v.string(),
    status: v.optional(v.number()),
    /** The address does not exist: mail to it ends. */
    isBounce: v.optional(v.boolean()),
  }),
  /** It may have been sent: the provider did not say. */
  v.object({
    kind: v.literal("unknown"),
    error: v.string(),
    status: v.optional(v.number()),
    retryAfter: v.optional(v.number()),
  }),
);
export type Outcome = Infer<typeof outcomeValidator>;
export type Failure = Exclude<Outcome, { kind: "sent" }>;

export type File = { fileName: string; contentType: string; bytes: Uint8Array };

export type Email = {
  /** The notification's id: the same for every attempt. */
  id: string;
  /** The same for attempts that send the same: what a provider knows a repetition by. */
  key: string;
  from: { name: string; address: string };
  to: string;
  replyTo?: string;
  letter: RenderedLetter;
  files: File[];
};

/** A provider's answer is waited for this long. */
export const PROVIDER_TIMEOUT_MS = 30_000;

/** `EMAIL_FROM`: an address, or a name and an address as in `Studio <mail@studio.example>`. */
export function addressOf(from: string): string {
  return /<([^<>]+)>\s*$/.exec(from)?.[1]?.trim() ?? from.trim();
}

/** The name in `EMAIL_FROM`, if there is one. */
export function nameOf(from: string): string | null {
  const [, quoted = "", plain = ""] = /^\s*(?:"(.*)"|([^"<]*?))\s*<[^<>]+>\s*$/.exec(from) ?? [];
  return quoted.replaceAll(/\\(.)/g, "$1").trim() || plain.trim() || null;
}

/** Nothing has left before the connection stands. */
const NOT_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"];

/** A `fetch` that has failed: whether it was sent nobody knows, unless it never came to that. */
export function unanswered(what: string, thrown: unknown): Failure {
  const { message, cause } = thrown as Error & { cause?: { code?: string } };
  const error = shortError(`${what}: ${cause?.code ?? message}`);
  const isUnsent = NOT_CONNECTED.includes(cause?.code ?? "");
  return { kind: isUnsent ? "retry" : "unknown", error };
}

const MAX_ERROR = 500;
/** Servers quote what they refuse, and a letter's link lets its reader in. */
const TOKENS = /\bfh_[a-z_]+_[\w-]+|(?<=\btoken(?:=|%3D|=3D))[^\s"'<>&]+/gi;

/** What a provider says of a failure, as it is kept: one short line, without the token of a link. */
export function shortError(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim().replaceAll(TOKENS, "…");
  return line.slice(0, MAX_ERROR).toWellFormed();
}
