"use node";

import { Resend } from "resend";
import { retryAfterOf } from "../../jobs/backoff";
import { problemOfAddress } from "./configured";
import { type Email, type Outcome, PROVIDER_TIMEOUT_MS, shortError } from "./message";

/**
 * One attempt through Resend. Asked again under the same idempotency key within its life, Resend
 * answers with the first message instead of sending a second.
 */
export async function sendByResend(email: Email): Promise<Outcome> {
  const { id, key, from, to, replyTo, letter, files } = email;
  const problem = problemOfAddress("RESEND_BASE_URL");
  if (problem !== null) return { kind: "retry", error: problem };
  const resend = new Resend(process.env["RESEND_API_KEY"]);
  const { data, error, headers } = await within(
    PROVIDER_TIMEOUT_MS,
    resend.emails.send(
      {
        from: `${quoted(from.name)} <${from.address}>`,
        to,
        ...(replyTo === undefined ? {} : { replyTo }),
        subject: letter.subject,
        html: letter.html,
        text: letter.text,
        attachments: files.map(({ fileName, contentType, bytes }) => ({
          filename: fileName,
          contentType,
          content: Buffer.from(bytes).toString("base64"),
        })),
        // Comes back with every event, also with one that overtakes this answer.
        tags: [{ name: "notification_id", value: id }],
      },
      { idempotencyKey: key },
    ),
  );
  if (data) return { kind: "sent", providerMessageId: data.id };
  const { statusCode, name, message } = error;
  const said = shortError(`${name}: ${message}`);
  if (statusCode === null) return { kind: "unknown", error: said };
  const retryAfter = retryAfterOf(headers?.["retry-after"], Date.now());
  const wait = retryAfter === undefined ? {} : { retryAfter };
  const failure = { error: said, status: statusCode };
  // Both say that the key is known: the message has been taken, or is being taken.
  const isKnown = ["concurrent_idempotent_requests", "invalid_idempotent_request"].includes(name);
  // 503 is said before a request is looked at (RFC 9110, 15.6.4).
  if (statusCode === 503) return { kind: "retry", ...failure, ...wait };
  if (statusCode >= 500 || isKnown) return { kind: "unknown", ...failure, ...wait };
  if (statusCode === 429) return { kind: "retry", ...failure, ...wait };
  return { kind: "refused", ...failure };
}

type Answer = Awaited<ReturnType<Resend["emails"]["send"]>>;

/** The SDK has no timeout of its own; it answers a lost connection with this error, too. */
async function within(ms: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    const message = `No answer within ${ms / 1000} seconds.`;
    const error = { name: "application_error", message, statusCode: null } as const;
    timer = setTimeout(() => {
      resolve({ data: null, error, headers: null });
    }, ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A display name as RFC 5322 quotes it. */
function quoted(name: string): string {
  return `"${name.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").replaceAll(/["\\]/g, "\\$&")}"`;
}
