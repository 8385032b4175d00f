import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { organizationOf } from "../kit/own";
import { hasSecretLink, type Language, type LetterData, type TemplateName } from "./letters";
import { obstacleTo } from "./obstacles";
import type { OutboundChannel } from "./providers/configured";
import { isHeldBack, NEVER, newJob, queuedAt } from "../jobs/job";
import { jobOf, withJob } from "./mailJob";
import { fail, makeDue } from "./settling";
import { noSecret, type SecretLink, sealedLinkOf, sealLink } from "./secretLink";
import { otherAddress } from "./recipients";
import { readSubject } from "./subjects";
import { wayOf } from "./way";

export type Notification = Doc<"notifications">;

/** A message to somebody outside, before it is queued. */
export type OutboundMessage = {
  channel: OutboundChannel;
  /** E-mail address or phone number (E.164); without one it is kept as failed, for people to see. */
  to: string | undefined;
  template: TemplateName;
  language: Language;
  data: LetterData;
  objectId?: Id<"objects">;
  contactId?: Id<"objects">;
  /** Of the member of staff, or the invite, that it goes to. */
  membershipId?: Id<"memberships">;
  attachments?: Notification["attachments"];
  resendOf?: Id<"notifications">;
  secretLink?: SecretLink | undefined;
};

/**
 * Queues messages in the caller's transaction and wakes the organization's sender once it commits.
 * What cannot be sent is kept with the reason: without a provider as `queued`, what must not go to its
 * address (obstacles.ts) as `failed`.
 */
export async function queueMessages(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  messages: readonly OutboundMessage[],
): Promise<Id<"notifications">[]> {
  const ids: Id<"notifications">[] = [];
  if (messages.length === 0) return ids;
  const organization = await organizationOf(ctx, { organizationId });
  let isDue = false;
  for (const { attachments = [], to, secretLink, ...message } of messages) {
    const now = Date.now();
    const configured = await wayOf(ctx, organization, message.channel);
    const id = await ctx.db.insert("notifications", {
      ...message,
      ...(to === undefined ? {} : { to }),
      ...(secretLink === undefined ? {} : await sealLink(secretLink)),
      organizationId,
      status: "queued",
      attachments,
      attempts: [],
      ...("missing" in configured ? { reason: configured.missing } : {}),
      job: newJob("missing" in configured ? NEVER : now, { deadline: secretLink?.expiresAt }),
      createdAt: now,
      updatedAt: now,
    });
    ids.push(id);
    const obstacle = await obstacleOf(ctx, organization, message.channel, to);
    if (obstacle !== null) await failAtOnce(ctx, id, obstacle);
    else isDue ||= !("missing" in configured);
  }
  if (isDue) await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
  return ids;
}

const RELEASED_AT_ONCE = 500;

/** What was kept because the way of the organization's e-mail was missing is due, now that there may be one. */
export async function releaseHeld(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<void> {
  const held = await ctx.db
    .query("notifications")
    .withIndex("by_due", (q) =>
      q.eq("organizationId", organizationId).eq("job.state", "queued").eq("job.at", NEVER),
    )
    .take(RELEASED_AT_ONCE);
  const mails = held.filter(({ channel }) => channel === "email");
  for (const mail of mails) {
    const due = withJob(queuedAt(jobOf(mail), Date.now()));
    await ctx.db.patch("notifications", mail._id, { ...due, reason: undefined });
  }
  if (mails.length === 0) return;
  await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
}

/** Why a message cannot go out at all, or null. */
async function obstacleOf(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  channel: OutboundChannel,
  to: string | undefined,
): Promise<string | null> {
  if (to === undefined) {
    const what = channel === "email" ? "e-mail address" : "phone number";
    return `There is no ${what} to send it to.`;
  }
  return await obstacleTo(ctx, organization, { channel, to });
}

async function failAtOnce(
  ctx: MutationCtx,
  id: Id<"notifications">,
  reason: string,
): Promise<void> {
  const message = await ctx.db.get("notifications", id);
  if (message) await fail(ctx, message, "failed", reason);
}

const REPEATABLE = ["sent", "delivered", "failed", "bounced", "cancelled", "unknown"] as const;

/**
 * Sends a message once more because a person says so: as a new one, with its own key, which the
 * first one's history does not change; to another address where one is given. One that is only kept
 * goes on its way itself.
 * @throws INVALID_STATE while it is under way; CONFLICT without a provider, when its link is gone, or
 *   when it would be withdrawn; as `otherAddress`
 */
export async function resendMessage(
  ctx: MutationCtx,
  message: Notification,
  other?: string,
): Promise<Notification> {
  const { _id, organizationId, channel, status } = message;
  const isKept = status === "queued" && isHeldBack(jobOf(message));
  const isOver = (REPEATABLE as readonly string[]).includes(status);
  if (channel === "in_app" || !(isKept || isOver)) {
    throw new ApiError("INVALID_STATE", `A message that is ${status} cannot be sent again.`, {
      details: { status, allowed: [...REPEATABLE] },
    });
  }
  const organization = await organizationOf(ctx, { organizationId });
  const configured = await wayOf(ctx, organization, channel);
  if ("missing" in configured) throw new ApiError("CONFLICT", configured.missing);
  const to =
    other === undefined ? message.to : await otherAddress(ctx, organizationId, channel, other);
  if (other !== undefined && message.membershipId !== undefined) throw forOneReader();
  const addressed = { ...message, ...(to === undefined ? {} : { to }) };
  const reading = await readSubject(ctx, organization, addressed);
  if ("withdrawn" in reading) throw new ApiError("CONFLICT", reading.withdrawn);
  if (isKept) {
    return await makeDue(ctx, message, Date.now(), to === undefined ? {} : { to });
  }
  const { language, data, objectId, contactId, membershipId, attachments } = message;
  const about = {
    ...(objectId === undefined ? {} : { objectId }),
    ...(contactId === undefined ? {} : { contactId }),
    ...(membershipId === undefined ? {} : { membershipId }),
  };
  const template = message.template as TemplateName;
  if (other !== undefined && hasSecretLink(template)) throw forOneReader();
  const link = sealedLinkOf(message);
  if (hasSecretLink(template) && link === null) {
    const why = "Its link is no longer kept: ask for a new one in place of a copy.";
    throw new ApiError("CONFLICT", why);
  }
  const copy = { channel, to, template, language, data, attachments, resendOf: _id, ...about };
  const [id] = await queueMessages(ctx, organizationId, [copy]);
  if (id && link) {
    await ctx.db.patch("notifications", id, link);
    await ctx.db.patch("notifications", _id, noSecret);
  }
  const queued = id && (await ctx.db.get("notifications", id));
  if (!queued) throw new Error("A message that was queued is missing.");
  return queued;
}

/** A link that lets its reader in, or a notice to a member, is nobody else's. */
function forOneReader(): ApiError {
  return new ApiError("CONFLICT", "It is for its reader alone: it goes to no other address.");
}
