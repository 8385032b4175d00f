import { ApiError } from "../kit/errors";
import { cancelled, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { AccountMail } from "./mail";
import { hasLink } from "./mailAdmission";
import { MAIL_LEASE_MS, startLost } from "./mailQueue";
import { CANCELLED, settleInterrupted, wakeMail, withdraw } from "./mailSettling";

/** A notice that somebody wants sent once more is news again so long. */
const NEWS_FOR_MS = 7 * 24 * 60 * 60 * 1000;

/** Letters to people about their accounts, whichever organizations they belong to. */
export const accountMailKind = jobKind({
  name: "account mail",
  table: "accountMails",
  leaseMs: MAIL_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("accountMails")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: ({ job }) => job,
  organizationOf: () => null,
  createdAt: ({ createdAt }) => createdAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("accountMails", _id, { job });
  },
  interrupted: async (ctx, mail, _job, now) => {
    await settleInterrupted(ctx, mail, now);
  },
  startLost,
  retry: async (ctx, mail, job, now) => {
    const goodUntil = newsUntil(mail, now);
    await ctx.db.patch("accountMails", mail._id, {
      ...{ goodUntil, sentAt: undefined, deliveredAt: undefined, mayHaveArrived: undefined },
      // A message of its own: a provider that knows the key would not send it.
      revision: (mail.revision ?? 0) + 1,
      job: { ...queuedAt({ ...job, attempts: 0 }, now), deadline: goodUntil },
    });
    await wakeMail(ctx, now);
  },
  cancel: async (ctx, mail, job, now) => {
    if (job.state === "queued") await withdraw(ctx, mail, CANCELLED, now);
    else await ctx.db.patch("accountMails", mail._id, { job: cancelled(job, now) });
  },
  // There were none before jobs had one shape.
  ofBefore: async () => [],
});

function newsUntil(mail: AccountMail, now: number): number {
  if (!hasLink(mail)) return now + NEWS_FOR_MS;
  if (mail.secretUrl !== undefined && mail.goodUntil !== undefined) return mail.goodUntil;
  const message = "Its link is no longer kept: the person can ask for a new one.";
  throw new ApiError("INVALID_STATE", message);
}
