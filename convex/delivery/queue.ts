import { compareValues, type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { consume } from "../kit/limits";
import type { Mailbox } from "../oauth/sender";
import type { Job } from "../schemas/jobSchemas";
import { attachment, attemptArgs, messageSender, sentFile } from "../schemas/notificationSchemas";
import { oauthProviderName } from "../schemas/oauthSchemas";
import { admit } from "./admission";
import { asked, leased, NEVER } from "../jobs/job";
import { handOut, lookAt } from "./handout";
import { jobOf, withJob } from "./mailJob";
import { wakeAt } from "./wakes";
import { wayKey } from "./way";
import { type Notification, releaseHeld } from "./outbox";
import { outcomeValidator } from "./providers/message";
import { settleAttempt } from "./settling";

/**
 * The way of a message: `wake` hands it to an action (`send.deliver`), which reads what it says now
 * (`prepare`), makes its files, opens the way to the provider and only then begins an attempt
 * (`begin`), in whose transaction everything is read once more; it sends, and records how it went
 * (`settle`). What is interrupted before `begin` is simply handed out again (handout.ts); after it, see
 * settling.ts. As a job: mailJob.ts and mailKind.ts.
 */
const SENDS_PER_MINUTE = 30;
const AT_ONCE = 10;
const SECOND = 1000;
/** Longer than a provider may take to answer. */
const LEASE_MS = 5 * 60 * SECOND;

/** Hands out what is due, as far as 30 a minute allow, and wakes again for the rest. */
export const wake = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.null(),
  handler: async (ctx, { organizationId }) => {
    const now = Date.now();
    for (const message of await jobsOf(ctx, organizationId, "running", now).take(AT_ONCE)) {
      await lookAt(ctx, message, now);
    }
    let waitFor = 0;
    for (const message of await jobsOf(ctx, organizationId, "queued", now).take(AT_ONCE)) {
      const wait = waitFor > 0 ? waitFor : await paceOf(ctx, organizationId);
      if (wait > 0) waitFor = wait;
      else await handOut(ctx, message, now);
    }
    const next = await nextDueAt(ctx, organizationId, now + waitFor);
    await wakeAt(ctx, organizationId, next, now);
    return null;
  },
});

/** What was kept for want of a way has one now, it may be. */
export const release = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.null(),
  handler: async (ctx, { organizationId }) => {
    await releaseHeld(ctx, organizationId);
    return null;
  },
});

const mailServer = v.union(v.literal("resend"), v.literal("smtp"), v.literal("whatsapp"));
const providerName = v.union(mailServer, oauthProviderName);

const preparation = v.object({
  organizationId: v.id("organizations"),
  to: v.string(),
  provider: providerName,
  /** The member's own that it goes out by. */
  mailbox: v.optional(
    v.object({ connectionId: v.id("oauthConnections"), email: v.optional(v.string()) }),
  ),
  attachments: v.array(attachment),
  /** What an earlier attempt sent that may have arrived: the same files go out again. */
  files: v.optional(v.array(sentFile)),
  /** Still sealed. */
  secretUrl: v.optional(v.string()),
  basis: v.string(),
});
export type Preparation = Infer<typeof preparation>;

/** What has to be made before an attempt; null when there is nothing to do. */
export const prepare = internalMutation({
  args: attemptArgs,
  returns: v.union(preparation, v.null()),
  handler: async (ctx, { notificationId, attempt, lease }): Promise<Preparation | null> => {
    const admitted = await admit(ctx, notificationId, attempt, lease);
    if (!admitted) return null;
    const { message, way, said, basis } = admitted;
    const { organizationId, to, secretUrl, files } = message;
    return {
      ...{ organizationId, to, provider: way.provider, attachments: said.attachments, basis },
      ...("mailbox" in way ? { mailbox: addressed(way.mailbox) } : {}),
      ...(secretUrl === undefined ? {} : { secretUrl }),
      ...(admitted.isRepetition && files !== undefined ? { files } : {}),
    };
  },
});

const work = v.object({
  to: v.string(),
  template: v.string(),
  language: v.union(v.literal("en"), v.literal("de")),
  data: v.record(v.string(), v.string()),
  sender: messageSender,
  /** By which a provider knows a repetition: the same for attempts that send the same. */
  key: v.string(),
});
export type Work = Infer<typeof work>;

/**
 * Begins an attempt: from now on the provider may have been asked. Null when there is nothing to do
 * any more, `changed` when what was prepared is not what the message says now.
 */
