import { ApiError } from "../kit/errors";
import { cancelled } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import { takeFromGone } from "./handout";
import { sendingOf, writeJob } from "./mailJob";
import { resendMessage } from "./outbox";
import { CANCELLED, makeDue, withdraw } from "./settling";
import { wakeLate } from "./wakes";

/** Messages to people outside, by e-mail and WhatsApp. */
export const mailKind = jobKind({
  name: "message",
  table: "notifications",
  leaseMs: 10 * 60 * 1000,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("notifications")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: sendingOf,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ createdAt }) => createdAt,
  write: writeJob,
  interrupted: async (ctx, message, _job, now) => {
    await takeFromGone(ctx, message, now);
  },
  // A turn is drawn of an organization's 30 a minute: one that is due has not been lost for that.
  startLost: wakeLate,
  retry: async (ctx, message, job, now) => {
    if (message.status === "queued" && job.state === "queued") await makeDue(ctx, message, now);
    else await resendMessage(ctx, message);
  },
  cancel: async (ctx, message, job, now) => {
    if (message.status === "queued") await withdraw(ctx, message, CANCELLED);
    else if (message.status === "sending") await writeJob(ctx, message, cancelled(job, now));
    else throw new ApiError("INVALID_STATE", `The message is ${message.status}.`);
  },
  ofBefore: async (ctx, most) => {
    const due = await ctx.db
      .query("notifications")
      .withIndex("of_before", (q) => q.eq("status", "queued").gt("nextAttemptAt", 0))
      .take(most);
    const sending = await ctx.db
      .query("notifications")
      .withIndex("of_before", (q) => q.eq("status", "sending"))
      .take(most);
    return [...due, ...sending.filter(({ job }) => job === undefined)];
  },
});
