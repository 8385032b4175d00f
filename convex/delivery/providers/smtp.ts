"use node";

import MailComposer from "nodemailer/lib/mail-composer";
import { parseConnectionUrl } from "nodemailer/lib/shared";
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import { hostNameProblem } from "../../kit/hostName";
import { type Email, type Failure, type Outcome, PROVIDER_TIMEOUT_MS, shortError } from "./message";

/** A connection to the mail server, signed in; nothing has been said of a message yet. */
export type SmtpWay = { send: (email: Email) => Promise<Outcome>; close: () => void };

/**
 * Connects and signs in. That comes before an attempt begins: a server that is away, silent or refuses
 * the password has surely been asked nothing.
 */
export async function connectToSmtp(): Promise<SmtpWay | Failure> {
  const session = new Session();
  try {
    await session.open();
  } catch (thrown) {
    session.close();
    const { error, status } = failureOf(thrown as SmtpError, false);
    // Whatever it said of us, it has said nothing of the message.
    return { kind: "retry", error, ...(status === undefined ? {} : { status }) };
  }
  return {
    send: async (email) => await session.send(email),
    close: () => {
      session.close();
    },
  };
}

type SmtpError = Error & { code?: string; responseCode?: number; command?: string };
type Done = (error?: Error | null) => void;

class Session {
  private readonly connection: SMTPConnection;
  private readonly options = parseConnectionUrl(process.env["SMTP_URL"] ?? "");
  private saidData = false;
  private lost: Error | null = null;
  private onLost: (error: Error) => void = () => undefined;

  constructor() {
    const options: SMTPConnectionOptions = {
      ...this.options,
      connectionTimeout: PROVIDER_TIMEOUT_MS,
      greetingTimeout: PROVIDER_TIMEOUT_MS,
      socketTimeout: PROVIDER_TIMEOUT_MS,
      // What is said to the server, without the message: the only sign of how far it went.
      transactionLog: true,
      logger: watching((command) => {
        this.saidData ||= /^(DATA|BDAT)\b/i.test(command);
      }),
    };
    this.connection = new SMTPConnection(options);
    this.connection.on("error", (error: Error) => {
      this.lose(error);
    });
    this.connection.on("end", () => {
      this.lose(new Error("The server closed the connection."));
    });
  }

  async open(): Promise<void> {
    const problem = hostNameProblem(this.options.host ?? "localhost");
    if (problem !== null) throw new Error(`SMTP_URL ${problem}.`);
    await this.step((done) => {
      this.connection.connect(done);
    });
    const { auth } = this.options;
    if (!auth || !this.connection.allowsAuth) return;
    await this.step((done) => {
      this.connection.login({ user: auth.user, pass: auth.pass }, done);
    });
  }

  /**
   * The protocol has no idempotency key: once DATA has been said, a connection that ends without a
   * reply leaves open whether the message was taken (RFC 5321, 4.2.5 and 6.1).
   */
  async send(email: Email): Promise<Outcome> {
    try {
      const message = composed(email);
      await this.step((done) => {
        this.connection.send(message.getEnvelope(), message.createReadStream(), done);
      });
      return { kind: "sent", providerMessageId: message.messageId() };
    } catch (thrown) {
      return failureOf(thrown as SmtpError, this.saidData);
    }
  }

  close(): void {
    if (this.lost) this.connection.close();
    else this.connection.quit();
  }

  /** One exchange with the server, which ends early when the connection does. */
  private async step(run: (done: Done) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.lost) {
        reject(this.lost);
        return;
      }
      this.onLost = reject;
      run((error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  private lose(error: Error): void {
    this.lost ??= error;
    this.onLost(error);
  }
}

/** An e-mail as it is sent (RFC 5322). */
export function composed({
  id,
  from,
  to,
  replyTo,
  letter,
  files,
}: Email): ReturnType<MailComposer["compile"]> {
  return new MailComposer({
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
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
}

/** A reply decides (RFC 5321, 4.2.1: 4yz may pass, 5yz does not); without one, how far it went. */
function failureOf(thrown: SmtpError, saidData: boolean): Failure {
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
function watching(onCommand: (command: string) => void): SMTPConnectionOptions["logger"] {
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
