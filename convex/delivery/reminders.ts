import { requireVerifiedEmail } from "../accounts/verified";
import type { Id } from "../_generated/dataModel";
import { ApiError } from "../kit/errors";
import type { ReminderLevel, ReminderSettings } from "../kit/reminderSettings";
import type { ObjectDoc } from "../ontology/registry";
import type { InvoicingContext } from "../ontology/salesContent";
import type { DocumentSending } from "../ontology/salesInput";
import { aboutDocument } from "./documents";
import { isOpen, REMINDABLE, reminderData, reminderFormat } from "./letterData";
import { type OutboundMessage, queueMessages } from "./outbox";
import { knownAddress, type Recipient, recipientsOf } from "./recipients";
import { languageOf } from "./wording";

type Invoice = ObjectDoc<"invoice">;
type Reminded = { invoice: Invoice; notificationIds: Id<"notifications">[] };

/** So many are kept on an invoice; nobody needs more of them. */
const MAX_REMINDERS = 30;
/** What fell due while nothing ran is made up for by one reminder, not by several in a row. */
const APART_MS = 20 * 60 * 60 * 1000;

/**
 * A person reminds of an invoice: at the next level, or the given one.
 * @throws INVALID_STATE where nothing is to be paid; CONFLICT after too many; as `recipientsOf`
 */
export async function remindByHand(
  context: InvoicingContext,
  invoice: Invoice,
  { level, ...sending }: DocumentSending & { level?: ReminderLevel | undefined },
): Promise<Reminded> {
  if (!isOpen(invoice)) {
    const { status } = invoice;
    throw new ApiError("INVALID_STATE", `Nobody is reminded of a ${status} invoice.`, {
      details: { status, allowed: [...REMINDABLE] },
    });
  }
  const earlier = invoice.customProperties.reminders ?? [];
  if (earlier.length >= MAX_REMINDERS) {
    throw new ApiError("CONFLICT", `An invoice is reminded of at most ${MAX_REMINDERS} times.`);
  }
  const recipients = await recipientsOf(context, invoice.customProperties.billTo, sending);
  const next = level ?? levelAfter(earlier.at(-1)?.level);
  return await remind(context, invoice, recipients, next, undefined, sending);
}

/**
 * A rule reminds, once per invoice: not of what is paid or cancelled, and not on the heels of another
 * reminder. Without an address the message is kept as failed, where people see it.
 */
export async function remindByRule(
  context: InvoicingContext,
  invoice: Invoice,
  { days, level }: ReminderSettings["rules"][number],
  channels: ReminderSettings["channels"],
): Promise<Reminded | null> {
  const earlier = invoice.customProperties.reminders ?? [];
  const isDone = earlier.some((each) => each.days === days);
  const isRecent = earlier.some(({ at }) => Math.abs(Date.now() - at) < APART_MS);
  if (!isOpen(invoice) || isDone || isRecent || earlier.length >= MAX_REMINDERS) return null;
  const { billTo } = invoice.customProperties;
  const recipients: MaybeRecipient[] = [];
  for (const channel of channels) {
    const known = await knownAddress(context, billTo, channel);
    recipients.push(...(known.length > 0 ? known : [{ channel, to: undefined }]));
  }
  return await remind(context, invoice, recipients, level, days, {});
}

type MaybeRecipient = { channel: Recipient["channel"]; to: string | undefined };

async function remind(
  context: InvoicingContext,
  invoice: Invoice,
  recipients: readonly MaybeRecipient[],
  level: ReminderLevel,
  days: number | undefined,
  { message, language = languageOf(context.organization) }: DocumentSending,
): Promise<Reminded> {
  const { organization, store } = context;
  requireVerifiedEmail(store.scope);
  const data = reminderData(organization, invoice, language, level);
  const text = message?.trim() ?? "";
  if (text !== "") data["message"] = text;
  const messages = recipients.map((recipient): OutboundMessage => ({
    ...recipient,
    ...aboutDocument(invoice, reminderFormat(organization, invoice, level)),
    template: "reminder",
    language,
    data,
  }));
  const entry = { at: Date.now(), level, ...(days === undefined ? {} : { days }) };
  const reminders = [...(invoice.customProperties.reminders ?? []), entry];
  const reminded = await store.update(invoice, { customProperties: { reminders } }, "reminded");
  const notificationIds = await queueMessages(context, organization._id, messages);
  return { invoice: reminded, notificationIds };
}

function levelAfter(level: ReminderLevel | undefined): ReminderLevel {
  return level === undefined ? 1 : level === 1 ? 2 : 3;
}
