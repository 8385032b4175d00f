"use node";

import { internal } from "../../_generated/api";
import type { Id } from "../../_generated/dataModel";
import type { ActionCtx } from "../../_generated/server";
import { errorDataOf } from "../../kit/errors";
import { retryAfterOf } from "../../jobs/backoff";
import { type AccessToken, accessTokenOf, NoAccess } from "../../oauth/accessToken";
import { configurationOf, type ProviderName } from "../../oauth/provider";
import { providerOf } from "../../oauth/providers";
import { type MailWay, refusedAddress } from "./mailWay";
import {
  type Email,
  type Failure,
  type Outcome,
  PROVIDER_TIMEOUT_MS,
  shortError,
  unanswered,
} from "./message";
import { composed } from "./smtp";

/**
 * E-mail as a member's connected mailbox, through Microsoft Graph or Gmail. Neither knows a repetition by
 * a key: an attempt whose end nobody saw is not made again.
 */
type Sending = { path: string; headers: Record<string, string>; body: string };

/**
 * A mailbox with an access token that is good. Getting one comes before an attempt begins: a provider that
 * gives none has surely sent nothing.
 */
export async function openMailboxWay(
  ctx: ActionCtx,
  provider: ProviderName,
  id: Id<"oauthConnections"> | undefined,
  to: string,
): Promise<MailWay | Failure> {
  const problem = refusedAddress(to);
  if (problem) return problem;
  if (id === undefined) throw new Error("No mailbox is given.");
  try {
    const { apiUrl } = configurationOf(providerOf(provider));
    const access = await accessTokenOf(ctx, id);
    return {
      ask: async (email) => {
        const sending = await SENDINGS[provider](email);
        const outcome = await sendOnce(ctx, { id, apiUrl, access }, sending);
        const error = outcome.kind === "sent" ? null : outcome.error;
        await ctx.runMutation(internal.oauth.refreshing.noteUse, { id, error });
        return outcome;
      },
      close: () => undefined,
    };
  } catch (thrown) {
    return withoutAccess(thrown);
  }
}

type Door = { id: Id<"oauthConnections">; apiUrl: string; access: AccessToken };

/** A token that was taken back before its time sends nothing: another one is asked for, once. */
async function sendOnce(ctx: ActionCtx, door: Door, sending: Sending): Promise<Outcome> {
  const { id, apiUrl, access } = door;
  const outcome = await send(apiUrl, sending, access);
  if (outcome !== "unauthorized") return outcome;
  const another = await anotherToken(ctx, id, access);
  if ("kind" in another) return another;
  const again = await send(apiUrl, sending, another);
  if (again !== "unauthorized") return again;
  return { kind: "retry", error: "The provider refuses its own access token.", status: 401 };
}

async function anotherToken(
  ctx: ActionCtx,
  id: Id<"oauthConnections">,
  { grant }: AccessToken,
): Promise<AccessToken | Failure> {
  try {
    return await accessTokenOf(ctx, id, grant);
  } catch (thrown) {
    return withoutAccess(thrown);
  }
}

/** It waits: for the provider, for its set-up, or for the person who must connect it again. */
function withoutAccess(thrown: unknown): Failure {
  const refusal = errorDataOf(thrown);
  if (!refusal && !(thrown instanceof NoAccess)) throw thrown;
  const message = refusal?.message ?? (thrown as Error).message;
  return { kind: "retry", error: shortError(message) };
}

const SENDINGS: Record<ProviderName, (email: Email) => Promise<Sending>> = {
  /** https://learn.microsoft.com/graph/api/user-sendmail */
  microsoft: async ({ id, to, replyTo, letter, files }) => ({
    path: "/me/sendMail",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      message: {
        subject: letter.subject,
        body: { contentType: "HTML", content: letter.html },
        toRecipients: [recipient(to)],
        ...(replyTo === undefined ? {} : { replyTo: [recipient(replyTo)] }),
        internetMessageHeaders: [{ name: "x-freehold-notification", value: id }],
        attachments: files.map(({ fileName: name, contentType, bytes }) => ({
          "@odata.type": "#microsoft.graph.fileAttachment",
          ...{ name, contentType, contentBytes: Buffer.from(bytes).toString("base64") },
        })),
      },
      saveToSentItems: true,
    }),
  }),
  /** https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send */
  google: async (email) => ({
    path: "/gmail/v1/users/me/messages/send",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ raw: (await composed(email).build()).toString("base64url") }),
  }),
};

function recipient(address: string): { emailAddress: { address: string } } {
  return { emailAddress: { address } };
}

async function send(
  apiUrl: string,
  { path, headers, body }: Sending,
  { accessToken }: AccessToken,
): Promise<Outcome | "unauthorized"> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiUrl + path, {
      method: "POST",
      headers: { ...headers, Authorization: `Bearer ${accessToken}` },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
    });
    text = await response.text();
  } catch (thrown) {
    return unanswered(path, thrown);
  }
  const { status } = response;
  if (response.ok) {
    const providerMessageId = idIn(text);
    return { kind: "sent", ...(providerMessageId === undefined ? {} : { providerMessageId }) };
  }
  if (status === 401) return "unauthorized";
  const error = shortError(`${path}: HTTP ${status} ${text}`);
  const retryAfter = retryAfterOf(response.headers.get("retry-after"), Date.now());
  const failure = { error, status };
  const wait = retryAfter === undefined ? {} : { retryAfter };
  // Both are said before a request is looked at (RFC 6585, 4; RFC 9110, 15.6.4).
  if (status === 429 || status === 503) return { kind: "retry", ...failure, ...wait };
  return status >= 500 ? { kind: "unknown", ...failure, ...wait } : { kind: "refused", ...failure };
}

/** Gmail's answer names its message; Graph's has no body. */
function idIn(text: string): string | undefined {
  try {
    const { id } = JSON.parse(text) as { id?: unknown };
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