export const begin = internalMutation({
  args: {
    ...attemptArgs,
    basis: v.optional(v.string()),
    files: v.optional(v.array(sentFile)),
    /** The way that stands open, see `wayKey`. */
    way: v.optional(v.string()),
  },
  returns: v.union(work, v.literal("changed"), v.null()),
  handler: async (
    ctx,
    { notificationId, attempt, lease, basis, files = [], way: opened },
  ): Promise<Work | "changed" | null> => {
    const admitted = await admit(ctx, notificationId, attempt, lease);
    if (!admitted) return null;
    const { message, organization, way, said, isRepetition } = admitted;
    if (opened !== undefined && opened !== wayKey(way)) return "changed";
    const { data, attachments } = said;
    if (attachments.length > 0 && !isRepetition && basis !== admitted.basis) return "changed";
    const sender = (isRepetition ? message.sender : undefined) ?? senderOf(organization);
    const revision = isRepetition
      ? (message.revision ?? 0)
      : revisionOf(message, { data, files, sender });
    const now = Date.now();
    await ctx.db.patch("notifications", notificationId, {
      status: "sending",
      ...{ data, attachments, files, sender, revision },
      attempts: [...message.attempts, { at: now, provider: way.provider }],
      ...withJob(asked(heldOf(message, now), now, LEASE_MS)),
      updatedAt: now,
    });
    const { to, template, language } = message;
    const key = revision === 0 ? notificationId : `${notificationId}.${revision}`;
    return { to, template, language, data, sender, key };
  },
});

/** An attempt that ended before the provider could be asked: nothing has been sent. */
export const fallShort = internalMutation({
  args: { ...attemptArgs, at: v.number(), provider: providerName, outcome: outcomeValidator },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt, lease, at, provider, outcome }) => {
    const message = await ctx.db.get("notifications", notificationId);
    if (message?.status !== "queued" || message.attempts.length !== attempt) return null;
    const attempts = [...message.attempts, { at, provider }];
    const begun = { status: "sending" as const, attempts, job: heldOf(message, Date.now()) };
    await settleAttempt(ctx, { ...message, ...begun }, { attempt, lease }, outcome);
    return null;
  },
});

/** Records how an attempt ended. */
export const settle = internalMutation({
  args: { ...attemptArgs, outcome: outcomeValidator },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt, lease, outcome }) => {
    const message = await ctx.db.get("notifications", notificationId);
    if (!message) return null;
    await settleAttempt(ctx, message, { attempt, lease }, outcome);
    return null;
  },
});

function addressed({ connectionId, email }: Mailbox): NonNullable<Preparation["mailbox"]> {
  return { connectionId, ...(email === undefined ? {} : { email }) };
}

/** Its job in somebody's hands; one that nobody was handed is taken by who begins. */
function heldOf(message: Notification, now: number): Job {
  const job = jobOf(message);
  return job.state === "running" ? job : leased(job, now, LEASE_MS);
}

/** An organization's messages in a state whose time has come, the longest due first. */
function jobsOf(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  state: "queued" | "running",
  until: number,
): { take(most: number): Promise<Notification[]>; first(): Promise<Notification | null> } {
  return ctx.db
    .query("notifications")
    .withIndex("by_due", (q) =>
      q.eq("organizationId", organizationId).eq("job.state", state).lte("job.at", until),
    );
}

/** When something of an organization wants attention; what is due waits until `notBefore`. */
async function nextDueAt(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  notBefore: number,
): Promise<number | null> {
  const times: number[] = [];
  const due = await jobsOf(ctx, organizationId, "queued", NEVER - 1).first();
  if (due) times.push(Math.max(jobOf(due).at, notBefore));
  const held = await jobsOf(ctx, organizationId, "running", NEVER).first();
  if (held) times.push(jobOf(held).at);
  return times.length === 0 ? null : Math.min(...times);
}

/** Draws one send of the organization's 30 a minute: 0, or the milliseconds until there is one. */
async function paceOf(ctx: MutationCtx, organizationId: Id<"organizations">): Promise<number> {
  try {
    await consume(ctx, `sends:${organizationId}`, SENDS_PER_MINUTE);
    return 0;
  } catch (error) {
    const retryAfter = errorDataOf(error)?.retryAfter;
    if (retryAfter === undefined) throw error;
    return retryAfter * SECOND;
  }
}

type Content = Pick<Notification, "data" | "files" | "sender">;

/** A text that has changed since an attempt which surely was not sent is another message to the provider. */
function revisionOf(message: Notification, content: Required<Content>): number {
  const { revision = 0, data, files, sender } = message;
  if (sender === undefined) return revision;
  const isSame = compareValues({ data, files, sender }, content) === 0;
  return isSame ? revision : revision + 1;
}

function senderOf({ name, sender }: Doc<"organizations">): Work["sender"] {
  const replyTo = sender?.replyTo ?? sender?.email;
  return { name: sender?.name ?? name, ...(replyTo === undefined ? {} : { replyTo }) };
}
