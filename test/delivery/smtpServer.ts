import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** What a test lets happen to every message. */
export type SmtpFault =
  | "none"
  | "not now"
  | "no such mailbox"
  | "hangs up after the message"
  | "silent after the message";

export type MailServer = {
  url: string;
  /** Every message that was taken, as it came. */
  mails: string[];
  fault: SmtpFault;
  /** Connections so far, and those that are open. */
  opened: number;
  open: () => number;
  close: () => Promise<void>;
};

/** A real SMTP server on loopback. */
export async function startSmtp(): Promise<MailServer> {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    closeTimeout: 100,
    onConnect: (_session, done) => {
      mail.opened += 1;
      const busy = Object.assign(new Error("Not now"), { responseCode: 421 });
      done(mail.fault === "not now" ? busy : null);
    },
    onRcptTo: (_address, _session, done) => {
      const refused = Object.assign(new Error("No such mailbox"), { responseCode: 550 });
      done(mail.fault === "no such mailbox" ? refused : null);
    },
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mail.mails.push(Buffer.concat(chunks).toString());
        if (mail.fault === "none") done();
        if (mail.fault === "hangs up after the message") {
          for (const each of smtp.connections) each.close();
        }
      });
    },
  });
  const mail: MailServer = {
    url: "",
    mails: [],
    fault: "none",
    opened: 0,
    open: () => smtp.connections.size,
    close: () =>
      new Promise((resolve) => {
        smtp.close(resolve);
      }),
  };
  // A client that hangs up, or is killed.
  smtp.on("error", () => undefined);
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  mail.url = `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`;
  return mail;
}
