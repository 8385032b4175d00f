import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError, invalidFields } from "../kit/errors";
import { keptEmail, mailboxOf } from "../kit/email";
import type { InvoicingContext } from "../ontology/salesContent";
import type { StoredParty } from "../ontology/salesDocument";
import type { OutboundChannel } from "./providers/configured";
import { findSuppression } from "./suppressions";

export type Recipient = { channel: OutboundChannel; to: string };
type Wanted = {
  channels?: readonly OutboundChannel[] | undefined;
  to?: string | string[] | undefined;
};

/** E.164, also as people write it: `+49 (30) 123-456`. */
function phoneNumber(written: string): string | null {
  const phone = written.replaceAll(/[\s()./-]/g, "");
  return /^\+[1-9]\d{6,14}$/.test(phone) ? phone : null;
}

/**
 * Whom a document goes to, and by which channel. Without `channels` those that `to` is made for, else
 * e-mail where there is an address; without `to` what the document and its contact say.
 * @throws VALIDATION_ERROR for an address that no channel takes, or a channel without an address;
 *   CONFLICT for an address that mail no longer goes to
 */
export async function recipientsOf(
  context: InvoicingContext,
  billTo: StoredParty,
  { channels, to }: Wanted,
): Promise<Recipient[]> {
  if (channels?.length === 0) return [];
  const given = to === undefined ? [] : [to].flat().map(addressed);
  const wanted = channels ?? impliedChannels(given, billTo);
  const recipients: Recipient[] = [];
  for (const channel of new Set(wanted)) {
    const named = given.filter((recipient) => recipient.channel === channel);
    const known = named.length > 0 ? named : await knownAddress(context, billTo, channel);
    if (known.length === 0) throw withoutAddress(channel);
    for (const { to: address } of known) requireAddress(channel, address);
    recipients.push(...known);
  }
  const unused = given.findIndex(({ channel }) => !wanted.includes(channel));
  if (unused >= 0) {
    const message = `is for ${given[unused]?.channel ?? ""}, which is not among the channels`;
    throw invalidFields([{ field: fieldOf(to, unused), message }]);
  }
  const distinct = new Map(recipients.map((each) => [`${each.channel} ${each.to}`, each]));
  for (const recipient of distinct.values()) {
    await requireReachable(context, context.store.organizationId, recipient);
  }
  return [...distinct.values()];
}

function addressed(address: string, index: number, all: string[]): Recipient {
  const email = keptEmail(address);
  if (email !== null) return { channel: "email", to: email };
  const phone = phoneNumber(address);
  if (phone !== null) return { channel: "whatsapp", to: phone };
  const message = "must be an e-mail address or a phone number with its country code (+49…)";
  throw invalidFields([{ field: fieldOf(all.length > 1 ? all : address, index), message }]);
}

function fieldOf(to: Wanted["to"], index: number): string {
  return Array.isArray(to) ? `to.${index}` : "to";
}

function impliedChannels(given: readonly Recipient[], { email }: StoredParty): OutboundChannel[] {
  if (given.length > 0) return [...new Set(given.map(({ channel }) => channel))];
  return email === undefined ? [] : ["email"];
}

/** The document's e-mail address, or the phone number of its contact. */
export async function knownAddress(
  { store }: Pick<InvoicingContext, "store">,
  { email, contactId }: StoredParty,
  channel: OutboundChannel,
): Promise<Recipient[]> {
  if (channel === "email") return email === undefined ? [] : [{ channel, to: email }];
  const contact = contactId && (await store.find("crm_contact", contactId));
  const phone = phoneNumber(contact?.customProperties.phone ?? "");
  return phone === null ? [] : [{ channel, to: phone }];
}

function withoutAddress(channel: OutboundChannel): ApiError {
  const message =
    channel === "email"
      ? "is required: the document has no e-mail address"
      : "is required: the contact has no phone number with its country code (+49…)";
  return invalidFields([{ field: "to", message }]);
}

/** What older documents have as an e-mail may be none. @throws VALIDATION_ERROR */
function requireAddress(channel: OutboundChannel, address: string): void {
  if (channel !== "email" || mailboxOf(address) !== null) return;
  const message = `is required: the document's ${JSON.stringify(address)} is not one e-mail address`;
  throw invalidFields([{ field: "to", message }]);
}

/**
 * One other address for a message, of the kind that its channel takes.
 * @throws VALIDATION_ERROR for another kind; CONFLICT for an address that mail no longer goes to
 */
export async function otherAddress(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  channel: OutboundChannel,
  to: string,
): Promise<string> {
  const recipient = addressed(to, 0, [to]);
  if (recipient.channel !== channel) {
    const kind = channel === "email" ? "an e-mail address" : "a phone number";
    throw invalidFields([
      { field: "to", message: `must be ${kind}, as the message goes by ${channel}` },
    ]);
  }
  await requireReachable(ctx, organizationId, recipient);
  return recipient.to;
}

async function requireReachable(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  { channel, to }: Recipient,
): Promise<void> {
  if (channel !== "email") return;
  const suppression = await findSuppression(ctx, organizationId, to);
  if (!suppression) return;
  const { _id: suppressionId, reason } = suppression;
  const why = reason === "bounced" ? "mail to it came back" : "its owner complained";
  throw new ApiError("CONFLICT", `No mail goes to ${to}: ${why}.`, {
    details: { to, reason, suppressionId },
  });
}
