import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { whyNoConcern } from "../comments/concern";
import { messageOf } from "../comments/words";
import { findOwn } from "../kit/own";
import type { ReminderLevel } from "../kit/reminderSettings";
import { isErasedPerson } from "../ontology/erased";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { canSeeProject } from "../team/members";
import { isOpen as isToDo } from "../types/task/type";
import { documentData, isOpen, receiptData, reminderData, reminderFormat } from "./letterData";
import type { LetterData } from "./letters";

/**
 * What a message says, and whether it still may: read again when it is about to be sent, for between
 * its queueing and its sending lie minutes, or days of a provider that is down.
 */
type Notification = Doc<"notifications">;
type Organization = Doc<"organizations">;

export type Said = { data: LetterData; attachments: Notification["attachments"] };
export type Reading = Said | { withdrawn: string };

/** The person was erased: nothing more is said to them, or of them. */
export const ERASED = "The person was erased.";

export async function readSubject(
  ctx: Pick<QueryCtx, "db">,
  organization: Organization,
  message: Notification,
): Promise<Reading> {
  const withdrawn = (await isForNobody(ctx, message)) ?? (await isForNoMember(ctx, message));
  if (withdrawn !== null) return { withdrawn };
  const { objectId, data, attachments } = message;
  if (objectId === undefined) return { data, attachments };
  const object = await findOwn(ctx, { organizationId: organization._id }, "objects", objectId);
  // Gone for good: what it should carry cannot be made, which its attempt says.
  if (!object) return message;
  if (object.lifecycle === "deleted") return { withdrawn: "What it is about was deleted." };
  const over = await isOfNoConcern(ctx, message, object);
  if (over !== null) return { withdrawn: over };
  return saidOf(organization, message, object);
}

/** What the reading rests on: what was prepared from another state is prepared again. */
export async function basisOf(
  ctx: Pick<QueryCtx, "db">,
  organization: Organization,
  { objectId }: Pick<Notification, "objectId">,
): Promise<string> {
  const object = objectId && (await ctx.db.get("objects", objectId));
  return `${object?.version ?? 0}.${organization.version}`;
}

async function isForNobody(
  ctx: Pick<QueryCtx, "db">,
  { contactId, to }: Notification,
): Promise<string | null> {
  if (to === undefined) return ERASED;
  return contactId && (await isErasedPerson(ctx, contactId)) ? ERASED : null;
}

/** A letter to staff goes to who is a member still, an invite to who is invited by its very link. */
async function isForNoMember(
  ctx: Pick<QueryCtx, "db">,
  { membershipId, template, secretExpiresAt }: Notification,
): Promise<string | null> {
  if (membershipId === undefined) return null;
  const membership = await ctx.db.get("memberships", membershipId);
  if (template !== "invite") {
    return membership?.status === "active" ? null : "Its reader is no member any more.";
  }
  if (!membership) return "The invite was revoked.";
  if (membership.status !== "invited") return "The invite was accepted.";
  const isLatest = membership.invite?.expiresAt === secretExpiresAt;
  return isLatest ? null : "A later invite has taken its place.";
}

/** A notice of a task is for who holds it and sees it, while it is to be done; one of a comment, for who may hear of it. */
async function isOfNoConcern(
  ctx: Pick<QueryCtx, "db">,
  { template, membershipId }: Notification,
  object: ObjectDoc,
): Promise<string | null> {
  if (template !== "notice") return null;
  const membership = membershipId && (await ctx.db.get("memberships", membershipId));
  if (isOfType(object, "comment")) {
    const userId = membership && membership.userId;
    return userId ? await whyNoConcern(ctx, object, userId) : null;
  }
  if (!isOfType(object, "task")) return null;
  if (!isToDo(object.status)) return `The task is ${object.status}.`;
  const { assigneeIds, projectId } = object.customProperties;
  const holder = assigneeIds.find((id) => id === membership?.userId);
  if (holder === undefined) return "The task is another's now.";
  const { organizationId } = object;
  const seesIt = await canSeeProject(ctx, holder, { organizationId, _id: projectId });
  return seesIt ? null : "Its reader does not see the project any more.";
}

function saidOf(organization: Organization, message: Notification, object: ObjectDoc): Reading {
  const { template } = message;
  if (template === "notice" && isOfType(object, "comment")) {
    const { data, attachments } = message;
    return { data: { ...data, message: messageOf(object) }, attachments };
  }
  if (template === "reminder" || template === "receipt") {
    if (!isOfType(object, "invoice")) return message;
    return template === "reminder"
      ? reminderOf(organization, message, object)
      : receiptOf(organization, message, object);
  }
  if (template === "invoice" && isOfType(object, "invoice")) {
    if (object.status === "cancelled") return { withdrawn: "The invoice was cancelled." };
    return documentOf(organization, message, object);
  }
  if (template === "quote" && isOfType(object, "quote")) {
    const { status } = object;
    const isOver = status === "declined" || status === "expired" || status === "cancelled";
    if (isOver) return { withdrawn: `The quote is ${status}.` };
    return documentOf(organization, message, object);
  }
  if (template === "credit_note" && isOfType(object, "credit_note")) {
    return documentOf(organization, message, object);
  }
  return message;
}

function documentOf(
  organization: Organization,
  message: Notification,
  document: ObjectDoc<"invoice" | "quote" | "credit_note">,
): Said {
  const { language, attachments } = message;
  const data = documentData(organization, document, language);
  return { data: withOwnWords(message, data), attachments };
}

function reminderOf(
  organization: Organization,
  message: Notification,
  invoice: ObjectDoc<"invoice">,
): Reading {
  if (!isOpen(invoice)) {
    const { status } = invoice;
    const why = status === "cancelled" ? "was cancelled" : `is ${status}`;
    return { withdrawn: `The invoice ${why}: nobody is reminded of it.` };
  }
  const level = levelOf(message);
  const data = reminderData(organization, invoice, message.language, level);
  const format = reminderFormat(organization, invoice, level);
  return { data: withOwnWords(message, data), attachments: [{ objectId: invoice._id, format }] };
}

function receiptOf(
  organization: Organization,
  { attachments }: Notification,
  invoice: ObjectDoc<"invoice">,
): Reading {
  if (invoice.status !== "paid") {
    return { withdrawn: `The invoice is ${invoice.status}: it is no longer paid.` };
  }
  return { data: receiptData(organization, invoice), attachments };
}

function levelOf({ data }: Pick<Notification, "data">): ReminderLevel {
  const level = data["level"];
  return level === "3" ? 3 : level === "2" ? 2 : 1;
}

/** What a person wrote stays as it was written. */
function withOwnWords({ data: { message } }: Notification, data: LetterData): LetterData {
  return message === undefined ? data : { ...data, message };
}
