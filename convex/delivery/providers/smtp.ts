"use node";

import nodemailer from "nodemailer";
import type SMTPTransport from "nodemailer/lib/smtp-transport";
import { type Email, type Outcome, PROVIDER_TIMEOUT_MS, shortError } from "./message";

/**
 * One attempt over SMTP. The protocol has no idempotency key: once DATA has been said, a connection
 * that ends without a reply leaves open whether the message was taken (RFC 5321, 4.2.5 and 6.1).
 */
export async function sendBySmtp(email: Email): Promise<Outcome> {
  const { id, from, to, replyTo, letter, files } = email;
  let saidData = false;
  const transport = nodemailer.createTransport({
    ...{ url: process.env["SMTP_URL"] ?? "" },
    connectionTimeout: PROVIDER_TIMEOUT_MS,
    greetingTimeout: PROVIDER_TIMEOUT_MS,
    socketTimeout: PROVIDER_TIMEOUT_MS,
    // What is said to the server, without the message: the only sign of how far it went.
    transactionLog: true,
    logger: watching((command) => {
      saidData ||= /^(DATA|BDAT)\b/i.test(command);
    }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const { messageId } = await transport.sendMail({
      from: { name: from.name, address: from.address },
      to: { name: "", address: to },
      ...(replyTo === undefined ? {} : { replyTo }),
      // The same for every attempt: some receivers recognize a repetition by it.
      messageId: `<${id}@${from.address.split("@").at(-1) ?? "localhost"}>`,
      subject: letter.subject,
      html: letter.html,
      text: letter.text,
      headers: { "Auto-Submitted": "auto-generated", "X-Freehold-Notification": id },
      attachments: files.map(({ fileName, contentType, bytes }) => ({
        filename: fileName,
        contentType,
        content: Buffer.from(bytes),
      })),
    });
    return { kind: "sent", providerMessageId: messageId };
  } catch (thrown) {
    return outcomeOf(thrown as SmtpError, saidData);
  } finally {
    transport.close();
  }
}

type SmtpError = Error & { code?: string; responseCode?: number; command?: string };

/** A reply decides (RFC 5321, 4.2.1: 4yz may pass, 5yz does not); without one, how far it went. */
function outcomeOf(thrown: SmtpError, saidData: boolean): Outcome {
  const { responseCode: status, code, command } = thrown;
  const error = shortError(`${code ?? "SMTP"}: ${thrown.message}`);
  if (status !== undefined && status >= 500) {
    const isBounce = command === "RCPT TO" && [550, 551, 553].includes(status);
    // A refused password is the operator's to mend, not the message's fault.
    if (code === "EAUTH") return { kind: "retry", error, status };
    return { kind: "refused", error, status, ...(isBounce ? { isBounce } : {}) };
  }
  if (status !== undefined && status >= 400) return { kind: "retry", error, status };
  return saidData ? { kind: "unknown", error } : { kind: "retry", error };
}

/** A logger of nodemailer's that only listens for commands, and prints nothing. */
function watching(onCommand: (command: string) => void): SMTPTransport.Options["logger"] {
  const ignore = (): void => undefined;
  const debug = (entry: { tnx?: string }, message: string): void => {
    if (entry.tnx === "client") onCommand(message);
  };
  return {
    level: ignore,
    trace: ignore,
    debug,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
  };
}
