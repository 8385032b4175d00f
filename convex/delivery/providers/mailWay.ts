"use node";

import { mailboxOf } from "../../kit/email";
import type { ProviderName } from "./configured";
import { type Email, type Failure, type Outcome, shortError } from "./message";
import { sendByResend } from "./resend";
import { connectToSmtp } from "./smtp";

/** The way to a provider that stands open: nothing has been asked yet. */
export type MailWay = { ask: (email: Email) => Promise<Outcome>; close: () => void };

/** Opens the way of an e-mail; what fails here has surely not been sent. */
export async function openMailWay(
  provider: Exclude<ProviderName, "whatsapp">,
  to: string,
): Promise<MailWay | Failure> {
  const problem = refusedAddress(to);
  if (problem) return problem;
  if (provider === "resend") return { ask: sendByResend, close: () => undefined };
  const connection = await connectToSmtp();
  if ("kind" in connection) return connection;
  return {
    ask: async (email) => await connection.send(email),
    close: () => {
      connection.close();
    },
  };
}

/** One that was taken before addresses were read as strictly as mail servers read them. */
export function refusedAddress(to: string): Failure | null {
  if (mailboxOf(to) !== null) return null;
  const error = shortError(`${JSON.stringify(to)} is not one e-mail address`);
  return { kind: "refused", error };
}

/** With the domain as DNS has it, which every mail server takes. */
export function asMailbox(address: string): string {
  return mailboxOf(address) ?? address;
}
